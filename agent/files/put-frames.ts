/** Many small files as the body of one request: the frames of `tree-frames`, in which folders only say where files belong. */
import type { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import { pathComponents, pathFromComponents } from '../../protocol/wire-path.ts';
import { buffersPassed } from '../base/collect-buffers.ts';
import { type ArchivedFile, archiveLimits, type MissingFile } from './archive-format.ts';
import { digestOf } from './block-digest.ts';
import { type FrameHead, frameKinds, FrameReader, headBytes, putHead } from './tree-frames.ts';

export const framesType = 'application/vnd.nethood.tree';
/** Bytes gathered before they are sent. */
const gathered = 256 << 10;

/** Of those that could be read. Pieces end with a file; the memory of each is used again when the next is asked for. */
export async function* packFrames(files: AsyncIterable<ArchivedFile | MissingFile>): AsyncGenerator<Buffer, void> {
  const buffer = Buffer.allocUnsafeSlow(2 * gathered);
  let length = 0;
  let open: readonly Uint8Array[] = [];
  for await (const file of files) {
    if (!('content' in file)) continue;
    const components = pathComponents(file.path);
    const parts = [...headsOf(open, components, file), file.content];
    open = components.slice(0, -1);
    const needed = parts.reduce((sum, part) => sum + part.length, length);
    if (needed > buffer.length) {
      yield Buffer.concat([buffer.subarray(0, length), ...parts]);
      length = 0;
      continue;
    }
    for (const part of parts) length += part.copy(buffer, length);
    if (length < gathered) continue;
    yield buffer.subarray(0, length);
    length = 0;
  }
  yield Buffer.concat([buffer.subarray(0, length), headOf({ kind: frameKinds.end, depth: 0, modified: 0, size: 0 })]);
}

/** Of the folders that were not open before, and of the file. */
function headsOf(
  open: readonly Uint8Array[],
  components: readonly Uint8Array[],
  { content, modified }: ArchivedFile,
): Buffer[] {
  const depth = components.length - 1;
  const heads: Buffer[] = [];
  for (let at = firstOther(open, components); at < depth; at++)
    heads.push(headOf({ kind: frameKinds.folder, depth: at, modified: 0, size: 0 }, components[at]));
  const digest = digestOf(content);
  heads.push(headOf({ kind: frameKinds.file, depth, modified, size: content.length, digest }, components[depth]));
  return heads;
}

function headOf(head: FrameHead, name: Uint8Array = new Uint8Array()): Buffer {
  const buffer = Buffer.allocUnsafe(headBytes + name.length);
  putHead(buffer, 0, head, name);
  return buffer;
}

/** How many folders of the one are those of the other. */
function firstOther(open: readonly Uint8Array[], components: readonly Uint8Array[]): number {
  const at = open.findIndex((name, index) => !Buffer.from(name).equals(components[index] ?? new Uint8Array()));
  return at === -1 ? open.length : at;
}

/** The content of each is valid until the next is asked for. @throws `bad-message` for anything that is no such body, `interrupted` for one that was cut off */
export async function* readFrames(body: Readable): AsyncGenerator<ArchivedFile, void> {
  const reader = new FrameReader(archiveLimits.file);
  const open: Uint8Array[] = [];
  let ended = false;
  for await (const bytes of whole(body)) {
    buffersPassed(bytes.length);
    for (const { kind, depth, name, content, modified, digest } of reader.add(bytes)) {
      if (ended || depth > open.length) throw notOurs();
      ended = kind === frameKinds.end;
      open.length = Math.min(open.length, depth);
      if (kind === frameKinds.folder) open.push(Buffer.from(name));
      else if (kind === frameKinds.file) {
        const damaged = digestOf(content) !== digest;
        yield { path: pathFromComponents([...open, name]), content, modified, damaged };
      } else if (!ended) throw notOurs();
    }
  }
  if (!ended) throw cutOff();
}

async function* whole(body: Readable): AsyncGenerator<Buffer, void> {
  try {
    // Not destroyed when it is left early: the refusal has still to go out by the same socket.
    yield* body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw cutOff(error);
  }
}

function notOurs(): NethoodError {
  return new NethoodError('bad-message', 'The neighbour sent files that cannot be read.');
}

function cutOff(cause?: unknown): NethoodError {
  return new NethoodError('interrupted', 'The connection broke in the middle of files.', { cause });
}

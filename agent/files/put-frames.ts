/** Many small files as the body of one request: the frames of `tree-frames`, in which folders only say where files belong. */
import type { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import { pathComponents, pathFromComponents } from '../../protocol/wire-path.ts';
import { type ArchivedFile, archiveLimits, type MissingFile } from './archive-format.ts';
import { digestOf } from './block-digest.ts';
import { type FrameHead, frameKinds, FrameReader, headBytes, putHead } from './tree-frames.ts';

export const framesType = 'application/vnd.nethood.tree';
/** Bytes gathered before they are sent. */
const gathered = 256 << 10;

/** Of those that could be read. Pieces end with a file. */
export async function* packFrames(files: AsyncIterable<ArchivedFile | MissingFile>): AsyncGenerator<Buffer, void> {
  let held: Buffer[] = [];
  let size = 0;
  let open: readonly Uint8Array[] = [];
  const add = (bytes: Buffer): void => {
    held.push(bytes);
    size += bytes.length;
  };
  for await (const file of files) {
    if (!('content' in file)) continue;
    const { content, modified } = file;
    const components = pathComponents(file.path);
    const depth = components.length - 1;
    for (let at = firstOther(open, components); at < depth; at++)
      add(headOf({ kind: frameKinds.folder, depth: at, modified: 0, size: 0 }, components[at]));
    open = components.slice(0, depth);
    const digest = digestOf(content);
    add(headOf({ kind: frameKinds.file, depth, modified, size: content.length, digest }, components[depth]));
    add(content);
    if (size < gathered) continue;
    yield Buffer.concat(held, size);
    held = [];
    size = 0;
  }
  add(headOf({ kind: frameKinds.end, depth: 0, modified: 0, size: 0 }));
  yield Buffer.concat(held, size);
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
  for await (const bytes of whole(body))
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
  if (!ended) throw cutOff();
}

async function* whole(body: Readable): AsyncGenerator<Buffer, void> {
  try {
    yield* body as AsyncIterable<Buffer>;
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

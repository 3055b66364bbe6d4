/** Many small files in one body: what is packed is read, however it is cut, and nothing else is taken for it. */
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { expect, it } from 'vitest';
import type { ArchivedFile, MissingFile } from '../../agent/files/archive-format.ts';
import { packFrames, readFrames } from '../../agent/files/put-frames.ts';
import { frameKinds, headBytes, putHead } from '../../agent/files/tree-frames.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { seededRandom } from '../office/counts.ts';
import { codeOf } from './files-support.ts';

const paths = ['a', 'b/a', 'b/c/d/e', 'b/c/d/f', 'b/c/g', 'b/h', 'i/c/d', 'j'];
const random = seededRandom();
const files: readonly ArchivedFile[] = paths.map((path, at) => ({
  path: wirePathFromPlain(path),
  content: Buffer.alloc(at % 3 === 0 ? 0 : Math.floor(random() * 700_000), at),
  modified: 1_600_000_000_000 + at,
}));

async function* given(): AsyncGenerator<ArchivedFile | MissingFile, void> {
  yield files[0] as ArchivedFile;
  yield { path: wirePathFromPlain('gone'), code: 'not-found' };
  yield* files.slice(1);
  await Promise.resolve();
}

async function packed(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of packFrames(given())) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

function cutAt(bytes: Buffer, most: number): Readable {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 0)
    pieces.push(bytes.subarray(at, at + 1 + Math.floor(random() * most)));
  return Readable.from(pieces);
}

async function read(body: Readable): Promise<ArchivedFile[]> {
  const found: ArchivedFile[] = [];
  for await (const file of readFrames(body)) found.push({ ...file, content: Buffer.from(file.content) });
  return found;
}

/** Buffers take long to compare as values. */
const shown = ({ content, ...rest }: ArchivedFile): object => ({ ...rest, crc: crc32(content), size: content.length });

it.each([40, 1_000, 100_000, 10_000_000])('what is packed is read, in pieces of at most %d bytes', async (most) => {
  const found = await read(cutAt(await packed(), most));
  expect(found.map(shown)).toEqual(files.map((file) => shown({ ...file, damaged: false })));
});

it('a file that came other than it was sent says so', async () => {
  const bytes = await packed();
  bytes[bytes.length - headBytes - 1] = 99;
  const damaged = (await read(Readable.from([bytes]))).map((file) => file.damaged === true);
  expect(damaged).toEqual(files.map((_, at) => at === files.length - 1));
});

const head = (kind: number, depth: number, name: string): Buffer => {
  const buffer = Buffer.alloc(headBytes + Buffer.byteLength(name));
  putHead(buffer, 0, { kind: kind as 0, depth, modified: 0, size: 0 }, Buffer.from(name));
  return buffer;
};
const { end, file, fileAlone, folder, totals } = frameKinds;

it.each([
  ['without an end', [head(file, 0, 'a')], 'interrupted'],
  ['of nothing', [], 'interrupted'],
  ['with more after its end', [head(end, 0, ''), head(file, 0, 'a')], 'bad-message'],
  ['with a file before its folder', [head(file, 1, 'a'), head(end, 0, '')], 'bad-message'],
  ['with a way out', [head(folder, 0, '..'), head(file, 1, 'a'), head(end, 0, '')], 'bad-path'],
  ['with a file without a name', [head(file, 0, ''), head(end, 0, '')], 'bad-path'],
  ['with a file without its content', [head(fileAlone, 0, 'a'), head(end, 0, '')], 'bad-message'],
  ['with what only a folder is answered with', [head(totals, 0, ''), head(end, 0, '')], 'bad-message'],
])('a body %s is none', async (_what, frames, code) => {
  expect(await codeOf(read(Readable.from([Buffer.concat(frames)])))).toBe(code);
});

it('a body that breaks off is interrupted', async () => {
  const body = new Readable({ read: () => undefined });
  body.push(head(file, 0, 'a'));
  setImmediate(() => body.destroy(new Error('aborted')));
  expect(await codeOf(read(body))).toBe('interrupted');
});

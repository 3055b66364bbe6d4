/** A file that is put in blocks, as a hostile or broken neighbour may send it: holes cost nothing to tell, and must cost nothing to hear. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { blockBytes, digestOf } from '../../agent/files/block-digest.ts';
import { type BlockHead, blocksType, headBytes, longestHole, writeHead } from '../../agent/files/block-frames.ts';
import { AnnasShare, type Answer, ask } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let anna: AnnasShare;
beforeEach(async () => {
  anna = await AnnasShare.open(scope, { rights: 'write' });
});

const load = { disk: 0, wire: 0, processor: 0, setting: 0 };
const GiB = 2 ** 30;

function head(part: Pick<BlockHead, 'kind' | 'position' | 'length'> & { digest?: number }): Buffer {
  const buffer = Buffer.alloc(headBytes);
  writeHead(buffer, { digest: 0, load, ...part });
  return buffer;
}
const hole = (position: number, length: number): Buffer => head({ kind: 'hole', position, length });
const data = (position: number, content: Buffer, digest = digestOf(content)): Buffer =>
  Buffer.concat([head({ kind: 'data', position, length: content.length, digest }), content]);

function* holesOf(size: number): Generator<Buffer, void> {
  for (let at = 0; at < size; at += longestHole) yield hole(at, Math.min(longestHole, size - at));
}

interface Said {
  readonly size: number;
  readonly offset?: number;
  readonly digest?: Buffer;
}

function post(frames: readonly Buffer[], { size, offset = 0, digest }: Said): Promise<Answer> {
  const body = Buffer.concat(frames);
  const headers = {
    'content-type': blocksType,
    'nethood-run': 'one',
    'nethood-size': size,
    'nethood-offset': offset,
    'nethood-allocated': 0,
    'nethood-modified': 1_700_000_000_123,
  };
  return ask(`${anna.url}/files/${anna.share}/part/x`, {
    method: 'POST',
    headers,
    body: Buffer.concat([body, digest ?? createHash('sha256').update(body).digest()]),
  });
}

const codeIn = ({ status, body }: Answer): unknown => [status, JSON.parse(body.toString()).error?.code];
const held = async (): Promise<unknown> => {
  const url = `${anna.url}/files/${anna.share}/held/x`;
  return (await ask(url, { method: 'POST', headers: { 'nethood-run': 'one' } })).headers['nethood-held'];
};

it('is the file again, with holes of several blocks in one', async () => {
  const content = randomBytes(blockBytes);
  const size = 5 * blockBytes + 9;
  const frames = [hole(0, 2 * blockBytes), data(2 * blockBytes, content), hole(3 * blockBytes, 2 * blockBytes + 9)];
  expect((await post(frames, { size })).status).toBe(200);
  const got = await readFile(join(anna.folder, 'x'));
  expect(got).toHaveLength(size);
  expect(got.subarray(2 * blockBytes, 3 * blockBytes).equals(content)).toBe(true);
  expect(got.filter((byte) => byte !== 0).length).toBe(content.filter((byte) => byte !== 0).length);
});

it('may be one hole larger than the disk', async () => {
  expect((await post([...holesOf(600 * GiB)], { size: 600 * GiB })).status).toBe(200);
  const { size, blocks } = await stat(join(anna.folder, 'x'));
  expect([size, blocks * 512 < 100_000]).toEqual([600 * GiB, true]);
});

it('counts with its whole size for a quota', async () => {
  await anna.shares.config.update((config) => ({
    ...config,
    shares: config.shares.map((share) => ({ ...share, quota: GiB })),
  }));
  expect(codeIn(await post([...holesOf(2 * GiB)], { size: 2 * GiB }))).toEqual([413, 'too-large']);
  expect(await readdir(anna.folder)).toEqual([]);
});

describe('is refused, and nothing of it is left', () => {
  it.each<[string, [number, string], Buffer[], Said]>([
    ['with a size that no file has', [400, 'bad-request'], [hole(0, longestHole)], { size: 2 ** 60 }],
    ['with a size beyond all measure', [413, 'too-large'], [hole(0, longestHole)], { size: 2 ** 47 }],
    ['with a hole beyond its end', [400, 'bad-message'], [hole(0, 2 * blockBytes)], { size: blockBytes }],
    ['with a hole that takes long', [400, 'bad-message'], [hole(0, 2 * longestHole)], { size: 2 * longestHole }],
    ['with holes that are no blocks', [400, 'bad-message'], [hole(0, 100), hole(100, 100)], { size: 200 }],
    ['with a block elsewhere', [400, 'bad-message'], [hole(blockBytes, blockBytes)], { size: 2 * blockBytes }],
    ['without its end', [400, 'bad-request'], [hole(0, blockBytes)], { size: 2 * blockBytes, digest: Buffer.alloc(0) }],
    ['with more than it', [400, 'bad-request'], [hole(0, 9), Buffer.alloc(40)], { size: 9 }],
    ['from the middle of a block on', [400, 'bad-request'], [hole(5, 4)], { size: 9, offset: 5 }],
    ['with another digest', [502, 'interrupted'], [hole(0, 9)], { size: 9, digest: randomBytes(32) }],
  ])('%s', async (_what, code, frames, said) => {
    expect(codeIn(await post(frames, said))).toEqual(code);
    expect([await readdir(anna.folder), await held()]).toEqual([[], '0']);
  });
});

it('that was damaged on its way is kept up to there, and not named', async () => {
  const [one, two] = [randomBytes(blockBytes), randomBytes(blockBytes)];
  const frames = [data(0, one), data(blockBytes, two, digestOf(one))];
  expect(codeIn(await post(frames, { size: 3 * blockBytes }))).toEqual([502, 'interrupted']);
  expect(await held()).toBe(String(blockBytes));
  const [name = ''] = await readdir(anna.folder);
  expect(name).toMatch(/\.nethood-part$/);
  const rest = [data(blockBytes, two), hole(2 * blockBytes, blockBytes)];
  expect((await post(rest, { size: 3 * blockBytes, offset: blockBytes })).status).toBe(200);
  expect((await readFile(join(anna.folder, 'x'))).equals(Buffer.concat([one, two, Buffer.alloc(blockBytes)]))).toBe(
    true,
  );
});

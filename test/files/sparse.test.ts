/** Files with holes, which stay holes wherever they are moved to, and cost neither room nor line. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { Transfers } from '../../agent/files/files-service.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { TransferView } from '../../protocol/control.ts';
import { features } from '../../protocol/peer.ts';
import { rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, never, sha256, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

const mib = 1 << 20;
let anna: AnnasShare;
let home: string;
let transfers: Transfers & AsyncDisposable;

async function startAgent(): Promise<void> {
  const deps = { neighbours: anna.neighbours, stateFolder: join(home, 'state'), clock: systemClock };
  transfers = scope.use(await createTransfers({ ...deps, random: () => 1, log: silentLog }));
}

beforeEach(async () => {
  anna = await AnnasShare.open(scope, { rights: 'write' });
  home = await temporaryFolder(scope);
  await startAgent();
});

async function ended(begun: Promise<TransferView>): Promise<TransferView> {
  let last = await begun;
  for await (const next of transfers.watch(last.id, never)) last = next;
  return last;
}

const beginPut = (name: string): Promise<TransferView> =>
  transfers.put({
    neighbour: annaId,
    share: anna.share,
    readings: [rootPath],
    source: join(home, name),
    place: 'Anna/Public',
    into: true,
    keep: false,
  });
const put = (name: string): Promise<TransferView> => ended(beginPut(name));

const get = (name: string): Promise<TransferView> =>
  ended(
    transfers.get({
      neighbour: annaId,
      share: anna.share,
      path: wirePathFromPlain(name),
      source: `Anna/Public/${name}`,
      destination: join(home, name),
    }),
  );

interface Shape {
  readonly size: number;
  /** Where there is data, and how much. */
  readonly data: readonly (readonly [at: number, length: number])[];
}

const alternating = Array.from({ length: 1280 }, (_, at) => [at * 8192, 4096] as const);
const shapes: readonly (readonly [string, Shape])[] = [
  ['is one single hole', { size: 50 * mib + 1, data: [] }],
  ['has a hole at its start', { size: 20 * mib, data: [[19 * mib + 5, mib - 5]] }],
  ['has a hole at its end, and no whole blocks', { size: 20 * mib + 777, data: [[0, 3 * mib + 3]] }],
  ['has data of a few bytes far apart', { size: 60 * mib, data: [0, 7, 8, 31, 59].map((at) => [at * mib + 4000, 9]) }],
  ['has tiny holes', { size: 3 * mib, data: [0, 1, 2].map((at) => [at * mib, mib - 32_768] as const) }],
  ['has 4 KiB of data and of hole in turn', { size: 10 * mib, data: alternating }],
];

async function make(path: string, { size, data }: Shape): Promise<void> {
  await using file = await open(path, 'w');
  for (const [at, length] of data) await file.write(randomBytes(length), 0, length, at);
  await file.truncate(size);
  await utimes(path, 0, 1_600_000_000.123_5);
}

const there = (path: string): string => join(anna.folder, path);
const allocated = async (path: string): Promise<number> => (await stat(path)).blocks * 512;
const dataIn = ({ data }: Shape): number => data.reduce((sum, [, length]) => sum + length, 0);

async function expectSame(name: string): Promise<void> {
  expect(await sha256(there(name))).toBe(await sha256(join(home, name)));
}

async function expectHoles(copy: string, original: string): Promise<void> {
  // A file system may takes some pages more for its own tree.
  expect(await allocated(copy)).toBeLessThanOrEqual((await allocated(original)) + 65_536);
}

describe('a file that is put', () => {
  it.each(shapes)('%s, there too', async (_what, shape) => {
    await make(join(home, 'disk.img'), shape);
    expect(await put('disk.img')).toMatchObject({ state: 'done', files: 1, bytes: shape.size, error: null });
    await expectSame('disk.img');
    await expectHoles(there('disk.img'), join(home, 'disk.img'));
    expect((await stat(there('disk.img'))).mtimeMs).toBe(1_600_000_000_123);
    expect(await readdir(anna.folder)).toEqual(['disk.img']);
  });

  it('crosses the line without its holes', async () => {
    const shape = { size: 60 * mib, data: [[30 * mib + 8192, 10_000] as const] };
    await make(join(home, 'disk.img'), shape);
    expect(await put('disk.img')).toMatchObject({ state: 'done', bytes: shape.size });
    expect(anna.taken).toBeLessThan(mib + 50_000);
  });

  it('without holes goes as it is', async () => {
    await make(join(home, 'dense'), { size: 9 * mib, data: [[0, 9 * mib]] });
    expect(await put('dense')).toMatchObject({ state: 'done' });
    await expectSame('dense');
  });

  it('goes as it is to who knows no blocks', async () => {
    anna.features = new Set(features.filter((feature) => feature !== 'put-blocks'));
    await make(join(home, 'disk.img'), { size: 20 * mib, data: [[0, 100]] });
    expect(await put('disk.img')).toMatchObject({ state: 'done', bytes: 20 * mib });
    expect(anna.taken).toBeGreaterThan(20 * mib);
    await expectSame('disk.img');
  });

  it.each([
    ['data', 4 * mib, 3 * mib],
    ['what comes after a hole', 6 * mib + 100, 36 * mib],
  ])('is resumed in %s, with its holes, and is what it was', async (_where, cut, least) => {
    const shape: Shape = {
      size: 80 * mib + 5,
      data: [
        [0, 3 * mib],
        [36 * mib, 20 * mib],
      ],
    };
    await make(join(home, 'disk.img'), shape);
    anna.takenAtMost = cut;
    const { id } = await beginPut('disk.img');
    await expect.poll(() => transfers.list()[0]?.state, { timeout: 10_000 }).toBe('waiting');
    await transfers.cancel(id);
    await startAgent();
    const before = anna.taken;
    const view = await put('disk.img');
    expect(view).toMatchObject({ state: 'done', bytes: shape.size });
    expect(view.resumedFrom).toBeGreaterThanOrEqual(least);
    expect(anna.taken - before).toBeLessThan(dataIn(shape) - cut + 5 * mib);
    await expectSame('disk.img');
    await expectHoles(there('disk.img'), join(home, 'disk.img'));
    expect(await readdir(anna.folder)).toEqual(['disk.img']);
  });

  it('and changed since it broke off is compared, holes and all', async () => {
    await make(join(home, 'disk.img'), { size: 30 * mib, data: [[10 * mib, 15 * mib]] });
    anna.takenAtMost = 9 * mib;
    const { id } = await beginPut('disk.img');
    await expect.poll(() => transfers.list()[0]?.state, { timeout: 10_000 }).toBe('waiting');
    await transfers.cancel(id);
    await using file = await open(join(home, 'disk.img'), 'r+');
    await file.write(Buffer.from('no hole'), 0, 7, 2 * mib);
    expect(await put('disk.img')).toMatchObject({ state: 'done', resumedFrom: 2 * mib });
    await expectSame('disk.img');
  });
});

/** A large file, a small one that lacks enough to be worth it, and small ones without holes. */
async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder);
  await make(join(folder, 'large.img'), { size: 40 * mib, data: [[20 * mib, 5000]] });
  await make(join(folder, 'small.img'), { size: 5 * mib, data: [[mib, 5000]] });
  for (const name of ['a', 'b']) await make(join(folder, name), { size: 3 * mib, data: [[0, 3 * mib]] });
}

async function expectFolder(): Promise<void> {
  for (const name of ['a', 'b', 'large.img', 'small.img']) await expectSame(join('work', name));
}

describe('a folder', () => {
  it('that is put has its holes there, in small files too', async () => {
    await makeFolder(join(home, 'work'));
    expect(await put('work')).toMatchObject({ state: 'done', files: 4, bytes: 51 * mib });
    await expectFolder();
    for (const name of ['large.img', 'small.img']) expect(await allocated(there(join('work', name)))).toBeLessThan(mib);
    expect(anna.taken).toBeLessThan(9 * mib);
  });

  it.each([
    ['one stream', []],
    ['archives', ['tree']],
  ])('that is fetched as %s has its holes here, in small files too', async (_how, missing) => {
    anna.features = new Set(features.filter((feature) => !missing.includes(feature)));
    await makeFolder(there('work'));
    expect(await get('work')).toMatchObject({ state: 'done', files: 4, bytes: 51 * mib });
    await expectFolder();
    for (const name of ['large.img', 'small.img']) expect(await allocated(join(home, 'work', name))).toBeLessThan(mib);
  });
});

// needs: namespaces
/** A disk that is full at the receiver: told as such, and nothing half-done is left to fill it. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, statfs, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { Transfers } from '../../agent/files/files-service.ts';
import { localPath } from '../../agent/files/local-path.ts';
import { PartFile } from '../../agent/files/part-file.ts';
import { RateLimit } from '../../agent/files/rate-limit.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { TransferView } from '../../protocol/control.ts';
import { features } from '../../protocol/peer.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, codeOf, never, temporaryFolder } from '../files/files-support.ts';
import { until } from '../office/until.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let anna: AnnasShare;
let disk: string;
let transfers: Transfers;
/** Bytes a second. */
let rate: number | undefined;

async function mountDisk(options: string): Promise<void> {
  disk = join(await temporaryFolder(scope), 'disk');
  const folder = disk;
  await mkdir(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  scope.defer(() => execFileSync('umount', ['--lazy', folder]));
}

beforeEach(async () => {
  anna = await AnnasShare.open(scope);
  const stateFolder = await temporaryFolder(scope);
  rate = undefined;
  const limit = new RateLimit(systemClock, () => rate);
  const deps = { neighbours: anna.neighbours, stateFolder, clock: systemClock, random: () => 1, log: silentLog, limit };
  transfers = scope.use(await createTransfers(deps));
});

async function get(path: string): Promise<TransferView> {
  const order = {
    neighbour: annaId,
    share: anna.share,
    path: wirePathFromPlain(path),
    source: path,
    destination: disk,
  };
  let last = await transfers.get(order);
  for await (const next of transfers.watch(last.id, never)) last = next;
  return last;
}

const isComing = async (): Promise<boolean> => (transfers.list()[0]?.bytes ?? 0) > 2 << 20;

it('a file larger than what is free is refused before a byte of it is written', async () => {
  await mountDisk('size=8m');
  await writeFile(join(anna.folder, 'big'), Buffer.alloc(10 << 20));
  const message = `${disk} has too little space for big: 11 MB are needed.`;
  expect(await get('big')).toMatchObject({ state: 'failed', error: { code: 'no-space', message }, bytes: 0 });
  expect(await readdir(disk)).toEqual([]);
});

it('a folder larger than what is free is refused, and its partial folder removed', async () => {
  await mountDisk('size=8m');
  await mkdir(join(anna.folder, 'work'));
  for (const name of ['a', 'b']) await writeFile(join(anna.folder, 'work', name), Buffer.alloc(6 << 20));
  expect(await get('work')).toMatchObject({ state: 'failed', error: { code: 'no-space' } });
  expect(await readdir(disk)).toEqual(['work']);
});

it.each([
  ['blocks', 'size=2m'],
  ['inodes', 'size=64m,nr_inodes=100'],
])('a disk that runs out of %s in the middle keeps the whole files and nothing else', async (_what, options) => {
  await mountDisk(options);
  await mkdir(join(anna.folder, 'work'));
  for (let at = 0; at < 1000; at++) await writeFile(join(anna.folder, 'work', `file ${at}`), 'small');
  expect(await get('work')).toMatchObject({ state: 'failed', error: { code: 'no-space' } });
  expect(await readdir(disk)).toEqual(['work']);
  const files = await readdir(join(disk, 'work'));
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((name) => !name.startsWith('file '))).toEqual([]);
  // Space comes back: the same command gets the rest.
  execFileSync('mount', ['-o', 'remount,size=64m,nr_inodes=10000', disk]);
  expect(await get('work')).toMatchObject({ state: 'done', files: 1000 });
});

it('a disk that fills up while a file comes ends it with no-space, and the part is gone', async () => {
  await mountDisk('size=16m');
  await writeFile(join(anna.folder, 'big'), randomBytes(12 << 20));
  anna.cutAfter = 4 << 20;
  const running = get('big');
  await expect.poll(() => transfers.list()[0]?.state).toBe('waiting');
  await writeFile(join(disk, 'other'), Buffer.alloc(10 << 20));
  expect(await running).toMatchObject({ state: 'failed', error: { code: 'no-space' } });
  expect(await readdir(disk)).toEqual(['other']);
  await rm(join(disk, 'other'));
  expect(await get('big')).toMatchObject({ state: 'done', bytes: 12 << 20 });
});

it('a disk that another program fills between two blocks is told with the name that the file was to have', async () => {
  await mountDisk('size=16m');
  await writeFile(join(anna.folder, 'big'), randomBytes(12 << 20));
  rate = 20e6;
  const running = get('big');
  await until(isComing, { what: 'some megabytes here', withinMs: 20_000, everyMs: 10 });
  execFileSync('sh', ['-c', 'head -c 20M /dev/zero > "$0"; true', join(disk, 'other')], { stdio: 'ignore' });
  const message = `The disk is full: ${join(disk, 'big')} could not be written.`;
  expect(await running).toMatchObject({ state: 'failed', error: { code: 'no-space', message } });
  expect(await readdir(disk)).toEqual(['other']);
});

it('what a full disk refuses is told by the next write, and by the last', async () => {
  await mountDisk('size=4m');
  for (const bytes of [1 << 20, 6 << 20]) {
    await using part = await PartFile.create(localPath(join(disk, `part ${bytes}`)));
    for (let at = 0; at < bytes; at += 1 << 16) part.add(Buffer.alloc(1 << 16));
    expect(await codeOf(part.finish(0))).toBe(bytes > 4 << 20 ? 'no-space' : 'no error');
  }
  const { bavail } = await statfs(disk);
  expect(bavail).toBe(0);
});

it.each([
  ['a file', 'work/disk.img', []],
  ['a folder as one stream', 'work', []],
  ['a folder by its list', 'work', ['tree']],
])('%s with holes needs room for the rest alone', async (_what, path, missing) => {
  anna.features = new Set(features.filter((feature) => !missing.includes(feature)));
  await mountDisk('size=8m');
  await mkdir(join(anna.folder, 'work'));
  await writeFile(join(anna.folder, 'work', 'disk.img'), randomBytes(2 << 20));
  await truncate(join(anna.folder, 'work', 'disk.img'), 2 ** 27);
  expect(await get(path)).toMatchObject({ state: 'done', bytes: 2 ** 27, error: null });
  expect((await stat(join(disk, path === 'work' ? 'work/disk.img' : 'disk.img'))).size).toBe(2 ** 27);
});

// needs: namespaces
/** A disk that is full where files are put: told as such, and nothing half-done is left to fill it. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { Transfers } from '../../agent/files/files-service.ts';
import { RateLimit } from '../../agent/files/rate-limit.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { TransferView } from '../../protocol/control.ts';
import { rootPath } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, never, temporaryFolder } from '../files/files-support.ts';
import { until } from '../office/until.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let anna: AnnasShare;
let home: string;
let transfers: Transfers;
/** Bytes a second. */
let rate: number | undefined;

beforeEach(async () => {
  anna = await AnnasShare.open(scope, { rights: 'write' });
  const disk = anna.folder;
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', disk]);
  scope.defer(() => execFileSync('umount', ['--lazy', disk]));
  await anna.shares.config.update((config) => ({ ...config, sharing: { ...config.sharing, reserve: 0 } }));
  home = await temporaryFolder(scope);
  rate = undefined;
  const limit = new RateLimit(systemClock, () => rate);
  const deps = { neighbours: anna.neighbours, stateFolder: join(home, 'state'), clock: systemClock, limit };
  transfers = scope.use(await createTransfers({ ...deps, random: () => 1, log: silentLog }));
});

async function put(name: string): Promise<TransferView> {
  const order = { neighbour: annaId, share: anna.share, readings: [rootPath], place: 'Anna/Public', into: true };
  let last = await transfers.put({ ...order, source: join(home, name), keep: false });
  for await (const next of transfers.watch(last.id, never)) last = next;
  return last;
}

const full = { state: 'failed', error: { code: 'no-space' } };

it('a file larger than what is free is refused before a byte of it is taken', async () => {
  await writeFile(join(home, 'big'), randomBytes(30 << 20));
  expect(await put('big')).toMatchObject(full);
  expect(anna.taken).toBeLessThan(8 << 20);
  expect(await readdir(anna.folder)).toEqual([]);
});

it('a disk that fills up while a file is put ends it, and the part is gone', async () => {
  await writeFile(join(home, 'big'), randomBytes(15 << 20));
  anna.takenAtMost = 10 << 20;
  const running = put('big');
  await expect.poll(() => transfers.list()[0]?.state).toBe('waiting');
  await writeFile(join(anna.folder, 'other'), Buffer.alloc(9 << 20));
  expect(await running).toMatchObject(full);
  expect(await readdir(anna.folder)).toEqual(['other']);
  await rm(join(anna.folder, 'other'));
  expect(await put('big')).toMatchObject({ state: 'done', bytes: 15 << 20 });
});

it('a disk that fills up between two blocks ends it at once: nobody waits for the other to go on', async () => {
  await writeFile(join(home, 'big'), randomBytes(15 << 20));
  rate = 20e6;
  const running = put('big');
  await until(async () => (await partSize()) > 4 << 20, { what: 'some megabytes there', withinMs: 20_000 });
  execFileSync('sh', ['-c', 'head -c 20M /dev/zero > "$0"; true', join(anna.folder, 'other')], { stdio: 'ignore' });
  expect(await running).toMatchObject(full);
  expect((await running).seconds).toBeLessThan(30);
  expect(await readdir(anna.folder)).toEqual(['other']);
});

async function partSize(): Promise<number> {
  const name = (await readdir(anna.folder)).find((each) => each.endsWith('.nethood-part'));
  return name === undefined ? 0 : (await stat(join(anna.folder, name)).catch(() => ({ size: 0 }))).size;
}

it('a folder that is too large keeps its whole files and nothing else, and the same command sends the rest', async () => {
  await mkdir(join(home, 'work'));
  for (let at = 0; at < 60; at++) await writeFile(join(home, 'work', `file ${at}`), randomBytes(500_000));
  expect(await put('work')).toMatchObject(full);
  const names = await readdir(join(anna.folder, 'work'));
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !name.startsWith('file '))).toEqual([]);
  execFileSync('mount', ['-o', 'remount,size=64m', anna.folder]);
  expect(await put('work')).toMatchObject({ state: 'done', files: 60 });
});

it('a file with holes needs room for the rest alone', async () => {
  for (const [name, data] of [
    ['fits', 2 << 20],
    ['does not', 25 << 20],
  ] as const) {
    await writeFile(join(home, name), randomBytes(data));
    await truncate(join(home, name), 2 ** 27);
  }
  expect(await put('fits')).toMatchObject({ state: 'done', bytes: 2 ** 27 });
  expect((await stat(join(anna.folder, 'fits'))).size).toBe(2 ** 27);
  expect(await put('does not')).toMatchObject(full);
  expect(anna.taken).toBeLessThan(8 << 20);
  expect(await readdir(anna.folder)).toEqual(['fits']);
});

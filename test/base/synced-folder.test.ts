import { mkdtemp, open, rm, writeFile, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SyncedFolder } from '../../agent/base/synced-folder.ts';

let path: string;
beforeEach(async () => (path = await mkdtemp(join(tmpdir(), 'nh-synced-'))));
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(path, { recursive: true });
});

async function methods(): Promise<FileHandle> {
  await using handle = await open(path, 'r');
  return Object.getPrototypeOf(handle) as FileHandle;
}

test('names that come together share a sync, and none is covered by one that began before it was there', async () => {
  const sync = vi.spyOn(await methods(), 'sync');
  await using folder = await SyncedFolder.open(path);
  const first = folder.sync();
  await new Promise(setImmediate);
  expect(sync).toHaveBeenCalledTimes(1);
  await writeFile(join(path, 'late'), '');
  await Promise.all([first, folder.sync(), folder.sync(), folder.sync()]);
  expect(sync).toHaveBeenCalledTimes(2);
});

test('a sync that fails is told to those who waited for it, and the next one is tried', async () => {
  const sync = vi.spyOn(await methods(), 'sync');
  await using folder = await SyncedFolder.open(path);
  sync.mockRejectedValueOnce(Object.assign(new Error('broken disk'), { code: 'EIO' }));
  const told = await Promise.allSettled([folder.sync(), folder.sync()]);
  expect(told.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(folder.sync()).resolves.toBeUndefined();
});

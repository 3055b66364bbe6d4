import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GrowingFile } from '../../agent/printing/growing-file.ts';

let folder: string;
let handle: FileHandle;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-growing-'));
  handle = await open(join(folder, 'document'), 'wx');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await handle.close();
  await rm(folder, { recursive: true });
});

const content = (): Promise<string> => readFile(join(folder, 'document'), 'utf8');

test('is what was written, and safe only after a sync that began behind the last of it', async () => {
  const file = new GrowingFile(handle);
  const synced: string[] = [];
  vi.spyOn(handle, 'datasync').mockImplementation(async () => {
    synced.push(await content());
  });
  await file.write([Buffer.from('one '), Buffer.from('two ')]);
  await file.write([Buffer.from('three')]);
  expect(synced).toEqual([]);
  await file.sync();
  expect(synced).toEqual(['one two three']);
});

test('is written whole where the system takes a part of a write and calls it success', async () => {
  const file = new GrowingFile(handle);
  vi.spyOn(handle, 'writev').mockImplementationOnce(async (chunks) => {
    const whole = Buffer.concat(chunks as Buffer[]);
    const { bytesWritten } = await handle.write(whole.subarray(0, 5));
    return { bytesWritten, buffers: chunks };
  });
  await file.write([Buffer.from('one '), Buffer.from('two '), Buffer.from('three')]);
  await file.write([Buffer.from(' four')]);
  expect(await content()).toBe('one two three four');
});

test('is made safe as it grows; what the disk said of that on the way is told at the end', async () => {
  const file = new GrowingFile(handle);
  const sync = vi.spyOn(handle, 'datasync');
  sync.mockRejectedValueOnce(Object.assign(new Error('broken disk'), { code: 'EIO' }));
  for (let at = 0; at < 40; at++) await file.write([Buffer.alloc(1 << 20)]);
  expect(sync).toHaveBeenCalled();
  await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
});

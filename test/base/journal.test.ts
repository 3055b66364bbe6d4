import { appendFile, type FileHandle, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Journal } from '../../agent/base/journal.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nethood-journal-'));
  path = join(folder, 'jobs.journal');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

/** What the next start finds. */
async function reopened(): Promise<{ records: unknown[]; damaged: number }> {
  const { journal, records, damaged } = await Journal.open(path);
  await journal[Symbol.asyncDispose]();
  return { records, damaged };
}

async function written(records: readonly unknown[]): Promise<void> {
  const { journal } = await Journal.open(path);
  await using opened = journal;
  for (const record of records) await opened.append(record);
}

/** The methods that every file handle has. */
async function handleMethods(): Promise<FileHandle> {
  const file = await open(path, 'a');
  await file.close();
  return Object.getPrototypeOf(file) as FileHandle;
}

describe('a journal', () => {
  test('keeps any records, in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 20 }), async (records) => {
        await rm(path, { force: true });
        await written(records);
        expect(await reopened()).toEqual({ records: JSON.parse(JSON.stringify(records)), damaged: 0 });
      }),
      { numRuns: 20 },
    );
  });

  test('regression: an append right after another one is not forgotten', async () => {
    await written(Array.from({ length: 100 }, (_, at) => at));
    expect((await reopened()).records).toHaveLength(100);
  });

  test('a torn tail, wherever it was torn, costs the last record alone and the next one is whole', async () => {
    await written([{ a: 1 }, { b: 'ä\n' }]);
    const whole = await stat(path);
    const first = (await readFile(path)).indexOf(10) + 1;
    for (let size = first; size < whole.size; size++) {
      await rm(path);
      await written([{ a: 1 }, { b: 'ä\n' }]);
      await truncate(path, size);
      await written([{ c: 3 }]);
      expect((await reopened()).records).toEqual([{ a: 1 }, { c: 3 }]);
    }
  });

  test('damage in the middle is skipped and counted, what follows is kept', async () => {
    await written([1, 2, 3]);
    const content = await readFile(path);
    content[content.indexOf(10) + 10] = 0x37;
    await writeFile(path, content);
    expect(await reopened()).toEqual({ records: [1, 3], damaged: 1 });
    await written([4]);
    expect(await reopened()).toEqual({ records: [1, 3, 4], damaged: 1 });
  });

  test('zeros at the end, as a power cut leaves them, are cut off', async () => {
    await written([1]);
    await appendFile(path, Buffer.alloc(4096));
    await written([2]);
    expect((await reopened()).records).toEqual([1, 2]);
  });

  test('any bytes are survived', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await writeFile(path, bytes);
        await written(['after']);
        expect((await reopened()).records).toEqual(['after']);
      }),
      { numRuns: 50 },
    );
  });

  test('appends at the same time share a sync and keep their order', async () => {
    const { journal } = await Journal.open(path);
    await using opened = journal;
    const sync = vi.spyOn(await handleMethods(), 'datasync');
    await Promise.all(Array.from({ length: 500 }, (_, at) => opened.append(at)));
    expect(sync.mock.calls.length).toBeLessThanOrEqual(3);
    expect((await reopened()).records).toEqual(Array.from({ length: 500 }, (_, at) => at));
  });

  test('an append is kept only once it is synced', async () => {
    const { journal } = await Journal.open(path);
    await using opened = journal;
    const log: string[] = [];
    const methods = await handleMethods();
    const { datasync } = Object.getOwnPropertyDescriptors(methods);
    vi.spyOn(methods, 'datasync').mockImplementation(async function slow(this: FileHandle) {
      await (datasync.value as FileHandle['datasync']).call(this);
      log.push('synced');
    });
    await opened.append(1);
    expect(log).toEqual(['synced']);
  });

  test('a write that fails half-way is taken back, told to all it served, and the next one counts', async () => {
    const { journal } = await Journal.open(path);
    await using opened = journal;
    await opened.append('before');
    const methods = await handleMethods();
    const write = vi.spyOn(methods, 'appendFile').mockImplementationOnce(async function half(this: FileHandle, data) {
      await this.write(String(data).slice(0, 12));
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    });
    const failing = await Promise.allSettled([opened.append('a'), opened.append('b')]);
    expect(write).toHaveBeenCalled();
    expect(failing.map(({ status }) => status)).toContain('rejected');
    await opened.append('after');
    const kept = failing.flatMap(({ status }, at) => (status === 'fulfilled' ? ['ab'.charAt(at)] : []));
    expect(await reopened()).toEqual({ records: ['before', ...kept, 'after'], damaged: 0 });
  });

  test('regression: what cannot even be taken back spoils no later record', async () => {
    const { journal } = await Journal.open(path);
    await using opened = journal;
    await opened.append('before');
    const methods = await handleMethods();
    vi.spyOn(methods, 'appendFile').mockImplementationOnce(async function half(this: FileHandle, data) {
      await this.write(String(data).slice(0, 12));
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
    });
    vi.spyOn(methods, 'truncate').mockRejectedValueOnce(Object.assign(new Error('broken disk'), { code: 'EIO' }));
    await expect(opened.append('torn')).rejects.toMatchObject({ code: 'ENOSPC' });
    await opened.append('after');
    expect(await reopened()).toEqual({ records: ['before', 'after'], damaged: 1 });
  });

  test('is replaced as a whole by a rewrite, and goes on', async () => {
    const { journal } = await Journal.open(path);
    await using opened = journal;
    for (const record of [1, 2, 3]) await opened.append(record);
    await opened.rewrite(['all']);
    await opened.append('next');
    expect((await reopened()).records).toEqual(['all', 'next']);
  });

  test('what is no JSON is refused and harms nothing', async () => {
    const { journal } = await Journal.open(path);
    await using opened = journal;
    await expect(opened.append(undefined)).rejects.toThrow();
    await opened.append(1);
    expect((await reopened()).records).toEqual([1]);
  });

  test('its end waits for what is under way; later appends fail', async () => {
    const { journal } = await Journal.open(path);
    const last = journal.append('last');
    await journal[Symbol.asyncDispose]();
    await last;
    await journal[Symbol.asyncDispose]();
    await expect(journal.append('late')).rejects.toThrow();
    expect((await reopened()).records).toEqual(['last']);
  });

  test('others cannot read it', async () => {
    await written([1]);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });
});

import { type FileHandle, mkdir, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { renameDurable, syncFolder, writeFileDurable } from '../../agent/base/write-file-durable.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nethood-write-'));
  path = join(folder, 'state.json');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

async function handleMethods(): Promise<FileHandle> {
  const file = await open(folder, 'r');
  await file.close();
  return Object.getPrototypeOf(file) as FileHandle;
}

describe('a durable write', () => {
  test('gives the whole content, for its owner alone, and leaves nothing beside it', async () => {
    await writeFileDurable(path, 'first');
    await writeFileDurable(path, new Uint8Array([1, 2, 3]));
    expect(await readFile(path)).toEqual(Buffer.from([1, 2, 3]));
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  test('syncs the file before the rename and the folder after it', async () => {
    const methods = await handleMethods();
    const seen: string[][] = [];
    vi.spyOn(methods, 'sync').mockImplementation(async () => void seen.push(await readdir(folder)));
    await writeFileDurable(path, 'x');
    expect(seen).toEqual([[expect.stringMatching(/^state\.json\.[a-z2-7]{8}\.tmp$/)], ['state.json']]);
  });

  test('that fails leaves the old content and no temporary file', async () => {
    await writeFile(path, 'old');
    vi.spyOn(await handleMethods(), 'sync').mockRejectedValueOnce(Object.assign(new Error('full'), { code: 'ENOSPC' }));
    await expect(writeFileDurable(path, 'new')).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  test('regression: a target that cannot be replaced leaves no temporary file', async () => {
    await mkdir(path);
    await expect(writeFileDurable(path, 'new')).rejects.toMatchObject({ code: expect.stringMatching(/EISDIR|EPERM/) });
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  test('at the same time as others gives one of the contents whole', async () => {
    const contents = Array.from({ length: 20 }, (_, at) => String(at).repeat(10_000));
    await Promise.all(contents.map((content) => writeFileDurable(path, content)));
    expect(contents).toContain(await readFile(path, 'utf8'));
    expect(await readdir(folder)).toEqual(['state.json']);
  });

  test('into a folder that is not there is an error', async () => {
    await expect(writeFileDurable(join(folder, 'no', 'file'), '')).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(syncFolder(join(folder, 'no'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a durable rename moves the file', async () => {
    await writeFile(path, 'x');
    await renameDurable(path, join(folder, 'other'));
    expect(await readdir(folder)).toEqual(['other']);
  });
});

import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { randomId } from './random-id.ts';

/** The whole content or the old one: temporary file beside it, fsync, rename, fsync of the folder. */
export async function writeFileDurable(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomId().slice(0, 8)}.tmp`;
  try {
    await using file = await openNew(temporary, mode);
    await file.writeFile(content);
    await file.sync();
    await file.close();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Rename, and make the folder's new entry survive a power cut. */
export async function renameDurable(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncFolder(dirname(to));
}

/** Windows cannot open folders and needs no such call. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function openNew(path: string, mode: number): Promise<FileHandle & AsyncDisposable> {
  const file = await open(path, 'wx', mode);
  return Object.assign(file, { [Symbol.asyncDispose]: () => file.close() });
}

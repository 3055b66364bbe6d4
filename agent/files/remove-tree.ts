/** Removes a folder with all that it holds: never through a link, and in bounded memory, whatever it holds. */
import { type Dir } from 'node:fs';
import { lstat, opendir, rmdir, unlink } from 'node:fs/promises';
import { hasErrno } from './file-errors.ts';
import type { GuardedFolder } from './guarded-folder.ts';

/** Names read at once; the folder is read again when they are gone. */
const readAtOnce = 500;

type Open = (components: readonly Uint8Array[]) => Promise<GuardedFolder>;

/** @param path of the folder, for `open` @throws errno of the system */
export async function removeTree(path: readonly Uint8Array[], open: Open): Promise<void> {
  const left: (readonly Uint8Array[])[] = [path];
  for (let at = left.at(-1); at !== undefined; at = left.at(-1)) {
    const below = await emptied(at, open);
    if (below.length > 0) {
      for (const name of below) left.push([...at, name]);
      continue;
    }
    left.pop();
    await inParent(at, open, rmdir);
  }
}

/** Removes files until some folders were met, which are given, or nothing is left. */
async function emptied(path: readonly Uint8Array[], open: Open): Promise<Buffer[]> {
  const folder = await open(path);
  try {
    for (;;) {
      const names = await someNames(folder);
      if (names.length === 0) return [];
      const folders = await withoutFiles(folder, names);
      if (folders.length > 0) return folders;
    }
  } finally {
    folder.close();
  }
}

async function withoutFiles(folder: GuardedFolder, names: readonly Buffer[]): Promise<Buffer[]> {
  const folders: Buffer[] = [];
  for (const name of names) {
    const path = folder.at(name);
    const stat = await lstat(path).catch(gone);
    await folder.check();
    if (stat?.isDirectory() === true) folders.push(name);
    else if (stat !== undefined) await unlink(path).catch(gone);
  }
  return folders;
}

async function someNames(folder: GuardedFolder): Promise<Buffer[]> {
  // The types know utf8 only; the file system knows bytes.
  const dir: Dir = await opendir(folder.path, { encoding: 'latin1', bufferSize: readAtOnce });
  const names: Buffer[] = [];
  for await (const { name } of dir) if (names.push(Buffer.from(name, 'latin1')) === readAtOnce) break;
  return names;
}

async function inParent(path: readonly Uint8Array[], open: Open, act: (at: Buffer) => Promise<void>): Promise<void> {
  const folder = await open(path.slice(0, -1));
  try {
    await act(folder.at(path.at(-1) ?? new Uint8Array()));
  } finally {
    folder.close();
  }
}

function gone(error: unknown): undefined {
  if (hasErrno(error, 'ENOENT')) return undefined;
  throw error;
}

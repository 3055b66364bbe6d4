/** Folders into which files are received. */
import { lstat, mkdir, utimes } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import { hasErrno, writeError } from './file-errors.ts';
import { numberedName } from './local-name.ts';
import { joinLocal, type LocalPath, shownPath } from './local-path.ts';
import type { Place } from './publish.ts';
import { closeQuietly, fsyncFd, openFd, openFlags, timeForSystem } from './raw-files.ts';

const mostNumbers = 1_000;

export interface MadeFolder {
  readonly path: LocalPath;
  /** Nothing is in it yet. */
  readonly fresh: boolean;
}

/** The folder of that name, made or there already; a numbered one where the name is taken by something else. */
export async function makeFolder({ folder, name }: Place): Promise<MadeFolder> {
  for (let number = 1; number < mostNumbers; number++) {
    const path = joinLocal(folder, number === 1 ? name : numberedName(name, number));
    try {
      await mkdir(path);
      return { path, fresh: true };
    } catch (error) {
      if (!hasErrno(error, 'EEXIST')) throw writeError(error, shownPath(path));
      // Not through a link: what is received stays in the tree that was asked for.
      if ((await lstat(path)).isDirectory()) return { path, fresh: false };
    }
  }
  throw new NethoodError('exists', `Too much is called like ${shownPath(joinLocal(folder, name))}.`);
}

/** Sets a folder's time, where given, and makes what was named in it survive a power cut. Windows cannot open folders. */
export async function sealFolder(path: LocalPath, modified?: number): Promise<void> {
  try {
    if (modified !== undefined) await utimes(path, timeForSystem(modified), timeForSystem(modified));
    if (process.platform === 'win32') return;
    const fd = await openFd(path, openFlags.folder & ~openFlags.noFollow);
    try {
      await fsyncFd(fd);
    } finally {
      await closeQuietly(fd);
    }
  } catch (error) {
    throw writeError(error, shownPath(path));
  }
}

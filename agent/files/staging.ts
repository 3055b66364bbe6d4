/**
 * The folder of partial files of a folder that is being fetched: flat, ours alone, beside the target. Its name can be
 * guessed, and a destination may be open to others (`/tmp`): what is there under that name but is not ours is left
 * alone, and nothing is removed through a link.
 */
import { lstat, mkdir, readdir, realpath, rmdir, unlink } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import { hasErrno, writeError } from './file-errors.ts';
import { type GuardedFolder, guardOf, openGuarded } from './guarded-folder.ts';
import { type LocalPath, shownPath } from './local-path.ts';
import { isPartName } from './part-name.ts';

/** Makes it, or takes what an earlier run left of it. @throws `exists` where something of another is in the way */
export async function makeStaging(path: LocalPath): Promise<void> {
  try {
    await mkdir(path, 0o700);
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw writeError(error, shownPath(path));
    if (!(await isOurs(path))) throw new NethoodError('exists', `${shownPath(path)} is in the way, and not ours.`);
  }
}

/** Removes what is in it except what `keep` names, and it too when it is empty. */
export async function removeStaging(path: LocalPath, keep: (name: string) => boolean): Promise<void> {
  if (!isPartName(lastName(path)) || !(await isOurs(path))) return;
  const folder = await held(path);
  try {
    for (const name of await readdir(folder.path, { encoding: 'latin1' }))
      if (!keep(name)) await unlink(folder.at(Buffer.from(name, 'latin1')));
    await folder.check();
  } finally {
    folder.close();
  }
  await rmdir(path).catch((error: unknown) => {
    if (!hasErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
  });
}

/** Of its true parent, which the user may have named by a link; itself never through one. */
async function held(path: LocalPath): Promise<GuardedFolder> {
  const bytes = Buffer.from(path);
  const name = Buffer.from(lastName(path), 'latin1');
  const parent = await realpath(bytes.subarray(0, bytes.length - name.length), { encoding: 'buffer' });
  return openGuarded(parent, [name], guardOf(process.platform));
}

async function isOurs(path: LocalPath): Promise<boolean> {
  const stat = await lstat(path).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  });
  // Windows has no numbers of users, and no folder that is open to all by default.
  return stat?.isDirectory() === true && stat.uid === (process.getuid?.() ?? stat.uid);
}

/** In latin1. */
function lastName(path: LocalPath): string {
  return Buffer.from(path).toString('latin1').split(/[/\\]/).at(-1) ?? '';
}

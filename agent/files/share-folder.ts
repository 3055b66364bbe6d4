/** The folder of a share on disk: where it truly is, and whether it may be shared at all. */
import { constants, realpathSync } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { NethoodError } from '../../protocol/errors.ts';
import { hasErrno } from './file-errors.ts';

export interface OwnFolders {
  /** State, run and config: a share may neither hold one of them nor lie inside of one. */
  readonly closed: readonly string[];
  /** What users get; may be shared even where it lies inside of a closed folder (`--home`). */
  readonly files: string;
}

/** The true path of a folder that may be shared. @throws `not-found`, `not-a-folder`, `not-permitted` */
export async function shareableFolder(folder: string, own: OwnFolders): Promise<string> {
  try {
    const real = await realpath(folder);
    if (!(await stat(real)).isDirectory()) throw new NethoodError('not-a-folder', `"${folder}" is not a folder.`);
    await access(real, constants.R_OK | constants.X_OK);
    if (holdsOwn(real, own) || liesInOwn(real, own))
      throw new NethoodError('not-permitted', `"${folder}" cannot be shared: nethood's own key and state are there.`);
    return real;
  } catch (error) {
    throw folderError(error, folder);
  }
}

/** Whether something may be written there, which need not exist: nowhere in what the agent keeps. @throws `not-permitted` */
export async function refuseOwnFolders(destination: string, own: OwnFolders): Promise<void> {
  const real = await realpath(destination).catch(async () => {
    const parent = dirname(destination);
    return join(await realpath(parent).catch(() => parent), basename(destination));
  });
  if (liesInOwn(real, own))
    throw new NethoodError(
      'not-permitted',
      `Nothing can be put into "${destination}": nethood's own key and state are there.`,
    );
}

function folderError(error: unknown, folder: string): NethoodError {
  if (error instanceof NethoodError) return error;
  const gone = hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG');
  if (gone) return new NethoodError('not-found', `There is no folder "${folder}".`, { cause: error });
  return new NethoodError('not-permitted', `The folder "${folder}" cannot be read.`, { cause: error });
}

function liesInOwn(real: string, own: OwnFolders): boolean {
  const files = trueOrAsIs(own.files);
  return own.closed
    .map(trueOrAsIs)
    .some((closed) => isWithin(real, closed) && !(isWithin(files, closed) && isWithin(real, files)));
}

function holdsOwn(real: string, own: OwnFolders): boolean {
  return own.closed.some((folder) => isWithin(trueOrAsIs(folder), real));
}

/** Pure. Without regard to case: on systems where it matters, one share too many is refused, none too few. */
function isWithin(path: string, folder: string): boolean {
  const [inner, outer] = [path.toLowerCase(), folder.toLowerCase()];
  return inner === outer || inner.startsWith(outer.endsWith(sep) ? outer : outer + sep);
}

/**
 * A folder of ours that is not made yet counts by its name. At once: this is asked for every file that a neighbour asks
 * for, and seven trips to the thread pool cost more than all the rest.
 */
function trueOrAsIs(folder: string): string {
  try {
    return realpathSync.native(folder);
  } catch {
    return folder;
  }
}

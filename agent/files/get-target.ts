/** Where a get goes. */
import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, resolve } from 'node:path';
import { NethoodError } from '../../protocol/errors.ts';
import { pathComponents, type WirePath } from '../../protocol/wire-path.ts';
import { hasErrno, writeError } from './file-errors.ts';
import { localName } from './local-name.ts';
import { localPath } from './local-path.ts';
import type { Place } from './publish.ts';

/**
 * As `cp` does it: into `destination` where that is a folder, else under that name.
 * @param shareName what the share itself is called here
 * @throws `usage` (not absolute), `not-found` (no folder to put it in)
 */
export async function targetOf(path: WirePath, destination: string, shareName: string): Promise<Place> {
  if (!isAbsolute(destination)) throw new NethoodError('usage', `"${destination}" is not an absolute path.`);
  const target = resolve(destination);
  if (await isFolder(target)) {
    const name = pathComponents(path).at(-1) ?? Buffer.from(shareName);
    return { folder: localPath(target), name: localName(name, process.platform) };
  }
  const folder = dirname(target);
  if (!(await isFolder(folder))) throw new NethoodError('not-found', `There is no folder "${folder}".`);
  return { folder: localPath(folder), name: Buffer.from(basename(target)) };
}

/** A link that the user named is followed. */
async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return false;
    throw writeError(error, path);
  }
}

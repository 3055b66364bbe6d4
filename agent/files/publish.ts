/** Gives a received file its final name: whole, at once, and never in place of something else. */
import type { BigIntStats } from 'node:fs';
import { link, lstat, rename, unlink } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import { localDigest } from './content-digest.ts';
import { hasErrno, writeError } from './file-errors.ts';
import { modifiedOf } from './file-version.ts';
import { finalNames, withoutLinks } from './final-names.ts';
import { joinLocal, type LocalPath, shownPath } from './local-path.ts';

export interface Place {
  readonly folder: LocalPath;
  readonly name: Buffer;
}

export interface Version {
  readonly size: number;
  readonly modified: number;
}

/**
 * Moves `part` to its place. A different file of that name stays, and this one becomes `name (2)`; where one of the
 * names holds the same already (size, modification time, and every byte), that one is it.
 */
export async function publish(part: LocalPath, place: Place, version: Version): Promise<LocalPath> {
  try {
    for (const path of finalNames(place.folder, place.name)) {
      if (await namedAnew(part, path)) return path;
      if (!(await isSame(path, version)) || !(await sameBytes(part, path, version.size))) continue;
      await unlink(part);
      return path;
    }
  } catch (error) {
    throw writeError(error, shownPath(joinLocal(place.folder, place.name)));
  }
  throw tooMany(place);
}

async function sameBytes(part: LocalPath, path: LocalPath, size: number): Promise<boolean> {
  const { signal } = new AbortController();
  const [one, other] = await Promise.all([localDigest(part, size, signal), localDigest(path, size, signal)]);
  return one === other;
}

/** Where this version is already by size and time, under the name or a numbered one; else undefined. */
export async function placeOfSame(place: Place, version: Version): Promise<LocalPath | undefined> {
  try {
    for (const path of finalNames(place.folder, place.name)) {
      const stat = await lookAt(path);
      if (stat === undefined) return undefined;
      if (isVersion(stat, version)) return path;
    }
  } catch (error) {
    throw writeError(error, shownPath(joinLocal(place.folder, place.name)));
  }
  throw tooMany(place);
}

/** False where the name is taken. A second name (link) cannot replace anything; rename would. */
export async function namedAnew(part: LocalPath, path: LocalPath): Promise<boolean> {
  try {
    await link(part, path);
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return false;
    if (!hasErrno(error, ...withoutLinks)) throw error;
    // FAT and some network file systems have no links: look first, which leaves a moment in between.
    if ((await lstat(path).catch(missing)) !== undefined) return false;
    await rename(part, path);
    return true;
  }
  await unlink(part);
  return true;
}

async function isSame(path: LocalPath, version: Version): Promise<boolean> {
  return isVersion(await lookAt(path), version);
}

function lookAt(path: LocalPath): Promise<BigIntStats | undefined> {
  return lstat(path, { bigint: true }).catch(missing);
}

function isVersion(stat: BigIntStats | undefined, { size, modified }: Version): boolean {
  return stat?.isFile() === true && stat.size === BigInt(size) && modifiedOf(stat) === modified;
}

function missing(error: unknown): undefined {
  if (hasErrno(error, 'ENOENT')) return undefined;
  throw error;
}

function tooMany({ folder, name }: Place): NethoodError {
  return new NethoodError('exists', `Too many files are called like ${shownPath(joinLocal(folder, name))}.`);
}

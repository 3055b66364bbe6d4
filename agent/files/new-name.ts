/**
 * Names that a neighbour may give. What Windows cannot hold or takes for something else (devices, a dot or space at
 * the end, control characters, backslashes) is refused on every system, because a share is read from every system; so
 * is a name that differs from one in the folder only in case or Unicode normalisation, which Windows and macOS would
 * take for the same file.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import type { BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import { hasErrno } from './file-errors.ts';
import { foldedName, localName } from './local-name.ts';

/** Fine on Linux and macOS, and common there; Windows refuses them itself. */
const windowsOnly = /[<>:"|?*]/g;

/** @throws `bad-path` */
export function checkPortable(name: Buffer, what: string): void {
  if (!isPortable(name)) throw new NethoodError('bad-path', `${what} is a name that not every system can hold.`);
}

function isPortable(name: Buffer): boolean {
  if (name.some((byte) => byte < 0x20 || byte === 0x7f) || name.includes('\\')) return false;
  // Bytes that are no text are another program's affair; no other spelling of them is known.
  if (!isUtf8(name)) return true;
  const plain = Buffer.from(name.toString().replaceAll(windowsOnly, '_'));
  return localName(plain, 'win32').equals(plain);
}

export function foldOf(name: Buffer): string {
  // The same as below, and most names are such.
  if (isAscii(name)) return name.toString('latin1').toUpperCase();
  return isUtf8(name) ? foldedName(name, 'win32') : `\0${name.toString('latin1')}`;
}

/** Undefined where nothing is. */
export async function lookAt(path: Buffer): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

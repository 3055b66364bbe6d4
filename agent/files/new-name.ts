/**
 * Names that a neighbour may give. What Windows cannot hold or takes for something else (devices, a dot or space at
 * the end, control characters, backslashes) is refused on every system, because a share is read from every system; so
 * is a name that differs from one in the folder only in case or Unicode normalisation, which Windows and macOS would
 * take for the same file.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import type { BigIntStats, Dir } from 'node:fs';
import { lstat, opendir, stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { NethoodError } from '../../protocol/errors.ts';
import type { Clock } from '../base/clock.ts';
import { hasErrno } from './file-errors.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import { foldedName, localName } from './local-name.ts';

/** Fine on Linux and macOS, and common there; Windows refuses them itself. */
const windowsOnly = /[<>:"|?*]/g;
const readAtOnce = 1000;
/** How long the names of a folder are believed at least; those that its owner adds meanwhile are missed. */
const believedMs = 1000;
const mostFolders = 4;
/** Names remembered of one folder; of a larger one all are read for each new name. */
const mostNames = 500_000;

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

interface Known {
  /** Of the names as systems tell them apart: a few bytes each, and only a hit is looked into. */
  readonly hashes: Set<number>;
  readonly until: number;
}

/** The names of the folders that are written to just now, by how Windows and macOS tell them apart. */
export class NameTwins {
  readonly #clock: Clock;
  /** By device and inode. */
  readonly #folders = new Map<string, Known>();
  #additions = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Another name of the folder that some systems take for this one, if there is one; the name itself goes before it. */
  async twinOf(folder: GuardedFolder, name: Buffer): Promise<Buffer | undefined> {
    const wanted = foldOf(name);
    const known = this.#folders.get(await identityOf(folder));
    if (known !== undefined && this.#clock.now() < known.until && !known.hashes.has(crc32(wanted))) return undefined;
    const twin = await this.#read(folder, name);
    return twin?.equals(name) === true ? undefined : twin;
  }

  /** It is in the folder from now on. */
  async added(folder: GuardedFolder, name: Buffer): Promise<void> {
    this.#additions++;
    this.#folders.get(await identityOf(folder))?.hashes.add(crc32(foldOf(name)));
  }

  async #read(folder: GuardedFolder, name: Buffer): Promise<Buffer | undefined> {
    const [begun, additions, wanted] = [this.#clock.now(), this.#additions, foldOf(name)];
    const hashes = new Set<number>();
    let found: Buffer | undefined;
    for await (const other of namesIn(folder)) {
      const fold = foldOf(other);
      if (fold === wanted && found?.equals(name) !== true) found = other;
      if (hashes.size < mostNames) hashes.add(crc32(fold));
    }
    // What another writer added meanwhile may be missing in it.
    if (hashes.size < mostNames && additions === this.#additions)
      this.#remember(await identityOf(folder), hashes, begun);
    return found;
  }

  /** The longer it took to read, the longer it is believed; then it is forgotten. */
  #remember(id: string, hashes: Set<number>, begun: number): void {
    const now = this.#clock.now();
    const known = { hashes, until: now + Math.max(believedMs, 10 * (now - begun)) };
    this.#folders.set(id, known);
    const [oldest] = this.#folders.keys();
    if (this.#folders.size > mostFolders && oldest !== undefined) this.#folders.delete(oldest);
    this.#clock.timer(known.until - now, () => {
      if (this.#folders.get(id) === known) this.#folders.delete(id);
    });
  }
}

export async function* namesIn(folder: GuardedFolder): AsyncGenerator<Buffer, void> {
  // The types know utf8 only; the file system knows bytes.
  const dir: Dir = await opendir(folder.path, { encoding: 'latin1', bufferSize: readAtOnce });
  for await (const entry of dir) yield Buffer.from(entry.name, 'latin1');
}

export function foldOf(name: Buffer): string {
  // The same as below, and most names are such.
  if (isAscii(name)) return name.toString('latin1').toUpperCase();
  return isUtf8(name) ? foldedName(name, 'win32') : `\0${name.toString('latin1')}`;
}

async function identityOf(folder: GuardedFolder): Promise<string> {
  const { dev, ino } = await stat(folder.path, { bigint: true });
  return `${dev}:${ino}`;
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

/**
 * Names that a neighbour may give. What Windows cannot hold or takes for something else (devices, a dot or space at
 * the end, control characters, backslashes) is refused on every system, because a share is read from every system; so
 * is a name that differs from one in the folder only in case or Unicode normalisation, which Windows and macOS would
 * take for the same file.
 */
import { isUtf8 } from 'node:buffer';
import type { BigIntStats, Dir } from 'node:fs';
import { lstat, opendir, stat } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import type { Clock } from '../base/clock.ts';
import { hasErrno } from './file-errors.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import { foldedName, localName } from './local-name.ts';

/** Fine on Linux and macOS, and common there; Windows refuses them itself. */
const windowsOnly = /[<>:"|?*]/g;
const readAtOnce = 1000;
/** How long the names of a folder are believed; those that its owner adds meanwhile are missed. */
const believedMs = 1000;
const mostFolders = 16;
/** Names remembered of one folder; of a larger one all are read for each new name. */
const mostNames = 50_000;

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
  readonly names: Map<string, Buffer>;
  readonly at: number;
}

/** The names of the folders that were written to last, by how Windows and macOS tell them apart. */
export class NameTwins {
  readonly #clock: Clock;
  /** By device and inode, in order of their last use. */
  readonly #folders = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Another name of the folder that some systems take for this one, if there is one. */
  async twinOf(folder: GuardedFolder, name: Buffer): Promise<Buffer | undefined> {
    const twin = await this.#find(folder, name);
    if (twin === undefined || twin.equals(name)) return undefined;
    return (await isThere(folder.at(twin))) ? twin : undefined;
  }

  /** It is in the folder from now on. */
  async added(folder: GuardedFolder, name: Buffer): Promise<void> {
    this.#folders.get(await identityOf(folder))?.names.set(foldOf(name), name);
  }

  async #find(folder: GuardedFolder, name: Buffer): Promise<Buffer | undefined> {
    const id = await identityOf(folder);
    const known = this.#folders.get(id);
    this.#folders.delete(id);
    if (known !== undefined && this.#clock.now() - known.at < believedMs) {
      this.#folders.set(id, known);
      return known.names.get(foldOf(name));
    }
    const names = new Map<string, Buffer>();
    const found = await readFolds(folder, { names, name });
    if (names.size < mostNames) this.#remember(id, { names, at: this.#clock.now() });
    return found;
  }

  #remember(id: string, known: Known): void {
    this.#folders.set(id, known);
    const [oldest] = this.#folders.keys();
    if (this.#folders.size > mostFolders && oldest !== undefined) this.#folders.delete(oldest);
  }
}

/** The name itself goes before a twin of it, where both are there. */
async function readFolds(
  folder: GuardedFolder,
  { names, name }: { names: Map<string, Buffer>; name: Buffer },
): Promise<Buffer | undefined> {
  const wanted = foldOf(name);
  let found: Buffer | undefined;
  for await (const other of namesIn(folder)) {
    const fold = foldOf(other);
    if (fold === wanted && found?.equals(name) !== true) found = other;
    if (names.size < mostNames) names.set(fold, other);
  }
  if (found !== undefined) names.set(wanted, found);
  return found;
}

export async function* namesIn(folder: GuardedFolder): AsyncGenerator<Buffer, void> {
  // The types know utf8 only; the file system knows bytes.
  const dir: Dir = await opendir(folder.path, { encoding: 'latin1', bufferSize: readAtOnce });
  for await (const entry of dir) yield Buffer.from(entry.name, 'latin1');
}

export function foldOf(name: Buffer): string {
  return isUtf8(name) ? foldedName(name, 'win32') : `\0${name.toString('latin1')}`;
}

async function identityOf(folder: GuardedFolder): Promise<string> {
  const { dev, ino } = await stat(folder.path, { bigint: true });
  return `${dev}:${ino}`;
}

async function isThere(path: Buffer): Promise<boolean> {
  return (await lookAt(path)) !== undefined;
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

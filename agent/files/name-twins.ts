/** The names of the folders that are written to just now, by how Windows and macOS tell them apart. */
import type { Dir } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Clock } from '../base/clock.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import { foldOf } from './new-name.ts';

const readAtOnce = 1000;
/** How long the names of a folder are believed at least; those that its owner adds meanwhile are missed. */
const believedMs = 1000;
const mostFolders = 4;
/** Names remembered of one folder; of a larger one all are read for each new name. */
const mostNames = 500_000;

/** A few bytes for each: what is not in it is not in the folder, and only a hit is to be looked into. */
export class FoldedNames {
  readonly #hashes = new Set<number>();

  get size(): number {
    return this.#hashes.size;
  }

  has(name: Buffer): boolean {
    return this.#hashes.has(hashOf(name));
  }

  add(name: Buffer): void {
    this.#hashes.add(hashOf(name));
  }

  clear(): void {
    this.#hashes.clear();
  }
}

/** Signed, as V8 keeps those without an object for each. */
function hashOf(name: Buffer): number {
  return crc32(foldOf(name)) | 0;
}

interface Known {
  readonly names: FoldedNames;
  /** Kept when they have been read: whether they are all. */
  readonly whole: Promise<boolean>;
  until: number;
}

export class NameTwins {
  readonly #clock: Clock;
  /** By device and inode. */
  readonly #folders = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Another name of the folder that some systems take for this one, if there is one; the name itself goes before it. */
  async twinOf(folder: GuardedFolder, name: Buffer): Promise<Buffer | undefined> {
    const names = await this.namesOf(folder);
    if (names?.has(name) === false) return undefined;
    const twin = await found(folder, name);
    return twin?.equals(name) === true ? undefined : twin;
  }

  /** It is in the folder from now on. */
  async added(folder: GuardedFolder, name: Buffer): Promise<void> {
    this.#folders.get(await identityOf(folder))?.names.add(name);
  }

  /** All that are in the folder; undefined where they are too many. To be added to by whoever adds to the folder. */
  async namesOf(folder: GuardedFolder): Promise<FoldedNames | undefined> {
    const id = await identityOf(folder);
    const before = this.#folders.get(id);
    const known = before !== undefined && this.#clock.now() < before.until ? before : this.#read(id, folder);
    return (await known.whole) ? known.names : undefined;
  }

  /** Known from the beginning: what is added while it is read is in it too. */
  #read(id: string, folder: GuardedFolder): Known {
    const begun = this.#clock.now();
    const names = new FoldedNames();
    const known = { names, whole: readInto(names, folder), until: Number.POSITIVE_INFINITY };
    this.#folders.set(id, known);
    const [oldest] = this.#folders.keys();
    if (this.#folders.size > mostFolders && oldest !== undefined) this.#folders.delete(oldest);
    const forget = (): void => {
      if (this.#folders.get(id) === known) this.#folders.delete(id);
    };
    const believe = (): void => {
      const now = this.#clock.now();
      // The longer it took to read, the longer it is believed.
      const ms = Math.max(believedMs, 10 * (now - begun));
      known.until = now + ms;
      this.#clock.timer(ms, forget);
    };
    known.whole.then(believe, forget);
    return known;
  }
}

/** False where they are too many. */
async function readInto(names: FoldedNames, folder: GuardedFolder): Promise<boolean> {
  for await (const name of namesIn(folder)) {
    names.add(name);
    if (names.size <= mostNames) continue;
    names.clear();
    return false;
  }
  return true;
}

async function found(folder: GuardedFolder, name: Buffer): Promise<Buffer | undefined> {
  const wanted = foldOf(name);
  let twin: Buffer | undefined;
  for await (const other of namesIn(folder)) {
    if (other.equals(name)) return other;
    if (foldOf(other) === wanted) twin = other;
  }
  return twin;
}

async function* namesIn(folder: GuardedFolder): AsyncGenerator<Buffer, void> {
  // The types know utf8 only; the file system knows bytes.
  const dir: Dir = await opendir(folder.path, { encoding: 'latin1', bufferSize: readAtOnce });
  for await (const entry of dir) yield Buffer.from(entry.name, 'latin1');
}

async function identityOf(folder: GuardedFolder): Promise<string> {
  const { dev, ino } = await stat(folder.path, { bigint: true });
  return `${dev}:${ino}`;
}

/**
 * Goes through a folder of a share in a thread of its own, and fills buffers with the frames of `tree-frames`. What
 * would take much memory is left to the listing, which knows how: then the stream says that it is not whole.
 */
import { closeSync, type Dirent, lstatSync, opendirSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { modifiedOf } from './file-version.ts';
import type { Guard } from './guarded-folder.ts';
import { type GuardedFolderSync, openGuardedSync } from './guarded-folder-sync.ts';
import { isPartName } from './part-name.ts';
import { openWhole, readWhole } from './read-whole.ts';
import { bytesOfDepth, frameKinds, headBytes, longestName, putHead } from './tree-frames.ts';

/** Names held, over all folders that are gone through. */
const mostNames = 100_000;
/** Of the path of a folder within the share; wire paths have limits that depend on their characters, and are longer. */
const longestPath = 4_096;
const deepest = 1_000;
const readAtOnce = 1_000;

export interface TreeStart {
  /** The share's true folder. */
  readonly root: Uint8Array;
  /** Of the folder asked for. */
  readonly components: readonly Uint8Array[];
  readonly guard: Guard;
  /** Larger files are named only. */
  readonly largest: number;
}

interface Entry {
  /** In latin1. */
  readonly name: string;
  readonly kind: 'file' | 'folder';
}

interface Level {
  readonly components: readonly Uint8Array[];
  readonly entries: readonly Entry[];
  /** Of the next entry. */
  at: number;
  /** Only while it is the innermost. */
  folder: GuardedFolderSync | undefined;
}

export interface TreeTotals {
  readonly files: number;
  readonly bytes: number;
  /** Of these, in holes. */
  readonly holes: number;
}

export interface Filled {
  readonly bytes: number;
  readonly done: boolean;
}

export class TreeReader {
  readonly #start: TreeStart;
  readonly #root: Buffer;
  readonly #levels: Level[] = [];
  /** Content that did not fit into the last buffer. */
  #rest: Buffer | undefined;
  #totals: TreeTotals | undefined;
  #names = 0;
  #skipped = 0;
  #whole = true;

  /** @throws errno of the system, for the folder asked for */
  constructor(start: TreeStart) {
    this.#start = start;
    this.#root = Buffer.from(start.root);
    this.#enter(start.components);
  }

  /** To be told between two files. */
  set totals(totals: TreeTotals) {
    this.#totals = totals;
  }

  /** Must have room for a head and a name. */
  fill(buffer: Buffer): Filled {
    let at = this.#putTotals(buffer, this.#putRest(buffer, 0));
    while (this.#rest === undefined && buffer.length - at >= headBytes + longestName) {
      const level = this.#levels.at(-1);
      if (level === undefined) return { bytes: this.#putEnd(buffer, at), done: true };
      const entry = level.entries[level.at++];
      if (entry === undefined) this.#leave();
      else at = this.#putEntry(buffer, at, { level, entry });
    }
    return { bytes: at, done: false };
  }

  close(): void {
    for (const level of this.#levels) this.#release(level);
  }

  #putEnd(buffer: Buffer, at: number): number {
    const head = { kind: frameKinds.end, depth: this.#whole ? 1 : 0, modified: 0, size: this.#skipped };
    return putHead(buffer, at, head, new Uint8Array());
  }

  #putTotals(buffer: Buffer, at: number): number {
    if (this.#totals === undefined || this.#rest !== undefined || buffer.length - at < headBytes) return at;
    const { files, bytes, holes } = this.#totals;
    this.#totals = undefined;
    const depth = Math.min(Math.floor(holes / bytesOfDepth), 2 ** 32 - 1);
    return putHead(buffer, at, { kind: frameKinds.totals, depth, modified: files, size: bytes }, new Uint8Array());
  }

  #putRest(buffer: Buffer, at: number): number {
    if (this.#rest === undefined) return at;
    const copied = this.#rest.copy(buffer, at);
    this.#rest = copied < this.#rest.length ? this.#rest.subarray(copied) : undefined;
    return at + copied;
  }

  #putEntry(buffer: Buffer, at: number, { level, entry }: { level: Level; entry: Entry }): number {
    try {
      level.folder ??= openGuardedSync(this.#root, level.components, this.#start.guard);
    } catch {
      // Gone or swapped while something below it was sent: the listing tells what is left of it.
      this.#whole = false;
      this.#leave();
      return at;
    }
    const name = Buffer.from(entry.name, 'latin1');
    const path = level.folder.at(name);
    try {
      return entry.kind === 'folder'
        ? this.#putFolder(buffer, at, { level, name, path })
        : this.#putFile(buffer, at, { folder: level.folder, name, path });
    } catch (error) {
      if (isGone(error)) return at;
      if (entry.kind === 'folder' || isNoFile(error)) {
        this.#skipped++;
        return at;
      }
      // Whoever asks for it alone is told why it cannot be read.
      const head = { kind: frameKinds.fileAlone, depth: this.#depth, modified: 0, size: 0 };
      return putHead(buffer, at, head, name);
    }
  }

  /** Of what is in the innermost folder. */
  get #depth(): number {
    return this.#levels.length - 1;
  }

  #putFolder(buffer: Buffer, at: number, { level, name, path }: { level: Level; name: Buffer; path: Buffer }): number {
    const stat = lstatSync(path, { bigint: true });
    level.folder?.check();
    if (!stat.isDirectory()) throw noFile();
    const head = { kind: frameKinds.folder, depth: this.#depth, modified: modifiedOf(stat), size: 0 };
    const end = putHead(buffer, at, head, name);
    this.#release(level);
    try {
      this.#enter([...level.components, name]);
    } catch (error) {
      // It was listed: that it cannot be read is counted, as in a listing.
      if (!isGone(error)) this.#skipped++;
    }
    return end;
  }

  #putFile(
    buffer: Buffer,
    at: number,
    { folder, name, path }: { folder: GuardedFolderSync; name: Buffer; path: Buffer },
  ): number {
    const depth = this.#depth;
    const file = openWhole(path);
    try {
      const { size, modified } = file;
      const start = at + headBytes + name.length;
      const alone = (): number => putHead(buffer, at, { kind: frameKinds.fileAlone, depth, modified, size }, name);
      if (size > this.#start.largest || file.sparse) return alone();
      const fits = size <= buffer.length - start;
      const content = fits ? buffer.subarray(start, start + size) : Buffer.allocUnsafeSlow(size);
      const read = readWhole(file, content);
      folder.check();
      if (!read) return alone();
      putHead(buffer, at, { kind: frameKinds.file, depth, modified, size, digest: crc32(content) }, name);
      if (fits) return start + size;
      this.#rest = content;
      return this.#putRest(buffer, start);
    } finally {
      closeSync(file.fd);
    }
  }

  #enter(components: readonly Uint8Array[]): void {
    const length = components.reduce((sum, name) => sum + 1 + name.length, 0);
    if (length > longestPath || components.length > deepest) {
      this.#whole = false;
      return;
    }
    const folder = openGuardedSync(this.#root, components, this.#start.guard);
    try {
      const entries = this.#entriesOf(folder);
      this.#levels.push({ components, entries, at: 0, folder });
      this.#names += entries.length;
    } catch (error) {
      folder.close();
      throw error;
    }
  }

  #entriesOf(folder: GuardedFolderSync): Entry[] {
    // Buffers, as Node looks by name at what a file system gives without its kind. Its types do not know them.
    const dir = opendirSync(folder.path, { encoding: 'buffer' as BufferEncoding, bufferSize: readAtOnce });
    const entries: Entry[] = [];
    try {
      for (let found = dir.readSync(); found !== null; found = dir.readSync()) {
        const entry = this.#entryOf(found);
        if (entry !== undefined) entries.push(entry);
        if (this.#names + entries.length <= mostNames) continue;
        this.#whole = false;
        return [];
      }
    } finally {
      dir.closeSync();
    }
    folder.check();
    return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  #entryOf(found: Dirent): Entry | undefined {
    const name = (found.name as unknown as Buffer).toString('latin1');
    if (isPartName(name)) return undefined;
    if (found.isFile()) return { name, kind: 'file' };
    if (found.isDirectory()) return { name, kind: 'folder' };
    this.#skipped++;
    return undefined;
  }

  #leave(): void {
    const level = this.#levels.pop();
    if (level === undefined) return;
    this.#names -= level.entries.length;
    this.#release(level);
  }

  #release(level: Level): void {
    level.folder?.close();
    level.folder = undefined;
  }
}

function errnoOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/** What vanished since it was listed is no longer part of the folder. */
function isGone(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT';
}

/** A link, a socket, a device: put in place of what was listed. */
function isNoFile(error: unknown): boolean {
  return ['ELOOP', 'ENXIO', 'ENODEV', 'EISDIR'].includes(errnoOf(error) ?? '');
}

function noFile(): NodeJS.ErrnoException {
  return Object.assign(new Error('not a file or folder'), { code: 'ENODEV' });
}

/**
 * Reads many small files, in a thread of its own: each whole and of one version, or why not. Goes as far as the buffer
 * goes; a file that is larger than that gets a buffer for itself.
 */
import { closeSync, lstatSync } from 'node:fs';
import type { Guard } from './guarded-folder.ts';
import { type GuardedFolderSync, openGuardedSync } from './guarded-folder-sync.ts';
import { isPartName } from './part-name.ts';
import { openWhole, readWhole } from './read-whole.ts';

export interface ReadAsk {
  /** The share's true folder. */
  readonly root: Uint8Array;
  readonly guard: Guard;
  /** Raw names from the root on, joined by slashes; latin1, one character a byte. */
  readonly paths: readonly string[];
  /** Larger files are not read. */
  readonly largest: number;
  readonly content: ArrayBuffer;
}

export type ReadFile =
  | { readonly size: number; readonly modified: number }
  /** What the system says of it, or would say. */
  | { readonly errno: string }
  | { readonly code: 'changed' | 'too-large' };

export interface ReadAnswer {
  /** Of the first paths: of one at least. */
  readonly files: readonly ReadFile[];
  /** Of those that were read, one after the other. */
  readonly content: ArrayBuffer;
}

/** Fails only by a fault of ours: a file's own trouble is told, and the others are read. */
export function readBatch(ask: ReadAsk): ReadAnswer {
  using reader = new BatchReader(ask);
  const files: ReadFile[] = [];
  for (const path of ask.paths) {
    const file = reader.read(path);
    if (file === undefined) break;
    files.push(file);
  }
  return { files, content: reader.content };
}

class BatchReader implements Disposable {
  content: ArrayBuffer;
  readonly #ask: ReadAsk;
  #at = 0;
  /** Files come folder by folder: the last one is held. */
  #folder: GuardedFolderSync | undefined;
  #folderPath = '';

  constructor(ask: ReadAsk) {
    this.#ask = ask;
    this.content = ask.content;
  }

  /** Undefined where there is no room left for it. */
  read(path: string): ReadFile | undefined {
    const name = Buffer.from(path.slice(path.lastIndexOf('/') + 1), 'latin1');
    try {
      if (path === '') return { errno: 'EISDIR' };
      // What is still being received is not sent.
      if (isPartName(name.toString('latin1'))) return { errno: 'ENOENT' };
      return this.#readIn(this.#open(path.slice(0, Math.max(0, path.lastIndexOf('/')))), name);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      return { errno: code };
    }
  }

  [Symbol.dispose](): void {
    this.#folder?.close();
    this.#folder = undefined;
  }

  #open(path: string): GuardedFolderSync {
    if (this.#folder !== undefined && this.#folderPath === path) return this.#folder;
    this[Symbol.dispose]();
    const components = path === '' ? [] : path.split('/').map((name) => Buffer.from(name, 'latin1'));
    this.#folder = openGuardedSync(Buffer.from(this.#ask.root), components, this.#ask.guard);
    this.#folderPath = path;
    return this.#folder;
  }

  #readIn(folder: GuardedFolderSync, name: Buffer): ReadFile | undefined {
    const path = folder.at(name);
    // Opening a device can already do something, so it is not even tried.
    const seen = lstatSync(path);
    if (seen.isSymbolicLink()) return { errno: 'ELOOP' };
    if (!seen.isFile()) return { errno: 'EISDIR' };
    const file = openWhole(path);
    try {
      const { size, modified } = file;
      if (size > this.#ask.largest || file.sparse) return { code: 'too-large' };
      const room = this.#room(size);
      if (room === undefined) return undefined;
      const read = readWhole(file, room);
      folder.check();
      if (!read) return { code: 'changed' };
      this.#at += size;
      return { size, modified };
    } finally {
      closeSync(file.fd);
    }
  }

  #room(size: number): Buffer | undefined {
    if (this.#at === 0 && size > this.content.byteLength) this.content = new ArrayBuffer(size);
    return size <= this.content.byteLength - this.#at ? Buffer.from(this.content, this.#at, size) : undefined;
  }
}

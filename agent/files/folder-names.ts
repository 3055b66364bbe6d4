/**
 * The names in one folder, as bytes in latin1 strings (one character a byte: compact, and compared bytewise).
 * Up to 100,000 are read whole and sorted, so that a listing can go on after any name. Larger folders come as the
 * file system gives them, from a folder held open, and cost no more memory than the smaller ones.
 */
import type { Dir } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { isPartName } from './part-name.ts';

const mostSorted = 100_000;
const readAtOnce = 1000;

export class FolderNames implements AsyncDisposable {
  #names: string[];
  #at = 0;
  #dir: Dir | undefined;

  private constructor(names: string[], dir: Dir | undefined) {
    this.#names = names;
    this.#dir = dir;
  }

  /** @throws errno of the system */
  static async open(path: Buffer, signal: AbortSignal): Promise<FolderNames> {
    // The types know utf8 only; the file system knows bytes.
    const dir = await opendir(path, { encoding: 'latin1', bufferSize: readAtOnce });
    try {
      const names = await readSome(dir, mostSorted, signal);
      if (names.length === mostSorted) return new FolderNames(names, dir);
      await dir.close();
      return new FolderNames(names.toSorted(bytewise), undefined);
    } catch (error) {
      await dir.close().catch(() => undefined); // Closed already where closing it was what failed.
      throw error;
    }
  }

  /** Whether `skipTo` can find a place in it. */
  get sorted(): boolean {
    return this.#dir === undefined;
  }

  /** Names held in memory. */
  get held(): number {
    return this.#names.length;
  }

  /** Goes on after this name; all before it count as taken. */
  skipTo(after: string): void {
    let low = 0;
    let high = this.#names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (bytewise(this.#names[middle] ?? '', after) <= 0) low = middle + 1;
      else high = middle;
    }
    this.#at = low;
  }

  /** The next ones; empty at the end. */
  async next(count: number, signal: AbortSignal): Promise<string[]> {
    if (this.#at === this.#names.length && this.#dir !== undefined) {
      this.#names = await readSome(this.#dir, readAtOnce, signal);
      this.#at = 0;
    }
    const names = this.#names.slice(this.#at, this.#at + count);
    this.#at += names.length;
    return names;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const dir = this.#dir;
    this.#dir = undefined;
    this.#names = [];
    await dir?.close();
  }
}

async function readSome(dir: Dir, count: number, signal: AbortSignal): Promise<string[]> {
  const names: string[] = [];
  while (names.length < count) {
    if (names.length % readAtOnce === 0) signal.throwIfAborted();
    const entry = await dir.read();
    if (entry === null) break;
    if (!isPartName(entry.name)) names.push(entry.name);
  }
  return names;
}

function bytewise(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

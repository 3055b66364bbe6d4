/**
 * A file that is being received. What comes is gathered to 1 MiB, written at its place, several pieces in flight. Only
 * what `checkpoint` has said is safe may be built on after a crash: pieces may reach the disk out of order.
 */
import type { BigIntStats } from 'node:fs';
import { fstatFd, closeQuietly, fdatasyncFd, fsyncFd, ftruncateFd, futimesFd } from './raw-files.ts';
import { openFd, openFlags, timeForSystem, writevFd } from './raw-files.ts';
import { writeError } from './file-errors.ts';
import { type LocalPath, shownPath } from './local-path.ts';

const piece = 1 << 20;
const mostInFlight = 8;

export class PartFile implements AsyncDisposable {
  readonly #fd: number;
  readonly #path: LocalPath;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Where what is held will be written. */
  #position: number;
  readonly #inFlight = new Set<Promise<void>>();
  #error: unknown;
  #closed: Promise<void> | undefined;

  private constructor(fd: number, path: LocalPath, position: number) {
    this.#fd = fd;
    this.#path = path;
    this.#position = position;
  }

  /** A new file. @throws as `writeError` */
  static async create(path: LocalPath): Promise<PartFile> {
    return PartFile.#open(path, 0, () => openFd(path, openFlags.create, 0o666));
  }

  /** What was received before, cut to the length that is known to be safe. */
  static async reopen(path: LocalPath, length: number): Promise<PartFile> {
    return PartFile.#open(path, length, async () => {
      const fd = await openFd(path, openFlags.write);
      await ftruncateFd(fd, length).catch(async (error: unknown) => {
        await closeQuietly(fd);
        throw error;
      });
      return fd;
    });
  }

  static async #open(path: LocalPath, length: number, open: () => Promise<number>): Promise<PartFile> {
    try {
      return new PartFile(await open(), path, length);
    } catch (error) {
      throw writeError(error, shownPath(path));
    }
  }

  /** Bytes taken so far, written or not. */
  get length(): number {
    return this.#position + this.#heldBytes;
  }

  /** True when no more should be added before `room`. */
  get full(): boolean {
    return this.#inFlight.size >= mostInFlight;
  }

  add(bytes: Buffer): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= piece) this.#flush();
  }

  /** @throws `no-space`, `write-failed` … of an earlier piece too */
  async room(): Promise<void> {
    while (this.full && this.#error === undefined) await Promise.race(this.#inFlight);
    this.#check();
  }

  /** Makes all that was written until now survive a crash. Gives the length that is safe. */
  async checkpoint(): Promise<number> {
    const safe = this.#position;
    await Promise.all(this.#inFlight);
    this.#check();
    await this.#guarded(() => fdatasyncFd(this.#fd));
    return safe;
  }

  /** Writes what is held. */
  async settle(): Promise<void> {
    this.#flush();
    await Promise.all(this.#inFlight);
    this.#check();
  }

  /** All is there: modification time, fsync. */
  async finish(modified: number): Promise<void> {
    await this.settle();
    const time = timeForSystem(modified);
    await this.#guarded(() => futimesFd(this.#fd, time, time));
    await this.#guarded(() => fsyncFd(this.#fd));
  }

  async identity(): Promise<string> {
    return identityOf(await this.#guarded(() => fstatFd(this.#fd, { bigint: true })));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= Promise.all(this.#inFlight).then(() => closeQuietly(this.#fd));
    return this.#closed;
  }

  #flush(): void {
    if (this.#heldBytes === 0) return;
    const write = this.#write(this.#held, this.#position)
      .catch((error: unknown) => {
        this.#error ??= error;
      })
      .finally(() => this.#inFlight.delete(write));
    this.#inFlight.add(write);
    this.#position += this.#heldBytes;
    this.#held = [];
    this.#heldBytes = 0;
  }

  /** A full disk may take a part of a piece before it says so. */
  async #write(buffers: readonly Buffer[], position: number): Promise<void> {
    let rest = buffers;
    for (let at = position; rest.length > 0;) {
      const { bytesWritten } = await writevFd(this.#fd, rest, at);
      at += bytesWritten;
      rest = without(rest, bytesWritten);
    }
  }

  #check(): void {
    if (this.#error !== undefined) throw writeError(this.#error, shownPath(this.#path));
  }

  async #guarded<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw writeError(error, shownPath(this.#path));
    }
  }
}

/** Tells one file from every other of its disk: an inode alone is given again to the next file that is made. */
export function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}

function without(buffers: readonly Buffer[], written: number): Buffer[] {
  let left = written;
  const rest: Buffer[] = [];
  for (const buffer of buffers) {
    const taken = Math.min(left, buffer.length);
    left -= taken;
    if (taken < buffer.length) rest.push(buffer.subarray(taken));
  }
  return rest;
}

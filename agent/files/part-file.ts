/**
 * A file that is being received. What comes is gathered to 1 MiB, written at its place, several pieces in flight. Only
 * what `checkpoint` has said is safe may be built on after a crash: pieces may reach the disk out of order.
 */
import type { BigIntStats } from 'node:fs';
import { NethoodError } from '../../protocol/errors.ts';
import { fstatFd, closeQuietly, fdatasyncFd, fsyncFd, ftruncateFd, futimesFd } from './raw-files.ts';
import { openFd, openFlags, timeForSystem, writeFd } from './raw-files.ts';
import { writeError } from './file-errors.ts';
import { type LocalPath, shownPath } from './local-path.ts';

const piece = 1 << 20;
const mostInFlight = 4;

export class PartFile implements AsyncDisposable {
  readonly #fd: number;
  readonly #path: LocalPath;
  /** What is gathered now; its memory is used again once it is written. */
  #held: Buffer | undefined;
  #heldBytes = 0;
  readonly #spare: Buffer[] = [];
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

  /** What was received before, cut to the length that is known to be safe. @throws `changed` where it is another file by now */
  static async reopen(path: LocalPath, known: { identity: string; length: number }): Promise<PartFile> {
    return PartFile.#open(path, known.length, async () => {
      const fd = await openFd(path, openFlags.write);
      try {
        if (identityOf(await fstatFd(fd, { bigint: true })) !== known.identity)
          throw new NethoodError('changed', `${shownPath(path)} is not the file that was begun.`);
        await ftruncateFd(fd, known.length);
        return fd;
      } catch (error) {
        await closeQuietly(fd);
        throw error;
      }
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

  /** Copies them: kept as they come, 16 KiB each, they would outlive the collections of young memory and make dear ones. */
  add(bytes: Buffer): void {
    for (let taken = 0; taken < bytes.length;) {
      this.#held ??= this.#spare.pop() ?? Buffer.allocUnsafeSlow(piece);
      const count = bytes.copy(this.#held, this.#heldBytes, taken);
      taken += count;
      this.#heldBytes += count;
      if (this.#heldBytes === piece) this.#flush();
    }
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
    const held = this.#held;
    if (held === undefined || this.#heldBytes === 0) return;
    const write = this.#write(held, this.#heldBytes, this.#position)
      .then(
        () => void this.#spare.push(held),
        (error: unknown) => {
          this.#error ??= error;
        },
      )
      .finally(() => this.#inFlight.delete(write));
    this.#inFlight.add(write);
    this.#position += this.#heldBytes;
    this.#held = undefined;
    this.#heldBytes = 0;
  }

  /** A full disk may take a part of a piece before it says so. */
  async #write(buffer: Buffer, length: number, position: number): Promise<void> {
    for (let at = 0; at < length;) {
      const { bytesWritten } = await writeFd(this.#fd, buffer, at, length - at, position + at);
      at += bytesWritten;
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

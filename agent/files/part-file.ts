/**
 * A file that is being received. What comes is gathered to blocks of 1 MiB, each written at its place, several in
 * flight. How far it can be built on after a crash, where blocks may reach the disk out of order, tells its `DigestLog`.
 */
import { NethoodError } from '../../protocol/errors.ts';
import { blockBytes, dataRuns, digestOf, zeroDigest } from './block-digest.ts';
import type { DigestLog } from './digest-log.ts';
import { fstatFd, closeQuietly, fdatasyncFd, fsyncFd, ftruncateFd, futimesFd } from './raw-files.ts';
import { openFd, openFlags, timeForSystem, writeFd } from './raw-files.ts';
import { writeError } from './file-errors.ts';
import { identityOf } from './file-version.ts';
import { type LocalPath, shownPath } from './local-path.ts';

const mostInFlight = 4;
const leastHeld = 16 << 10;

export interface PartOptions {
  /** What it will be, for messages. Default: its path. */
  readonly shown?: string | undefined;
  /** Told of each block that is being written; stays the caller's. */
  readonly log?: DigestLog | undefined;
  /** Zeros become holes, by the page. */
  readonly sparse?: boolean | undefined;
  /** Told how many bytes were added, and when they are in the file. */
  readonly told?: { taken(bytes: number): void; written(bytes: number): void } | undefined;
  /** Told at once of a block that could not be written: who waits for more bytes, or sends none before it is told, would wait long. */
  readonly failed?: ((error: NethoodError) => void) | undefined;
}

interface OpenedPart extends PartOptions {
  readonly shown: string;
  readonly fd: number;
}

export class PartFile implements AsyncDisposable {
  readonly #part: OpenedPart;
  /** What is gathered now; its memory is used again once it is written. */
  #held: Buffer | undefined;
  #heldBytes = 0;
  /** Of the block that is gathered, as its sender says; undefined where nobody said. */
  #expected: number | undefined;
  readonly #spare: Buffer[] = [];
  /** Where what is held will be written. */
  #position: number;
  readonly #inFlight = new Set<Promise<void>>();
  #error: unknown;
  #closed: Promise<void> | undefined;

  private constructor(part: OpenedPart, position: number) {
    this.#part = part;
    this.#position = position;
  }

  /** A new file. @throws as `writeError` */
  static async create(path: LocalPath, options: PartOptions = {}): Promise<PartFile> {
    return PartFile.#open(path, { ...options, length: 0 }, () => openFd(path, openFlags.create, 0o666));
  }

  /** What was received before, cut to the length that is known to be good. @throws `changed` where it is another file by now */
  static async reopen(
    path: LocalPath,
    known: { readonly identity: string; readonly length: number },
    options: PartOptions = {},
  ): Promise<PartFile> {
    return PartFile.#open(path, { ...options, length: known.length }, async () => {
      const fd = await openFd(path, openFlags.write);
      try {
        if (identityOf(await fstatFd(fd, { bigint: true })) !== known.identity)
          throw new NethoodError('changed', `${options.shown ?? shownPath(path)} is not the file that was begun.`);
        await ftruncateFd(fd, known.length);
        return fd;
      } catch (error) {
        await closeQuietly(fd);
        throw error;
      }
    });
  }

  static async #open(
    path: LocalPath,
    { length, ...options }: PartOptions & { length: number },
    open: () => Promise<number>,
  ): Promise<PartFile> {
    const { shown = shownPath(path) } = options;
    try {
      return new PartFile({ ...options, shown, fd: await open() }, length);
    } catch (error) {
      throw writeError(error, shown);
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

  /**
   * Copies them: kept as they come, 16 KiB each, they would outlive the collections of young memory and make dear ones.
   * @throws `damaged` where a block is not what `expect` said
   */
  add(bytes: Buffer): void {
    this.#part.told?.taken(bytes.length);
    for (let taken = 0; taken < bytes.length;) {
      const held = this.#roomyHeld(bytes.length);
      const count = bytes.copy(held, this.#heldBytes, taken);
      taken += count;
      this.#heldBytes += count;
      if (this.#heldBytes === blockBytes) this.#flush();
    }
  }

  /** The digest of the block that begins now. */
  expect(digest: number): void {
    this.#expected = digest;
  }

  /** The block is whole, though it may be shorter than others: the last. @throws `damaged` */
  endBlock(): void {
    this.#flush();
  }

  /** Zeros, which are not written: whole blocks, or up to the end of the file. */
  skip(length: number): void {
    for (let left = length; left > 0;) {
      const bytes = Math.min(left, blockBytes);
      this.#part.log?.add(this.#position / blockBytes, zeroDigest(bytes));
      this.#position += bytes;
      left -= bytes;
    }
  }

  /** @throws `no-space`, `write-failed` … of an earlier block too */
  async room(): Promise<void> {
    while (this.full && this.#error === undefined) await Promise.race(this.#inFlight);
    this.#check();
  }

  /** Makes all that was written until now survive a power cut. */
  async sync(): Promise<void> {
    await Promise.all(this.#inFlight);
    this.#check();
    await this.#guarded(() => fdatasyncFd(this.#part.fd));
  }

  /** Writes what is held. */
  async settle(): Promise<void> {
    this.#flush();
    await Promise.all(this.#inFlight);
    this.#check();
  }

  /** Drops what is no whole block yet: only those are known to be good. Gives the bytes that are written. */
  async settleBlocks(): Promise<number> {
    this.#heldBytes = 0;
    this.#expected = undefined;
    await Promise.all(this.#inFlight);
    this.#check();
    return this.#position;
  }

  /** All is there: modification time, fsync. */
  async finish(modified: number): Promise<void> {
    await this.settle();
    const { fd, sparse } = this.#part;
    // A hole at the end has left no trace yet.
    if (sparse === true) await this.#guarded(() => ftruncateFd(fd, this.#position));
    const time = timeForSystem(modified);
    await this.#guarded(() => futimesFd(fd, time, time));
    await this.#guarded(() => fsyncFd(fd));
  }

  async identity(): Promise<string> {
    return identityOf(await this.#guarded(() => fstatFd(this.#part.fd, { bigint: true })));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= Promise.all(this.#inFlight).then(() => closeQuietly(this.#part.fd));
    return this.#closed;
  }

  /** Of a small file its bytes and little more: a block's memory for each of thousands makes dear collections too. */
  #roomyHeld(wanted: number): Buffer {
    this.#held ??= this.#spare.pop() ?? Buffer.allocUnsafeSlow(Math.min(blockBytes, Math.max(wanted, leastHeld)));
    if (this.#heldBytes < this.#held.length) return this.#held;
    const whole = Buffer.allocUnsafeSlow(blockBytes);
    this.#held.copy(whole);
    this.#held = whole;
    return whole;
  }

  #flush(): void {
    const held = this.#held;
    if (held === undefined || this.#heldBytes === 0) return;
    const block = held.subarray(0, this.#heldBytes);
    const digest = this.#digestOf(block);
    const position = this.#position;
    // Not after it: who is killed would have blocks that nobody knows to be good. What the log says is compared anyway.
    if (digest !== undefined) this.#part.log?.add(position / blockBytes, digest);
    const write = this.#write(block, position)
      .then(
        () => void this.#spare.push(held),
        (error: unknown) => {
          this.#error ??= error;
          this.#part.failed?.(writeError(error, this.#part.shown));
        },
      )
      .finally(() => this.#inFlight.delete(write));
    this.#inFlight.add(write);
    this.#position += block.length;
    this.#held = undefined;
    this.#heldBytes = 0;
  }

  /** Undefined where nobody wants to know. */
  #digestOf(block: Buffer): number | undefined {
    const expected = this.#expected;
    this.#expected = undefined;
    if (expected === undefined && this.#part.log === undefined) return undefined;
    const digest = digestOf(block);
    if (expected === undefined || expected === digest) return digest;
    throw new NethoodError('damaged', `${this.#part.shown} came other than it was sent.`);
  }

  async #write(block: Buffer, position: number): Promise<void> {
    const runs = this.#part.sparse === true ? dataRuns(block) : [{ start: 0, end: block.length }];
    for (const { start, end } of runs) await this.#writeRun(block.subarray(start, end), position + start);
    this.#part.told?.written(block.length);
  }

  /** A full disk may take a part of a block before it says so. */
  async #writeRun(bytes: Buffer, position: number): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await writeFd(this.#part.fd, bytes, at, bytes.length - at, position + at);
      at += bytesWritten;
    }
  }

  #check(): void {
    if (this.#error !== undefined) throw writeError(this.#error, this.#part.shown);
  }

  async #guarded<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw writeError(error, this.#part.shown);
    }
  }
}

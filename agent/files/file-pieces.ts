/**
 * Reads a range of an opened file, piece by piece. Never a mixture of two versions that looks whole: the file is
 * looked at again before the last piece is given, and now and then before that.
 */
import type { BigIntStats } from 'node:fs';
import { NethoodError } from '../../protocol/errors.ts';
import { readError } from './file-errors.ts';
import type { ByteRange } from './file-tree.ts';
import { etagOf } from './file-version.ts';
import { closeQuietly, fstatFd, readFd } from './raw-files.ts';

/** Bytes that are read at once: smaller ones make too many trips to the thread pool. */
export const pieceBytes = 1 << 20;
const piecesBetweenLooks = 64;

export interface RangeOfFile {
  /** Becomes the reader's own. */
  readonly fd: number;
  readonly range: ByteRange;
  readonly etag: string;
  /** For messages. */
  readonly what: string;
}

export class FilePieces implements AsyncDisposable {
  readonly #file: RangeOfFile;
  #position: number;
  #end: number;
  #pieces = 0;
  /** A descriptor must not be closed under a read: its number may already be another file's then. */
  #reading: Promise<number> = Promise.resolve(0);
  #closed: Promise<void> | undefined;

  constructor(file: RangeOfFile) {
    this.#file = file;
    this.#position = file.range.start;
    this.#end = file.range.end;
  }

  /** Before anything was read: a part of the range is enough. */
  narrow({ start, end }: ByteRange): void {
    this.#position = start;
    this.#end = end;
  }

  /** Where in the file the next bytes are. */
  get position(): number {
    return this.#position;
  }

  get left(): number {
    return this.#end - this.#position;
  }

  /**
   * The next bytes, at the beginning of `buffer`; how many, 0 at the end. One call at a time.
   * @throws `changed` or what the disk says
   */
  read(buffer: Buffer): Promise<number> {
    if (this.left === 0 || this.#closed !== undefined) return Promise.resolve(0);
    this.#reading = this.#read(buffer);
    return this.#reading;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#reading.catch(() => 0).then(() => closeQuietly(this.#file.fd));
    return this.#closed;
  }

  async #read(buffer: Buffer): Promise<number> {
    try {
      const wanted = Math.min(buffer.length, this.left);
      const { bytesRead } = await readFd(this.#file.fd, buffer, 0, wanted, this.#position);
      if (bytesRead === 0) throw this.#changed();
      this.#position += bytesRead;
      if (this.left > 0 && ++this.#pieces % piecesBetweenLooks !== 0) return bytesRead;
      const stat: BigIntStats = await fstatFd(this.#file.fd, { bigint: true });
      if (etagOf(stat) !== this.#file.etag) throw this.#changed();
      return bytesRead;
    } catch (error) {
      throw readError(error, `${this.#file.what} at byte ${this.#position}`);
    }
  }

  #changed(): NethoodError {
    return new NethoodError('changed', `${this.#file.what} changed while it was read.`);
  }
}

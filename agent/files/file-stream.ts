/**
 * The bytes of an opened file, in pieces of 1 MiB. Never a mixture of two versions that looks whole: the file is
 * looked at again before the last piece is given, and now and then before that.
 */
import { close, fstat, read } from 'node:fs';
import { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import type { ByteRange } from './file-tree.ts';
import { readError } from './file-errors.ts';
import { etagOf } from './file-version.ts';

const piece = 1 << 20;
const piecesBetweenLooks = 64;

export interface StreamOfFile {
  /** Becomes the stream's own. */
  readonly fd: number;
  readonly range: ByteRange;
  readonly etag: string;
  /** For messages. */
  readonly what: string;
}

export class FileStream extends Readable {
  readonly #file: StreamOfFile;
  #position: number;
  #pieces = 0;
  /** A descriptor must not be closed under a read: its number may already be another file's then. */
  #busy = false;
  #closing: (() => void) | undefined;

  constructor(file: StreamOfFile) {
    super({ highWaterMark: piece });
    this.#file = file;
    this.#position = file.range.start;
  }

  override _read(): void {
    const wanted = Math.min(piece, this.#file.range.end - this.#position);
    if (wanted === 0) {
      this.push(null);
      return;
    }
    this.#busy = true;
    read(this.#file.fd, Buffer.allocUnsafeSlow(wanted), 0, wanted, this.#position, (error, bytes, buffer) => {
      if (error !== null) this.#fail(readError(error, this.#file.what));
      else if (bytes === 0) this.#fail(this.#changed());
      else this.#received(buffer.subarray(0, bytes));
    });
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // What close itself reports does not matter to what was read.
    const end = (): void => close(this.#file.fd, () => callback(error));
    if (this.#busy) this.#closing = end;
    else end();
  }

  #received(bytes: Buffer): void {
    this.#position += bytes.length;
    const last = this.#position === this.#file.range.end;
    if (!last && ++this.#pieces % piecesBetweenLooks !== 0) {
      this.#give(bytes);
      return;
    }
    fstat(this.#file.fd, { bigint: true }, (error, stat) => {
      if (error !== null) this.#fail(readError(error, this.#file.what));
      else if (etagOf(stat) !== this.#file.etag) this.#fail(this.#changed());
      else this.#give(bytes);
    });
  }

  #give(bytes: Buffer): void {
    this.#idle();
    if (!this.destroyed) this.push(bytes);
  }

  #fail(error: NethoodError): void {
    this.#idle();
    this.destroy(error);
  }

  #idle(): void {
    this.#busy = false;
    this.#closing?.();
    this.#closing = undefined;
  }

  #changed(): NethoodError {
    return new NethoodError('changed', `${this.#file.what} changed while it was read.`);
  }
}

/** The pieces of a file as a stream, for those who want one; whoever sends a file to a socket does it by `send-pieces`. */
import { Readable } from 'node:stream';
import { type FilePieces, pieceBytes } from './file-pieces.ts';

export class FileStream extends Readable {
  readonly #pieces: FilePieces;

  /** @param pieces become the stream's own */
  constructor(pieces: FilePieces) {
    super({ highWaterMark: pieceBytes });
    this.#pieces = pieces;
  }

  override _read(): void {
    // Whoever gets a piece may keep it, so each has memory of its own.
    const buffer = Buffer.allocUnsafeSlow(Math.min(pieceBytes, this.#pieces.left));
    this.#pieces.read(buffer).then(
      (bytes) => this.destroyed || this.push(bytes === 0 ? null : buffer.subarray(0, bytes)),
      (error: Error) => this.destroy(error),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    void this.#close(error, callback);
  }

  async #close(error: Error | null, callback: (error?: Error | null) => void): Promise<void> {
    // Waits for a read under way; what close itself reports does not matter to what was read.
    await this.#pieces[Symbol.asyncDispose]();
    callback(error);
  }
}

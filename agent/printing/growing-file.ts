/** A file that is written once, from its start to its end. What is large is made safe as it grows, so that little is left to wait for. */
import type { FileHandle } from 'node:fs/promises';
import { buffersPassed } from '../base/collect-buffers.ts';

const syncEveryBytes = 16 * 2 ** 20;

export class GrowingFile {
  readonly #handle: FileHandle;
  #unsynced = 0;
  #syncs: Promise<void> = Promise.resolve();

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(chunks: readonly Buffer[]): Promise<void> {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const { bytesWritten } = await this.#handle.writev(chunks);
    // On a disk that is nearly full the system may write a part, and call that success.
    if (bytesWritten < length) await this.#handle.writeFile(Buffer.concat(chunks).subarray(bytesWritten));
    buffersPassed(length);
    this.#unsynced += length;
    if (this.#unsynced < syncEveryBytes) return;
    this.#unsynced = 0;
    this.#syncs = this.#syncs.then(() => this.#handle.datasync());
    this.#syncs.catch(() => undefined); // Told by `sync`: a disk says only once what it has lost.
  }

  /** Kept when all that was written is safe. */
  async sync(): Promise<void> {
    await this.#syncs;
    await this.#handle.datasync();
  }
}

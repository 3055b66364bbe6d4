/**
 * Pours a file into an HTTP answer out of a few buffers that are used again and again: memory taken anew for each piece
 * is given back only by garbage collections, and those cost more than the sending.
 */
import type { ServerResponse } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import { type FilePieces, pieceBytes } from './file-pieces.ts';

/** One is being sent while the other is read. With a third the socket would hold two, and copy them into one. */
const buffersOfSending = 2;

/** Kept when the connection has taken all. @throws `changed`, what the disk says, `interrupted`, or the signal's reason */
export async function sendPieces(pieces: FilePieces, response: ServerResponse, signal: AbortSignal): Promise<void> {
  const size = Math.min(pieceBytes, pieces.left);
  const outlet = new Outlet(response, signal);
  try {
    for (let made = 0; ; made++) {
      const buffer = made < buffersOfSending ? Buffer.allocUnsafeSlow(size) : await outlet.free();
      const bytes = await pieces.read(buffer);
      if (bytes === 0) break;
      outlet.send(buffer, bytes);
    }
    await outlet.end();
  } finally {
    outlet[Symbol.dispose]();
  }
}

interface Waiting {
  readonly resolve: (buffer: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/** A buffer that was sent comes back only when the socket has taken it. */
class Outlet implements Disposable {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;
  readonly #free: Buffer[] = [];
  #waiting: Waiting | undefined;
  #error: Error | undefined;

  constructor(response: ServerResponse, signal: AbortSignal) {
    this.#response = response;
    this.#signal = signal;
    response.on('close', this.#closed).on('error', this.#broken);
    signal.addEventListener('abort', this.#stopped);
    if (signal.aborted) this.#stopped();
    else if (response.destroyed) this.#closed();
  }

  free(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const buffer = this.#free.pop();
      if (this.#error !== undefined) reject(this.#error);
      else if (buffer !== undefined) resolve(buffer);
      else this.#waiting = { resolve, reject };
    });
  }

  /** @throws what has broken meanwhile */
  send(buffer: Buffer, bytes: number): void {
    if (this.#error !== undefined) throw this.#error;
    this.#response.write(bytes === buffer.length ? buffer : buffer.subarray(0, bytes), (error) => {
      if (error) this.#broken(error);
      else this.#return(buffer);
    });
  }

  end(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve: () => undefined, reject };
      if (this.#error === undefined) this.#response.end(() => resolve());
      else reject(this.#error);
    });
  }

  [Symbol.dispose](): void {
    this.#response.off('close', this.#closed);
    this.#signal.removeEventListener('abort', this.#stopped);
  }

  #return(buffer: Buffer): void {
    const waiting = this.#waiting;
    if (waiting === undefined) this.#free.push(buffer);
    else {
      this.#waiting = undefined;
      waiting.resolve(buffer);
    }
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#waiting?.reject(this.#error);
    this.#waiting = undefined;
  }

  readonly #closed = (): void => this.#fail(new NethoodError('interrupted', 'The other side is gone.'));
  readonly #broken = (error: Error): void => this.#fail(error);
  readonly #stopped = (): void => this.#fail(this.#signal.reason as Error);
}

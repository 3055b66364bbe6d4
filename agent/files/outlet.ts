/** Where an answer is poured into: a buffer that was sent comes back only when the socket has taken it. */
import type { ServerResponse } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

export class Outlet implements Disposable {
  readonly #response: ServerResponse;
  readonly #signal: AbortSignal;
  readonly #free: Buffer[] = [];
  #underWay = 0;
  #waiting: Waiting<Buffer> | undefined;
  #emptying: Waiting<void> | undefined;
  #error: Error | undefined;

  constructor(response: ServerResponse, signal: AbortSignal) {
    this.#response = response;
    this.#signal = signal;
    response.on('close', this.#closed).on('error', this.#broken);
    signal.addEventListener('abort', this.#stopped);
    if (signal.aborted) this.#stopped();
    else if (response.destroyed) this.#closed();
  }

  /** Nothing waits to be sent: whatever is waited for now, it is not the connection. */
  get idle(): boolean {
    return this.#underWay === 0;
  }

  free(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const buffer = this.#free.pop();
      if (this.#error !== undefined) reject(this.#error);
      else if (buffer !== undefined) resolve(buffer);
      else this.#waiting = { resolve, reject };
    });
  }

  /** A part of a buffer; with `taken`, which is called then, the last: the buffer comes back. @throws what has broken meanwhile */
  send(buffer: Buffer, { start, end, taken }: { start: number; end: number; taken?: () => void }): void {
    if (this.#error !== undefined) throw this.#error;
    this.#underWay++;
    const whole = start === 0 && end === buffer.length;
    this.#response.write(whole ? buffer : buffer.subarray(start, end), (error) => {
      this.#underWay--;
      if (error) return this.#broken(error);
      if (taken !== undefined) {
        taken();
        this.#return(buffer);
      }
      if (this.idle) this.#emptied();
    });
  }

  /** Kept when the connection has taken all that was sent so far. @throws what has broken meanwhile */
  taken(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#error !== undefined) reject(this.#error);
      else if (this.idle) resolve();
      else this.#emptying = { resolve, reject };
    });
  }

  /** Kept when the connection has taken all. */
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

  #emptied(): void {
    this.#emptying?.resolve();
    this.#emptying = undefined;
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#waiting?.reject(this.#error);
    this.#emptying?.reject(this.#error);
    this.#waiting = undefined;
    this.#emptying = undefined;
  }

  readonly #closed = (): void => this.#fail(new NethoodError('interrupted', 'The other side is gone.'));
  readonly #broken = (error: Error): void => this.#fail(error);
  readonly #stopped = (): void => this.#fail(this.#signal.reason as Error);
}

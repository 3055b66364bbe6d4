/**
 * The body of a neighbour's answer as the body of an answer of ours, out of a few buffers that are used again and again:
 * as a stream each 16 KiB of it would be memory of its own, whose collection costs more than the sending.
 */
import type { ServerResponse } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import type { BodySink } from './receive-body.ts';

const pieceBytes = 512 << 10;
/** While so many are being sent nothing more is taken. */
const mostUnderWay = 2;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Whole pieces go as they are filled, less goes as soon as nothing else is on its way. */
export class PassingOn implements BodySink, Disposable {
  readonly #response: ServerResponse;
  readonly #pieceBytes: number;
  readonly #spare: Buffer[] = [];
  #held: Buffer | undefined;
  #heldBytes = 0;
  #underWay = 0;
  #soon = false;
  #length = 0;
  #waiting: Waiting | undefined;
  #error: Error | undefined;

  /** @param bytes that will come */
  constructor(response: ServerResponse, bytes: number) {
    this.#response = response;
    this.#pieceBytes = Math.max(1, Math.min(pieceBytes, bytes));
    response.on('close', this.#closed).on('error', this.#broken);
    if (response.destroyed) this.#closed();
  }

  get length(): number {
    return this.#length;
  }

  get full(): boolean {
    return this.#underWay >= mostUnderWay;
  }

  add(bytes: Buffer): void {
    if (this.#error !== undefined) throw this.#error;
    this.#length += bytes.length;
    for (let taken = 0; taken < bytes.length;) {
      const held = (this.#held ??= this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#pieceBytes));
      const count = bytes.copy(held, this.#heldBytes, taken);
      taken += count;
      this.#heldBytes += count;
      if (this.#heldBytes === held.length) this.#send();
    }
    this.#sendSoon();
  }

  room(): Promise<void> {
    return this.#until(() => !this.full);
  }

  /** Kept when the connection has taken all. @throws `interrupted` where it breaks before */
  async end(): Promise<void> {
    this.#send();
    await this.#until(() => this.#underWay === 0);
    this.#response.end();
  }

  [Symbol.dispose](): void {
    this.#response.off('close', this.#closed);
  }

  /** What comes in one turn of the event loop is one piece. */
  #sendSoon(): void {
    if (this.#soon || this.#underWay > 0 || this.#heldBytes === 0) return;
    this.#soon = true;
    setImmediate(() => {
      this.#soon = false;
      if (this.#underWay === 0 && this.#error === undefined) this.#send();
    });
  }

  #send(): void {
    const [held, bytes] = [this.#held, this.#heldBytes];
    if (held === undefined || bytes === 0) return;
    this.#held = undefined;
    this.#heldBytes = 0;
    this.#underWay++;
    this.#response.write(bytes === held.length ? held : held.subarray(0, bytes), (error) => {
      this.#underWay--;
      if (error) return this.#broken(error);
      this.#spare.push(held);
      this.#sendSoon();
      this.#waiting?.resolve();
    });
  }

  async #until(done: () => boolean): Promise<void> {
    while (!done() && this.#error === undefined)
      await new Promise<void>((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
    if (this.#error !== undefined) throw this.#error;
  }

  readonly #closed = (): void => this.#broken(new NethoodError('interrupted', 'The other side is gone.'));

  readonly #broken = (error: Error): void => {
    this.#error ??= error;
    this.#waiting?.reject(this.#error);
  };
}

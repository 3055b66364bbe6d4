/** The body of a neighbour's answer as a stream whose errors are ours. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PassingOn } from './pass-on.ts';
import { connectionError } from './peer-http.ts';
import { RateLimit } from './rate-limit.ts';
import { receiveBody, type ReceiveDeps } from './receive-body.ts';

/** Held at most while nobody reads. */
const mostHeld = 1 << 20;

/**
 * TLS gives 16 KiB at a time, and whoever passes them on one by one pays for each: what comes in one turn of the event
 * loop, or while the reader is busy, is given as one piece.
 */
export class PeerBody extends Readable {
  readonly #response: IncomingMessage;
  readonly #name: string;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #wanted = false;
  #waits = false;
  #begun = false;

  /** @param response becomes the stream's own */
  constructor(response: IncomingMessage, name: string) {
    super({ highWaterMark: mostHeld });
    this.#response = response;
    this.#name = name;
    response.on('end', this.#whole).on('close', this.#cut).on('error', this.#broken);
  }

  /** Instead of being read. @throws `interrupted`, `timeout` */
  async sendTo(to: ServerResponse, deps: Pick<ReceiveDeps, 'clock' | 'signal'> & { length: number }): Promise<void> {
    const { clock, length } = deps;
    // Over before its end was heard of, after which alone the connection can be used again.
    if (length === 0) return pipeline(this, to);
    this.#response.off('end', this.#whole).off('close', this.#cut).off('error', this.#broken);
    try {
      using passing = new PassingOn(to, length);
      const nobody = { limit: RateLimit.none(clock), received: () => undefined, waited: () => undefined };
      await receiveBody(this.#response, passing, { ...deps, ...nobody, name: this.#name });
      await passing.end();
    } finally {
      this.destroy();
    }
  }

  override _read(): void {
    this.#wanted = true;
    this.#giveSoon();
    if (!this.#begun) this.#response.on('data', this.#take);
    this.#begun = true;
    this.#response.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // After its end the connection can be used again.
    if (!this.#response.readableEnded) this.#response.destroy();
    callback(error);
  }

  readonly #take = (bytes: Buffer): void => {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= mostHeld) this.#response.pause();
    if (this.#wanted) this.#giveSoon();
  };

  #giveSoon(): void {
    if (this.#waits || this.#heldBytes === 0) return;
    this.#waits = true;
    setImmediate(() => {
      this.#waits = false;
      this.#give();
    });
  }

  #give(): void {
    if (this.destroyed || this.#heldBytes === 0) return;
    const piece = this.#held.length === 1 ? this.#held[0] : Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    this.#wanted = this.push(piece);
  }

  readonly #whole = (): void => {
    if (!this.#response.complete) return this.#cut();
    this.#give();
    this.push(null);
  };

  readonly #cut = (): void => {
    if (!this.#response.complete) this.destroy(connectionError(this.#response.errored, this.#name));
  };

  readonly #broken = (error: unknown): void => {
    this.destroy(connectionError(error, this.#name));
  };
}

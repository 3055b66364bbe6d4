/** Takes the bytes of a stream for whoever sends them on: all that came while the last piece was sent is one piece. */
import { finished, type Readable } from 'node:stream';

/** Held at most while nobody asks. */
const mostHeld = 1 << 20;

/** The stream is left paused, neither destroyed nor waited for, when nobody wants more of it. */
export class GatheredBody implements Disposable {
  readonly #body: Readable;
  readonly #signal: AbortSignal;
  readonly #stopWatching: () => void;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #ended: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;

  constructor(body: Readable, signal: AbortSignal) {
    this.#body = body;
    this.#signal = signal;
    this.#stopWatching = finished(body, { writable: false }, (error) => this.#end(error ?? undefined));
    signal.addEventListener('abort', this.#stop, { once: true });
    if (signal.aborted) this.#stop();
    else body.on('data', this.#take);
  }

  /** Undefined at the end. @throws what the stream fails with, or the signal's reason */
  async next(): Promise<Buffer | undefined> {
    while (this.#heldBytes === 0 && this.#ended === undefined)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#ended?.error !== undefined) throw this.#ended.error as Error;
    if (this.#heldBytes === 0) return undefined;
    const piece = Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    if (this.#ended === undefined) this.#body.resume();
    return piece;
  }

  [Symbol.dispose](): void {
    this.#stopWatching();
    this.#signal.removeEventListener('abort', this.#stop);
    this.#body.off('data', this.#take).pause();
  }

  readonly #take = (bytes: Buffer | string): void => {
    const taken = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    this.#held.push(taken);
    this.#heldBytes += taken.length;
    if (this.#heldBytes >= mostHeld) this.#body.pause();
    this.#wake();
  };

  readonly #stop = (): void => this.#end(this.#signal.reason);

  #end(error: unknown): void {
    this.#ended ??= { error };
    this.#wake();
  }
}

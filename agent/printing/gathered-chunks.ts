/** A document as it comes in: reading goes on while the last piece is written. */
import { finished, type Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';

/** Held at most while nobody takes it. */
const mostHeld = 1 << 20;

/**
 * All that came since the last time, again and again. The stream is left paused, not destroyed, where nobody wants the
 * rest: its sender still waits for the answer.
 * @throws NethoodError `interrupted` (the stream broke, or the signal aborted), or the stream's own
 */
export async function* gatheredChunks(
  stream: Readable,
  signal: AbortSignal,
): AsyncGenerator<readonly Buffer[], void, undefined> {
  using gathered = new GatheredChunks(stream, signal);
  for (let batch = await gathered.next(); batch.length > 0; batch = await gathered.next()) yield batch;
}

class GatheredChunks implements Disposable {
  readonly #stream: Readable;
  readonly #signal: AbortSignal;
  readonly #stopWatching: () => void;
  #held: Buffer[] = [];
  #bytes = 0;
  #over: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Readable, signal: AbortSignal) {
    this.#stream = stream;
    this.#signal = signal;
    this.#stopWatching = finished(stream, { writable: false }, (error) => {
      this.#over ??= { error: error ?? undefined };
      this.#wake?.();
    });
    signal.addEventListener('abort', this.#stop, { once: true });
    if (signal.aborted) this.#stop();
    else stream.on('data', this.#take).resume();
  }

  /** Nothing at the end. */
  async next(): Promise<readonly Buffer[]> {
    if (this.#held.length === 0 && this.#over === undefined)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#over?.error !== undefined) throw brokenOff(this.#over.error);
    const batch = this.#held;
    this.#held = [];
    this.#bytes = 0;
    if (this.#over === undefined) this.#stream.resume();
    return batch;
  }

  [Symbol.dispose](): void {
    this.#stopWatching();
    this.#signal.removeEventListener('abort', this.#stop);
    this.#stream.off('data', this.#take).pause();
  }

  readonly #take = (chunk: Buffer): void => {
    this.#held.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes >= mostHeld) this.#stream.pause();
    this.#wake?.();
  };

  readonly #stop = (): void => void this.#stream.destroy(new NethoodError('interrupted', 'The document was cut off.'));
}

function brokenOff(error: unknown): NethoodError {
  if (error instanceof NethoodError) return error;
  return new NethoodError('interrupted', 'The document broke off before its end.', { cause: error });
}

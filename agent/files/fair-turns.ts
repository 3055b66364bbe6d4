/**
 * Shares of what we send, by who asks rather than by what is asked for: of each asker two blocks are on their way at a
 * time, in turn, however many files it fetches at once. A block that a connection does not take within a moment is no
 * longer counted: it takes nothing from anybody, and must not keep the asker's other files.
 */
import type { Clock } from '../base/clock.ts';

const atOnce = 2;
const momentMs = 250;

interface Asker {
  underWay: number;
  readonly waiting: (() => void)[];
}

/** To be called when the block was taken; once more does no harm. */
export type EndTurn = () => void;

export class FairTurns {
  readonly #clock: Clock;
  readonly #askers = new Map<string, Asker>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Kept when the asker may have another block on its way. @throws the signal's reason */
  async begin(name: string, signal: AbortSignal): Promise<EndTurn> {
    signal.throwIfAborted();
    const asker = this.#askers.get(name) ?? { underWay: 0, waiting: [] };
    this.#askers.set(name, asker);
    if (asker.underWay < atOnce) asker.underWay++;
    else await turnOf(asker, signal);
    return this.#ending(name, asker);
  }

  #ending(name: string, asker: Asker): EndTurn {
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      timer[Symbol.dispose]();
      const next = asker.waiting.shift();
      if (next !== undefined) next();
      else if (--asker.underWay === 0) this.#askers.delete(name);
    };
    const timer = this.#clock.timer(momentMs, end);
    return end;
  }
}

/** The turn of one that ended, passed on. */
function turnOf(asker: Asker, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = (): void => {
      signal.removeEventListener('abort', stop);
      resolve();
    };
    const stop = (): void => {
      asker.waiting.splice(asker.waiting.indexOf(go), 1);
      reject(signal.reason as Error);
    };
    asker.waiting.push(go);
    signal.addEventListener('abort', stop, { once: true });
  });
}

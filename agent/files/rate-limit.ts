/**
 * The user's limit to what transfers may move in a second, all of them and both directions together. Whoever has moved
 * some bytes is told how long to wait before the next: in turn, so that each gets the same where all take the same.
 */
import { type Clock, sleep } from '../base/clock.ts';

/** So much may go at once after a rest. */
const restMs = 100;
/** Bytes after which to ask: as many for everybody, or who takes more at once would get more. */
export const paceBytes = 64 << 10;

export class RateLimit {
  static none(clock: Clock): RateLimit {
    return new RateLimit(clock, () => undefined);
  }

  readonly #clock: Clock;
  /** Bytes a second; undefined: no limit. Looked up anew each time, as the setting may change. */
  readonly #rate: () => number | undefined;
  /** When all that went has had its time. */
  #dueAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, rate: () => number | undefined) {
    this.#clock = clock;
    this.#rate = rate;
  }

  get active(): boolean {
    return this.#rate() !== undefined;
  }

  /** Milliseconds to wait after having moved these. */
  moved(bytes: number): number {
    const rate = this.#rate();
    if (rate === undefined) return 0;
    const now = this.#clock.now();
    this.#dueAt = Math.max(this.#dueAt, now - restMs) + (bytes * 1000) / rate;
    return Math.max(0, this.#dueAt - now);
  }

  /** Waits so long. Gives how long it was. @throws the signal's reason */
  async pace(bytes: number, signal: AbortSignal): Promise<number> {
    const ms = this.moved(bytes);
    if (ms > 0) await sleep(this.#clock, ms, signal);
    return ms;
  }
}

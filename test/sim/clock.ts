/** A clock turned by hand: nothing happens until `advance`, and then in the order of time. */
import type { Clock } from '../../agent/base/clock.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

export class SimClock implements Clock {
  #now = 0;
  #ahead = 1_760_000_000_000;
  #order = 0;
  /** The earliest last. */
  #timers: Timer[] = [];

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now + this.#ahead;
  }

  timer(ms: number, callback: () => void): Disposable {
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: ++this.#order, callback };
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle];
      if (other !== undefined && (other.at > timer.at || (other.at === timer.at && other.order > timer.order))) {
        low = middle + 1;
      } else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return { [Symbol.dispose]: () => (timer.callback = undefined) };
  }

  /** People set their clock, or the computer was suspended: only the wall clock moves. */
  setWall(byMs: number): void {
    this.#ahead += byMs;
  }

  /** Runs what is due within so many milliseconds, and what that sets off. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = next.at;
      this.#runDue();
      await settle();
    }
    this.#now = end;
  }

  /** Advances in steps until it holds. @throws when it does not within so many milliseconds */
  async until(holds: () => boolean, withinMs: number, stepMs = 10): Promise<number> {
    const begin = this.#now;
    await settle();
    while (!holds()) {
      if (this.#now - begin >= withinMs) throw new Error(`Not within ${withinMs} ms: ${holds.toString()}`);
      await this.advance(stepMs);
    }
    return this.#now - begin;
  }

  get pendingTimers(): number {
    return this.#timers.filter(({ callback }) => callback !== undefined).length;
  }

  #next(end: number): Timer | undefined {
    for (let last = this.#timers.at(-1); last !== undefined; last = this.#timers.at(-1)) {
      if (last.callback !== undefined) return last.at <= end ? last : undefined;
      this.#timers.pop();
    }
    return undefined;
  }

  #runDue(): void {
    for (let last = this.#timers.at(-1); last !== undefined && last.at <= this.#now; last = this.#timers.at(-1)) {
      this.#timers.pop();
      last.callback?.();
    }
  }
}

/** Lets promises and what follows them run; `setImmediate` comes after all microtasks. */
export function settle(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Mulberry32: the same seed gives the same course of a test. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

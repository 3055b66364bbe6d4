import type { Clock } from '../../agent/base/clock.ts';
import type { SimClock } from './clock.ts';

/** The clock as one process sees it, which may be stopped (SIGSTOP) and go on: then overdue timers run before anything is read, as in Node. */
export class HostClock implements Clock {
  readonly #clock: SimClock;
  readonly #thawed: () => void;
  #overdue: (() => void)[] = [];
  #frozen = false;
  /** Timers of an earlier process do nothing. */
  #life = 0;

  constructor(clock: SimClock, thawed: () => void) {
    this.#clock = clock;
    this.#thawed = thawed;
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  now(): number {
    return this.#clock.now();
  }

  wall(): number {
    return this.#clock.wall();
  }

  timer(ms: number, callback: () => void): Disposable {
    const life = this.#life;
    let disposed = false;
    const run = (): void => {
      if (disposed || life !== this.#life) return;
      if (this.#frozen) this.#overdue.push(run);
      else callback();
    };
    const timer = this.#clock.timer(ms, run);
    return {
      [Symbol.dispose]: () => {
        disposed = true;
        timer[Symbol.dispose]();
      },
    };
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    const overdue = this.#overdue;
    this.#overdue = [];
    for (const run of overdue) run();
    this.#thawed();
  }

  stop(): void {
    this.#life += 1;
  }

  restart(): void {
    this.#frozen = false;
  }
}

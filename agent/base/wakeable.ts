/** A pause that may end early. Being woken while nobody waits is remembered for the next wait. */
import type { Clock } from './clock.ts';

export class Wakeable {
  readonly #clock: Clock;
  #woken = false;
  #settle: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  wake(): void {
    this.#woken = true;
    this.#settle?.();
  }

  /** True when it was woken, false when the time was over. @throws the signal's reason */
  async wait(ms: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (!this.#woken) await this.#pause(ms, signal);
    signal.throwIfAborted();
    const woken = this.#woken;
    this.#woken = false;
    return woken;
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        timer[Symbol.dispose]();
        signal.removeEventListener('abort', settle);
        this.#settle = undefined;
        resolve();
      };
      const timer = this.#clock.timer(ms, settle);
      signal.addEventListener('abort', settle, { once: true });
      this.#settle = settle;
    });
  }
}

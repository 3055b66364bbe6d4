/** A clock whose timers may be late by a step, so that the processor wakes once for all that are due within it. */
import type { Clock } from './clock.ts';

interface Step {
  readonly callbacks: Set<() => void>;
  readonly timer: Disposable;
}

export function coarseClock(clock: Clock, stepMs: number): Clock {
  const steps = new Map<number, Step>();
  const open = (at: number): Step => {
    const callbacks = new Set<() => void>();
    const timer = clock.timer(at - clock.now(), () => {
      steps.delete(at);
      for (const callback of callbacks) callback();
    });
    const step = { callbacks, timer };
    steps.set(at, step);
    return step;
  };
  return {
    now: () => clock.now(),
    wall: () => clock.wall(),
    timer(ms, callback) {
      const at = Math.ceil((clock.now() + ms) / stepMs) * stepMs;
      const { callbacks, timer } = steps.get(at) ?? open(at);
      // Its own function: the same may be due twice.
      const called = (): void => callback();
      callbacks.add(called);
      return {
        [Symbol.dispose]: () => {
          if (!callbacks.delete(called) || callbacks.size > 0 || steps.get(at)?.callbacks !== callbacks) return;
          timer[Symbol.dispose]();
          steps.delete(at);
        },
      };
    },
  };
}

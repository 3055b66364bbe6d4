/**
 * Notices that the computer slept: a timer that comes far too late, or a wall clock that ran ahead of the monotonic one
 * (Linux stops the latter while suspended). A clock set by hand looks the same and costs one needless ping per session.
 */
import type { Clock } from '../base/clock.ts';

const everyMs = 5_000;
const gapMs = 10_000;

export function watchWaking(clock: Clock, woke: () => void): Disposable {
  let now = clock.now();
  let wall = clock.wall();
  let timer = clock.timer(everyMs, look);
  function look(): void {
    const slept = Math.max(clock.now() - now, clock.wall() - wall) - everyMs;
    now = clock.now();
    wall = clock.wall();
    timer = clock.timer(everyMs, look);
    if (slept > gapMs) woke();
  }
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

import { expect, it } from 'vitest';
import type { Clock } from '../../agent/base/clock.ts';
import { DialSchedule } from '../../agent/peers/dial-schedule.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { deviceIds } from '../sim/agent.ts';

const [small, large] = deviceIds(2) as [DeviceId, DeviceId];

/** As the system's: time goes on between two looks at it, and a timer may call a fraction of a millisecond too early. */
class RealisticClock implements Clock {
  #now = 0;
  #pending: { at: number; callback: () => void } | undefined;
  readonly #early: number;
  readonly #perLook: number;

  constructor(early: number, perLook: number) {
    this.#early = early;
    this.#perLook = perLook;
  }

  now(): number {
    return (this.#now += this.#perLook);
  }

  wall(): number {
    return this.#now;
  }

  timer(ms: number, callback: () => void): Disposable {
    const mine = { at: this.#now + Math.max(1, ms) - this.#early, callback };
    this.#pending = mine;
    return { [Symbol.dispose]: () => this.#pending === mine && (this.#pending = undefined) };
  }

  /** Calls what is pending, one after the other, as long as something is. */
  run(most: number): void {
    for (let calls = 0; calls < most && this.#pending !== undefined; calls++) {
      const { at, callback } = this.#pending;
      this.#pending = undefined;
      this.#now = Math.max(this.#now, at);
      callback();
    }
  }
}

it('dials whoever is due, also where the timer calls early and the moment passes while it is set again', () => {
  for (let early = 0; early < 1; early += 0.05)
    for (const perLook of [0.001, 0.05, 0.1, 0.4]) {
      const clock = new RealisticClock(early, perLook);
      let dials = 0;
      using schedule = new DialSchedule({
        self: large,
        clock,
        random: () => 0,
        transport: { dial: () => Promise.reject(new Error('not reached')) },
        candidates: () => {
          dials++;
          return new Promise(() => {});
        },
        opened: () => {},
        failed: () => {},
      });
      schedule.tell({ type: 'seen', id: small, fresh: true, proved: false, trusted: false });
      clock.run(100);
      expect([early, perLook, dials]).toEqual([early, perLook, 1]);
    }
});

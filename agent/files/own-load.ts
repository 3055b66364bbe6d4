/** What we wait for in a transfer, in percent of the last moments, told to the other side. */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../base/clock.ts';
import type { SideLoad } from './block-frames.ts';

const windowMs = 500;

type Wait = 'disk' | 'wire' | 'setting';

export class OwnLoad {
  readonly #clock: Clock;
  #begun: number;
  #loop = performance.eventLoopUtilization();
  #waited: Record<Wait, number> = { disk: 0, wire: 0, setting: 0 };
  /** What is waited for now, and since when, or since the last look. */
  readonly #waiting = new Map<Wait, number>();
  #last: SideLoad = { disk: 0, wire: 0, processor: 0, setting: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begun = clock.now();
  }

  async waiting<T>(what: Wait, wait: Promise<T>): Promise<T> {
    this.turn(what, true);
    try {
      return await wait;
    } finally {
      this.turn(what, false);
    }
  }

  /** It is waited for from now on, or no longer. */
  turn(what: Wait, waits: boolean): void {
    const since = this.#waiting.get(what);
    if (waits === (since !== undefined)) return;
    const now = this.#clock.now();
    if (since === undefined) this.#waiting.set(what, now);
    else {
      this.#waited[what] += now - since;
      this.#waiting.delete(what);
    }
  }

  /** Whether something is waited for just now. */
  get waits(): boolean {
    return this.#waiting.size > 0;
  }

  get now(): SideLoad {
    const now = this.#clock.now();
    const passed = now - this.#begun;
    if (passed < windowMs) return this.#last;
    for (const [what, since] of this.#waiting) {
      this.#waited[what] += now - since;
      this.#waiting.set(what, now);
    }
    const percent = (ms: number): number => Math.min(100, Math.round((ms * 100) / passed));
    const loop = performance.eventLoopUtilization();
    const { disk, wire, setting } = this.#waited;
    const processor = Math.round(performance.eventLoopUtilization(loop, this.#loop).utilization * 100);
    this.#last = { disk: percent(disk), wire: percent(wire), setting: percent(setting), processor };
    this.#loop = loop;
    this.#begun = now;
    this.#waited = { disk: 0, wire: 0, setting: 0 };
    return this.#last;
  }
}

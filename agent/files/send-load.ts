/** What a sender waits for, in percent of its last moments; told in the heads of blocks. */
import { performance } from 'node:perf_hooks';
import type { Clock } from '../base/clock.ts';
import type { SenderLoad } from './block-frames.ts';

const windowMs = 500;

type Wait = 'disk' | 'wire' | 'setting';

export class SendLoad {
  readonly #clock: Clock;
  #begun: number;
  #loop = performance.eventLoopUtilization();
  #waited: Record<Wait, number> = { disk: 0, wire: 0, setting: 0 };
  #last: SenderLoad = { disk: 0, wire: 0, processor: 0, setting: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begun = clock.now();
  }

  async waiting<T>(what: Wait, wait: Promise<T>): Promise<T> {
    const begun = this.#clock.now();
    const value = await wait;
    this.#waited[what] += this.#clock.now() - begun;
    return value;
  }

  get now(): SenderLoad {
    const now = this.#clock.now();
    const passed = now - this.#begun;
    if (passed < windowMs) return this.#last;
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

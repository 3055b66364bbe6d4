/** What a transfer has done so far. Rates come from the last seconds. */
import { performance } from 'node:perf_hooks';
import type { TransferView } from '../../protocol/control.ts';
import type { Clock } from '../base/clock.ts';
import type { SideLoad } from './block-frames.ts';
import { LimitMeter } from './transfer-limit.ts';

const rateWindowMs = 5_000;
const sampleEveryMs = 250;

export interface Counts {
  files: number;
  filesTotal: number | null;
  bytes: number;
  bytesTotal: number | null;
  resumedFrom: number;
  skipped: number;
}

export class TransferProgress {
  readonly counts: Counts = { files: 0, filesTotal: null, bytes: 0, bytesTotal: null, resumedFrom: 0, skipped: 0 };
  readonly limit: LimitMeter;
  readonly #clock: Clock;
  readonly #changed: () => void;
  /** Bytes that came over the wire. */
  #moved = 0;
  #samples: { at: number; moved: number }[];

  constructor(clock: Clock, direction: TransferView['direction'], changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
    this.#samples = [{ at: clock.now(), moved: 0 }];
    this.limit = new LimitMeter({
      now: () => clock.now(),
      busyMs: () => performance.eventLoopUtilization().active,
      sender: direction === 'put' ? 'us' : 'them',
    });
  }

  get moved(): number {
    return this.#moved;
  }

  /** Bytes per second, whole. */
  get rate(): number {
    const now = this.#clock.now();
    const first = this.#samples.find(({ at }) => now - at <= rateWindowMs);
    if (first === undefined || now - first.at < sampleEveryMs) return 0;
    return Math.round(((this.#moved - first.moved) * 1000) / (now - first.at));
  }

  /** Seconds, whole; null where nobody can say. */
  get secondsLeft(): number | null {
    const { bytes, bytesTotal } = this.counts;
    const { rate } = this;
    return bytesTotal === null || rate === 0 ? null : Math.ceil(Math.max(0, bytesTotal - bytes) / rate);
  }

  add(counts: Partial<Omit<Counts, 'filesTotal' | 'bytesTotal'>>): void {
    for (const [name, count] of Object.entries(counts) as [keyof typeof counts, number][]) this.counts[name] += count;
    this.#changed();
  }

  /** What they say of themselves, who may say it while nothing moves. */
  heard(load: SideLoad): void {
    this.limit.heard(load);
    this.#changed();
  }

  totals(filesTotal: number | null, bytesTotal: number | null): void {
    Object.assign(this.counts, { filesTotal, bytesTotal });
    this.#changed();
  }

  /** Bytes that came over the wire just now; they count in `bytes` too. */
  received(bytes: number): void {
    this.#moved += bytes;
    this.counts.bytes += bytes;
    const now = this.#clock.now();
    if (now - (this.#samples.at(-1)?.at ?? 0) >= sampleEveryMs) {
      this.#samples.push({ at: now, moved: this.#moved });
      while ((this.#samples[0]?.at ?? now) < now - rateWindowMs) this.#samples.shift();
    }
    this.#changed();
  }
}

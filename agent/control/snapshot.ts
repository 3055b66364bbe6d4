/**
 * What every face shows, in sections. A source says which section may have changed; the section is computed when it is
 * next needed, and told only where it differs from what was told last. Many changes at once become one.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Snapshot, SnapshotSection } from '../../protocol/control.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';

export type SnapshotParts = { readonly [S in SnapshotSection]: () => Snapshot[S] };

/** A neighbour that appears is seen at once; counters of transfers, and jobs that come by the hundred, move at most four times a second. */
const gatherMs = 20;
const pacedMs = 250;
const paced: ReadonlySet<SnapshotSection> = new Set(['transfers', 'jobs']);

export class SnapshotStore implements Disposable {
  readonly events = new Emitter<{ changed: [Partial<Snapshot>] }>();
  readonly #parts: SnapshotParts;
  readonly #clock: Clock;
  #told: Snapshot;
  #now: Snapshot;
  /** To be computed again. */
  readonly #stale = new Set<SnapshotSection>();
  /** To be compared with what was told, not before this time (of the clock). */
  readonly #due = new Map<SnapshotSection, number>();
  /** Of paced sections: when they were told last. */
  readonly #toldAt = new Map<SnapshotSection, number>();
  #timer: Disposable | undefined;
  #disposed = false;

  constructor(parts: SnapshotParts, clock: Clock) {
    this.#parts = parts;
    this.#clock = clock;
    this.#now = compute(parts);
    this.#told = this.#now;
  }

  current(): Snapshot {
    this.#refresh(this.#stale);
    return this.#now;
  }

  /** These sections may have changed. */
  touch(...sections: SnapshotSection[]): void {
    const now = this.#clock.now();
    for (const section of sections) {
      this.#stale.add(section);
      if (!this.#due.has(section)) this.#due.set(section, this.#dueTime(section, now));
    }
    this.#arm(now);
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.[Symbol.dispose]();
  }

  #refresh(sections: Iterable<SnapshotSection>): void {
    for (const section of sections)
      if (this.#stale.delete(section)) this.#now = { ...this.#now, [section]: this.#parts[section]() };
  }

  #dueTime(section: SnapshotSection, now: number): number {
    return Math.max(now + gatherMs, (this.#toldAt.get(section) ?? -Infinity) + pacedMs);
  }

  #arm(now: number): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#disposed || this.#due.size === 0) return;
    const wait = Math.max(0, Math.min(...this.#due.values()) - now);
    this.#timer = this.#clock.timer(wait, () => this.#tell());
  }

  #tell(): void {
    const now = this.#clock.now();
    const sections = [...this.#due].filter(([, due]) => due <= now).map(([section]) => section);
    for (const section of sections) this.#due.delete(section);
    this.#refresh(sections);
    const current = this.#now;
    const changed = sections.filter((section) => !isDeepStrictEqual(current[section], this.#told[section]));
    for (const section of changed) if (paced.has(section)) this.#toldAt.set(section, now);
    this.#arm(now);
    if (changed.length === 0) return;
    const change: Partial<Snapshot> = Object.fromEntries(changed.map((section) => [section, current[section]]));
    this.#told = { ...this.#told, ...change };
    this.events.emit('changed', change);
  }
}

function compute(parts: SnapshotParts): Snapshot {
  return {
    device: parts.device(),
    version: parts.version(),
    paused: parts.paused(),
    ports: parts.ports(),
    page: parts.page(),
    shares: parts.shares(),
    printers: parts.printers(),
    neighbours: parts.neighbours(),
    jobs: parts.jobs(),
    transfers: parts.transfers(),
    notices: parts.notices(),
  };
}

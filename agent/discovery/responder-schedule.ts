/**
 * The multicast answers and announcements that wait for their time, and when each record was multicast last: at most
 * once a second (RFC 6762 6), delayed at random where others may answer too, put together into few packets (6.4).
 */
import type { RecordSet, Zone } from './responder-zone.ts';

/** RFC 6762 6: a second between two multicasts of a record, a quarter of it in defence against a probe. */
const everyMs = 1_000;
export const defenceEveryMs = 250;
/** RFC 6762 8.3 */
const announcements = 2;

interface Waiting {
  due: number;
  /** From here on it may travel in a packet that leaves anyway. */
  earliest: number;
  readonly everyMs: number;
  /** Announcements still to come, this one included; 0 for an answer. */
  announcements: number;
}

export interface DueSet {
  readonly set: RecordSet;
  /** Keys of those of its records that may be multicast now. */
  readonly keys: ReadonlySet<string>;
}

export class MulticastSchedule {
  /** By key of the set. */
  readonly #waiting = new Map<string, Waiting>();
  /** By key of the record: when it was multicast last. */
  readonly #last = new Map<string, number>();

  /** An answer that is wanted: between `earliest` and `due`, or when the last multicast is long enough ago. */
  ask(set: RecordSet, when: { due: number; earliest: number }, leastMs = everyMs): void {
    const free = this.#latest(set) + leastMs;
    const due = Math.max(when.due, free);
    const earliest = Math.max(when.earliest, free);
    const waiting = this.#waiting.get(set.key);
    if (waiting === undefined) this.#waiting.set(set.key, { due, earliest, everyMs: leastMs, announcements: 0 });
    else if (due < waiting.due || earliest < waiting.earliest)
      this.#waiting.set(set.key, {
        due: Math.min(due, waiting.due),
        earliest: Math.min(earliest, waiting.earliest),
        everyMs: Math.min(leastMs, waiting.everyMs),
        announcements: waiting.announcements,
      });
  }

  /** Now, and again a second later. What of the set was multicast just now follows then (RFC 6762 10.2 gives it a second). */
  announce(set: RecordSet, now: number): void {
    const free = Math.min(...set.records.map(({ key }) => this.#lastOf(key))) + everyMs;
    const due = Math.max(now, free);
    this.#waiting.set(set.key, { due, earliest: due, everyMs, announcements });
  }

  /** Another has just given the same answer (RFC 6762 7.4); what is announced, we say ourselves. */
  answeredByOther(set: RecordSet): void {
    if (this.#waiting.get(set.key)?.announcements === 0) this.#waiting.delete(set.key);
  }

  isWaiting(set: RecordSet): boolean {
    return this.#waiting.has(set.key);
  }

  cancel(set: RecordSet): void {
    this.#waiting.delete(set.key);
  }

  /** Forgets what the zone no longer has; the last second is kept for the case that it comes back. */
  keep(zone: Zone, now: number): void {
    for (const key of this.#waiting.keys()) if (!zone.sets.has(key)) this.#waiting.delete(key);
    const own = new Set(Array.from(zone.sets.values(), ({ records }) => records.map(({ key }) => key)).flat());
    for (const [key, at] of this.#last) if (!own.has(key) && at <= now - everyMs) this.#last.delete(key);
  }

  clearWaiting(): void {
    this.#waiting.clear();
  }

  /** It was taken back: to say it anew is news. */
  forget(key: string): void {
    this.#last.delete(key);
  }

  nextAt(): number {
    let next = Infinity;
    for (const { due } of this.#waiting.values()) next = Math.min(next, due);
    return next;
  }

  /** Nothing until something is due; then all that may leave with it. They wait on until `sent`. */
  due(zone: Zone, now: number): DueSet[] {
    if (this.nextAt() > now) return [];
    const due: DueSet[] = [];
    for (const [key, waiting] of this.#waiting) {
      const set = zone.sets.get(key);
      if (set === undefined || waiting.earliest > now) continue;
      const free = set.records.filter((record) => this.#lastOf(record.key) + waiting.everyMs <= now);
      if (free.length > 0) due.push({ set, keys: new Set(free.map((record) => record.key)) });
    }
    return due;
  }

  /** Whether all of the set may be multicast beside something else. */
  isFree(set: RecordSet, now: number): boolean {
    return this.#latest(set) + everyMs <= now;
  }

  /** Whether all of the set was multicast since then. */
  isSince(set: RecordSet, since: number): boolean {
    return set.records.every(({ key }) => this.#lastOf(key) >= since);
  }

  /** Records of the set were multicast, as an answer or beside one. */
  sent(set: RecordSet, keys: ReadonlySet<string>, now: number): void {
    for (const key of keys) this.#last.set(key, now);
    const waiting = this.#waiting.get(set.key);
    if (waiting === undefined) return;
    if (waiting.announcements <= 1) this.#waiting.delete(set.key);
    else
      this.#waiting.set(set.key, {
        due: now + everyMs,
        earliest: now + everyMs,
        everyMs,
        announcements: waiting.announcements - 1,
      });
  }

  #latest(set: RecordSet): number {
    return Math.max(...set.records.map(({ key }) => this.#lastOf(key)));
  }

  #lastOf(key: string): number {
    return this.#last.get(key) ?? -Infinity;
  }
}

/** Questions whose known answers are still on the way: the asker set TC (RFC 6762 7.2). Pure and bounded. */
import type { DnsQuestion } from './dns-types.ts';

const leastMs = 400;
const spreadMs = 100;
/** Who goes on and on is answered all the same. */
const longestMs = 3_000;
const mostAskers = 100;
const mostQuestions = 200;

export interface HeldQuery {
  readonly from: string;
  readonly questions: DnsQuestion[];
  /** Keys of records of ours that the asker has. */
  readonly known: Set<string>;
  readonly begun: number;
  due: number;
}

export class HeldQueries {
  readonly #random: () => number;
  readonly #held = new Map<string, HeldQuery>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** False where too many are held. */
  hold(from: string, questions: readonly DnsQuestion[], now: number): boolean {
    let held = this.#held.get(from);
    if (held === undefined) {
      if (this.#held.size >= mostAskers) return false;
      held = { from, questions: [], known: new Set(), begun: now, due: now };
      this.#held.set(from, held);
    }
    held.questions.push(...questions.slice(0, mostQuestions - held.questions.length));
    this.#defer(held, now);
    return true;
  }

  /** The next packet of the same asker; `more` follow. */
  know(from: string, known: Iterable<string>, more: { truncated: boolean; now: number }): void {
    const held = this.#held.get(from);
    if (held === undefined) return;
    for (const key of known) held.known.add(key);
    if (more.truncated) this.#defer(held, more.now);
  }

  take(now: number): HeldQuery[] {
    const due = Array.from(this.#held.values()).filter((held) => held.due <= now);
    for (const { from } of due) this.#held.delete(from);
    return due;
  }

  nextAt(): number {
    let next = Infinity;
    for (const { due } of this.#held.values()) next = Math.min(next, due);
    return next;
  }

  clear(): void {
    this.#held.clear();
  }

  #defer(held: HeldQuery, now: number): void {
    held.due = Math.min(held.begun + longestMs, now + leastMs + spreadMs * this.#random());
  }
}

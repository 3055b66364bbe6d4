/** Answers to single hosts: to questions that ask for it (QU, RFC 6762 5.4), and how many of them there may be. */
import type { RecordSet } from './responder-zone.ts';

/** In one second. Forged senders must not make us a hose pointed at somebody; honest ones are fewer. */
const mostPerHost = 20;
const mostInAll = 200;

class UnicastBudget {
  #begin = -Infinity;
  #all = 0;
  readonly #hosts = new Map<string, number>();

  /** Whether one more packet to this address is in order; true counts it. */
  take(address: string, now: number): boolean {
    if (now - this.#begin >= 1_000) {
      this.#begin = now;
      this.#all = 0;
      this.#hosts.clear();
    }
    const used = this.#hosts.get(address) ?? 0;
    if (used >= mostPerHost || this.#all >= mostInAll) return false;
    this.#all++;
    this.#hosts.set(address, used + 1);
    return true;
  }
}

interface Waiting {
  readonly address: string;
  readonly port: number;
  due: number;
  /** Keys of sets. */
  readonly sets: Set<string>;
}

export class UnicastAnswers {
  readonly #budget = new UnicastBudget();
  readonly #waiting = new Map<string, Waiting>();

  /** False where too many wait or were sent: it must be multicast. */
  ask(to: { address: string; port: number }, set: RecordSet, when: { due: number; now: number }): boolean {
    const key = `${to.port} ${to.address}`;
    let waiting = this.#waiting.get(key);
    if (waiting === undefined) {
      if (!this.#budget.take(to.address, when.now)) return false;
      waiting = { ...to, due: when.due, sets: new Set() };
      this.#waiting.set(key, waiting);
    }
    waiting.due = Math.min(waiting.due, when.due);
    waiting.sets.add(set.key);
    return true;
  }

  /** Whether somebody else waits for it. */
  isAwaited({ key }: RecordSet, from: string): boolean {
    return Array.from(this.#waiting.values()).some(({ address, sets }) => address !== from && sets.has(key));
  }

  /** It was said to all. */
  answered({ key }: RecordSet): void {
    for (const [host, { sets }] of this.#waiting) if (sets.delete(key) && sets.size === 0) this.#waiting.delete(host);
  }

  /** Whether a legacy answer, which leaves at once, is in order. */
  mayAnswer(address: string, now: number): boolean {
    return this.#budget.take(address, now);
  }

  take(now: number): readonly Readonly<Waiting>[] {
    const due = Array.from(this.#waiting).filter(([, waiting]) => waiting.due <= now);
    for (const [key] of due) this.#waiting.delete(key);
    return due.map(([, waiting]) => waiting);
  }

  nextAt(): number {
    let next = Infinity;
    for (const { due } of this.#waiting.values()) next = Math.min(next, due);
    return next;
  }

  clear(): void {
    this.#waiting.clear();
  }
}

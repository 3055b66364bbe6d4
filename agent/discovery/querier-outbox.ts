/** The questions of one moment, as one message with all known answers (RFC 6762 5.3, 7.1). The shell splits it (7.2). */
import { type RecordCache, setKey } from './cache.ts';
import type { DnsName, DnsQuestion, SendEffect } from './dns-types.ts';

/** 5.2: the same question at most once a second. */
const againMs = 1_000;
/** A flood of names that nobody answers for must not become a flood of questions. */
const most = { questions: 100, inMs: 250 } as const;

export class Outbox {
  readonly #cache: RecordCache;
  readonly #questions = new Map<string, DnsQuestion>();
  /** By question, oldest first. */
  readonly #sent = new Map<string, number>();
  /** When the present count of questions began. */
  #period = -Infinity;
  #inPeriod = 0;

  constructor(cache: RecordCache) {
    this.#cache = cache;
  }

  get isEmpty(): boolean {
    return this.#questions.size === 0;
  }

  /** No more questions for a while, but those for the browsed types. */
  isFull(now: number): boolean {
    const recent = now - this.#period < most.inMs ? this.#inPeriod : 0;
    return recent + this.#questions.size >= most.questions;
  }

  add(name: DnsName, type: number, options: { readonly now: number; readonly unicast?: boolean }): void {
    const key = setKey(name, type);
    const last = this.#sent.get(key) ?? -Infinity;
    if (options.now - last < againMs || this.#questions.has(key)) return;
    this.#questions.set(key, { name, type, unicast: options.unicast ?? false });
  }

  /** Whatever was asked, it may be asked again. */
  clear(): void {
    this.#sent.clear();
  }

  take(now: number): SendEffect[] {
    for (const [key, at] of this.#sent) {
      if (now - at < againMs) break;
      this.#sent.delete(key);
    }
    if (this.isEmpty) return [];
    const keys = Array.from(this.#questions.keys());
    const questions = Array.from(this.#questions.values());
    const answers = keys.flatMap((key) => this.#cache.knownAnswers(key, now));
    for (const key of keys) {
      this.#sent.delete(key);
      this.#sent.set(key, now);
    }
    this.#questions.clear();
    if (now - this.#period >= most.inMs) [this.#period, this.#inPeriod] = [now, 0];
    this.#inPeriod += questions.length;
    const message = { id: 0, response: false, truncated: false, questions, answers, authorities: [], additionals: [] };
    return [{ type: 'send', message }];
  }
}

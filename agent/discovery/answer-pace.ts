/**
 * When to answer questions for shared records: 20 to 120 ms later, several askers at once (RFC 6762 6), each record at
 * most once a second (6.2), and not where the asker knows the answer (7.1). bonjour-service answers each at once.
 */
import type { Clock } from '../base/clock.ts';

const leastMs = 20;
const spreadMs = 100;
const everyMs = 1_000;

interface PaceDeps {
  readonly clock: Clock;
  readonly random: () => number;
}

export class AnswerPace implements Disposable {
  readonly #deps: PaceDeps;
  readonly #due = new Map<string, Disposable>();
  readonly #answered = new Map<string, number>();

  constructor(deps: PaceDeps) {
    this.#deps = deps;
  }

  /** Calls `answer` when its time has come; asked again before that, once. */
  ask(name: string, answer: () => void): void {
    if (this.#due.has(name)) return;
    const { clock, random } = this.#deps;
    const last = this.#answered.get(name) ?? -Infinity;
    const wait = Math.max(leastMs + spreadMs * random(), last + everyMs - clock.now());
    const timer = clock.timer(wait, () => {
      this.#due.delete(name);
      this.#answered.set(name, clock.now());
      answer();
    });
    this.#due.set(name, timer);
  }

  [Symbol.dispose](): void {
    for (const timer of this.#due.values()) timer[Symbol.dispose]();
    this.#due.clear();
  }
}

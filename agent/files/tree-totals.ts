/** What a stream of a folder will bring in all: counted when it takes longer, so that a short one costs nothing more. */
import type { Clock } from '../base/clock.ts';
import { FileThread } from './file-thread.ts';
import type { TreeStart, TreeTotals } from './read-tree.ts';

const countAfterMs = 1_000;

export class TotalsCount implements AsyncDisposable {
  readonly #timer: Disposable;
  #counting: FileThread<undefined, TreeTotals | undefined> | undefined;
  #totals: TreeTotals | undefined;

  constructor(start: TreeStart, clock: Clock) {
    this.#timer = clock.timer(countAfterMs, () => void this.#count(start));
  }

  /** Once, when they are known. */
  take(): TreeTotals | undefined {
    const totals = this.#totals;
    this.#totals = undefined;
    return totals;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.#counting?.[Symbol.asyncDispose]();
  }

  async #count(start: TreeStart): Promise<void> {
    this.#counting = new FileThread('count-thread', start);
    // Without totals less is shown, and nothing else.
    this.#totals = await this.#counting.ask(undefined, []).catch(() => undefined);
  }
}

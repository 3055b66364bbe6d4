/** Work handed from one maker to several takers; the maker waits while too much lies there. */
export class WorkQueue<T> {
  readonly #most: number;
  readonly #weigh: (item: T) => number;
  readonly #items: T[] = [];
  #weight = 0;
  #ended = false;
  /** Those who wait for a change: takers for an item, the maker for room. */
  #waiting: (() => void)[] = [];

  constructor(most: number, weigh: (item: T) => number) {
    this.#most = most;
    this.#weigh = weigh;
  }

  get empty(): boolean {
    return this.#items.length === 0;
  }

  async put(item: T, signal: AbortSignal): Promise<void> {
    while (this.#weight >= this.#most) await this.#change(signal);
    this.#items.push(item);
    this.#weight += this.#weigh(item);
    this.#tell();
  }

  /** No more will be put. */
  end(): void {
    this.#ended = true;
    this.#tell();
  }

  /** Undefined when the queue has ended. */
  async take(signal: AbortSignal): Promise<T | undefined> {
    while (this.#items.length === 0) {
      if (this.#ended) return undefined;
      await this.#change(signal);
    }
    const item = this.#items.shift();
    if (item !== undefined) this.#weight -= this.#weigh(item);
    this.#tell();
    return item;
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  #change(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.push(() => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
    });
  }
}

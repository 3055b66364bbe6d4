/** What is due next, among many things that change their minds often: a binary heap that knows where each item is. */

export interface Due {
  /** Clock milliseconds; set by the queue alone. */
  due: number;
  /** Place in the queue, -1 outside. */
  slot: number;
}

export class DueQueue<T extends Due> {
  readonly #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** Infinity when nothing is. */
  get nextAt(): number {
    return this.#heap[0]?.due ?? Infinity;
  }

  /** Puts it in, or moves it; Infinity takes it out. */
  set(item: T, due: number): void {
    if (due === Infinity) {
      this.remove(item);
      return;
    }
    item.due = due;
    if (item.slot < 0) item.slot = this.#heap.push(item) - 1;
    this.#up(item);
    this.#down(item);
  }

  remove(item: T): void {
    const slot = item.slot;
    const last = this.#heap.at(-1);
    item.due = Infinity;
    if (slot < 0 || last === undefined) return;
    this.#heap.pop();
    item.slot = -1;
    if (last === item) return;
    this.#place(last, slot);
    this.#up(last);
    this.#down(last);
  }

  /** The next one that is due at `now`, taken out. */
  take(now: number): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.due > now) return undefined;
    this.remove(first);
    return first;
  }

  #up(item: T): void {
    for (let slot = item.slot; slot > 0; slot = item.slot) {
      const parent = this.#heap[(slot - 1) >> 1];
      if (parent === undefined || parent.due <= item.due) return;
      this.#swap(item, parent);
    }
  }

  #down(item: T): void {
    for (;;) {
      const left = this.#heap[2 * item.slot + 1];
      const right = this.#heap[2 * item.slot + 2];
      const least = right !== undefined && left !== undefined && right.due < left.due ? right : left;
      if (least === undefined || least.due >= item.due) return;
      this.#swap(item, least);
    }
  }

  #swap(a: T, b: T): void {
    const slot = a.slot;
    this.#place(a, b.slot);
    this.#place(b, slot);
  }

  #place(item: T, slot: number): void {
    this.#heap[slot] = item;
    item.slot = slot;
  }
}

/**
 * Taking jobs goes before handing them on: while they come one right after the other, a lane rests a little before each
 * turn, so that those who still wait for "accepted" get the processor and the disk. A single job goes on at once, and
 * in a rush without end each printer still gets its jobs.
 */

/** So many jobs within so many milliseconds are a rush. */
const many = 4;
const rushMs = 250;
const restMs = 250;

export class SpoolRush {
  /** When the last jobs came, the oldest first. */
  readonly #came: number[] = [];

  /** @param now of the monotonic clock */
  note(now: number): void {
    this.#came.push(now);
    if (this.#came.length > many) this.#came.shift();
  }

  /** Milliseconds that a turn of a lane is put off. */
  restMs(now: number): number {
    const [first = -Infinity] = this.#came.length < many ? [] : this.#came;
    return now - first < rushMs ? restMs : 0;
  }
}

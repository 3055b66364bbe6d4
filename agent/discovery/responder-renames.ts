/** How often names of ours may change: someone who claims each of them must not make us flicker for ever. Pure. */

const most = 10;
const withinMs = 3_600_000;

export class RenameLimit {
  #renames: number[] = [];

  /** Whether one more rename is due now; true counts as done. */
  take(now: number): boolean {
    this.#renames = this.#renames.filter((at) => at > now - withinMs);
    if (this.#renames.length >= most) return false;
    this.#renames.push(now);
    return true;
  }
}

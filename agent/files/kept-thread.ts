/**
 * A thread that is there while somebody needs it, and a while longer, as to start another takes as long as to write some
 * hundred small files. When nobody does, it keeps no process alive.
 */
import type { Clock } from '../base/clock.ts';
import { FileThread } from './file-thread.ts';

const keptMs = 60_000;
export const bufferBytes = 1 << 20;
const mostSpare = 3;

export class KeptThread<Ask, Answer> implements AsyncDisposable {
  readonly #name: string;
  readonly #clock: Clock;
  #thread: FileThread<Ask, Answer> | undefined;
  readonly #spare: ArrayBuffer[] = [];
  #users = 0;
  #timer: Disposable | undefined;

  /** @param name of the file that the thread runs, without its ending */
  constructor(name: string, clock: Clock) {
    this.#name = name;
    this.#clock = clock;
  }

  get users(): number {
    return this.#users;
  }

  /** Each user says when it no longer needs it. */
  use(): FileThread<Ask, Answer> {
    this.#timer?.[Symbol.dispose]();
    if (this.#thread?.failed !== false) this.#thread = new FileThread(this.#name);
    if (this.#users++ === 0) this.#thread.hold();
    return this.#thread;
  }

  leave(): void {
    if (--this.#users > 0) return;
    this.#thread?.release();
    this.#timer = this.#clock.timer(keptMs, () => void this.end());
  }

  /** For what goes over to the thread, of `bufferBytes`. Whoever gets it back from there gives it back here. */
  buffer(): ArrayBuffer {
    return this.#spare.pop() ?? new ArrayBuffer(bufferBytes);
  }

  giveBack(buffer: ArrayBuffer): void {
    if (buffer.byteLength === bufferBytes && this.#spare.length < mostSpare) this.#spare.push(buffer);
  }

  /** Also in the middle of what was asked; whoever comes next has another one. */
  async end(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    const thread = this.#thread;
    this.#thread = undefined;
    this.#spare.length = 0;
    await thread?.[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

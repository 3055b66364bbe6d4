/**
 * Folders of so many names that going through one takes a while: those who list the same one at the same time share
 * what was found, and no more than two are gone through at once.
 */
import { stat } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import type { Clock } from '../base/clock.ts';
import { randomId } from '../base/random-id.ts';
import type { NameWindow, WindowPicker } from './name-window.ts';
import { closeDir, type OpenDir, readInto } from './open-dir.ts';
import { Slots } from './slots.ts';

const atOnce = 2;
/** Windows kept for those who come next, and for how long. */
const mostKept = 3;
const keptMs = 5_000;
/** A search that nobody waits for goes on for so long: on a slow disk it is asked for again, and would begin again. */
const unwantedMs = 20_000;
/** A folder that changed so lately can change again without its change time telling. */
const unsettledMs = 1_000;

export interface LargeFolder {
  /** While `dir` is open it names the same folder. */
  readonly path: Buffer;
  readonly after: string | undefined;
  /** Becomes ours: it is closed here. */
  readonly dir: OpenDir;
  /** Has what was read so far. */
  readonly picker: WindowPicker;
}

interface Shared {
  readonly window: Promise<NameWindow>;
  readonly stop: AbortController;
  waiting: number;
  done: boolean;
}

export class LargeFolders implements Disposable {
  readonly #clock: Clock;
  readonly #slots = new Slots(atOnce);
  /** By the folder's version and the place in it; in order of their beginning. */
  readonly #shared = new Map<string, Shared>();
  readonly #expiries = new Set<Disposable>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async window(folder: LargeFolder, signal: AbortSignal): Promise<NameWindow> {
    let shared: Shared;
    try {
      shared = this.#join(await this.#keyOf(folder), folder);
    } catch (error) {
      await closeDir(folder.dir);
      throw error;
    }
    shared.waiting++;
    try {
      return await unlessAborted(shared.window, signal);
    } finally {
      if (--shared.waiting === 0 && !shared.done) this.#endLater(shared);
    }
  }

  #endLater(shared: Shared): void {
    this.#later(unwantedMs, () => {
      if (shared.waiting === 0 && !shared.done)
        shared.stop.abort(new NethoodError('cancelled', 'Nobody waits for it.'));
    });
  }

  #later(ms: number, act: () => void): void {
    const expiry = this.#clock.timer(ms, () => {
      this.#expiries.delete(expiry);
      act();
    });
    this.#expiries.add(expiry);
  }

  [Symbol.dispose](): void {
    for (const expiry of this.#expiries) expiry[Symbol.dispose]();
    for (const { stop } of this.#shared.values()) stop.abort();
    this.#shared.clear();
  }

  #join(key: string, folder: LargeFolder): Shared {
    const known = this.#shared.get(key);
    if (known !== undefined && !known.stop.signal.aborted) {
      void closeDir(folder.dir);
      return known;
    }
    const stop = new AbortController();
    const shared: Shared = { window: this.#read(folder, stop.signal), stop, waiting: 0, done: false };
    this.#shared.set(key, shared);
    shared.window.then(
      () => this.#keep(key, shared),
      () => this.#drop(key, shared),
    );
    return shared;
  }

  async #read({ dir, picker }: LargeFolder, signal: AbortSignal): Promise<NameWindow> {
    try {
      await this.#slots.run(signal, () => readInto(picker, dir, { most: Number.POSITIVE_INFINITY, signal }));
      return picker.window();
    } finally {
      await closeDir(dir);
    }
  }

  /** The change time tells of each name that came or went. */
  async #keyOf({ path, after }: LargeFolder): Promise<string> {
    const { dev, ino, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    if (this.#clock.wall() - Number(ctimeNs / 1_000_000n) < unsettledMs) return randomId();
    return [dev, ino, mtimeNs, ctimeNs, after === undefined ? '' : `/${after}`].join(':');
  }

  #keep(key: string, shared: Shared): void {
    shared.done = true;
    this.#later(keptMs, () => this.#drop(key, shared));
    for (const [oldest, other] of this.#shared) {
      if (this.#shared.size <= mostKept) return;
      if (other.done && other !== shared) this.#shared.delete(oldest);
    }
  }

  #drop(key: string, shared: Shared): void {
    if (this.#shared.get(key) === shared) this.#shared.delete(key);
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/**
 * Tells when a neighbour's folder may have changed, as long as somebody listens. Where the neighbour cannot watch it,
 * that is every few seconds.
 */
import type { DeviceId, ShareId } from '../../protocol/ids.ts';
import { hasCode } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import { patiently } from './patience.ts';

const lookEveryMs = 10_000;

interface ChangeDeps {
  readonly neighbours: Pick<Neighbours, 'events' | 'request' | 'get' | 'find'>;
  readonly clock: Clock;
}

export interface WatchedFolder {
  readonly neighbour: DeviceId;
  readonly share: ShareId;
  readonly path: WirePath;
}

/** At first, when whoever looks now misses nothing that comes; then each time. @throws what a listing would */
export async function* folderChanges(
  deps: ChangeDeps,
  folder: WatchedFolder,
  signal: AbortSignal,
): AsyncGenerator<void, void> {
  using bell = new Bell(deps, folder);
  for (let first = true; ; first = false) {
    const renewMs = await lease(deps, folder, signal);
    // Without a watch anything may have happened meanwhile.
    if (bell.taken() || first || renewMs === undefined) yield;
    await bell.rung(renewMs ?? lookEveryMs, signal);
  }
}

/** Milliseconds until it should be asked for again; undefined where there is none. */
async function lease({ neighbours, clock }: ChangeDeps, folder: WatchedFolder, signal: AbortSignal) {
  const { neighbour: id, share, path } = folder;
  return patiently({ neighbours, clock }, id, signal, async () => {
    const known = neighbours.get(id);
    if (known?.state === 'ready' && !known.features.has('watch')) return undefined;
    try {
      const { leaseMs } = await neighbours.request(id, 'watch', { share, path }, signal);
      return leaseMs / 2;
    } catch (error) {
      if (hasCode(error, 'busy', 'unsupported')) return undefined;
      throw error;
    }
  });
}

/** Rings when the neighbour says that the folder changed, and when it came back: it may have changed unheard. */
class Bell implements Disposable {
  readonly #clock: Clock;
  readonly #listeners: readonly Disposable[];
  #rang = false;
  #wake = new AbortController();

  constructor({ neighbours, clock }: ChangeDeps, folder: WatchedFolder) {
    this.#clock = clock;
    let ready = neighbours.get(folder.neighbour)?.state === 'ready';
    this.#listeners = [
      neighbours.events.on('folder', (id, { share, path }) => {
        if (id === folder.neighbour && share === folder.share && path === folder.path) this.#ring();
      }),
      neighbours.events.on('changed', ({ id, state }) => {
        if (id !== folder.neighbour) return;
        if (state === 'ready' && !ready) this.#ring();
        ready = state === 'ready';
      }),
    ];
  }

  /** Whether it rang since this was asked last. */
  taken(): boolean {
    const rang = this.#rang;
    this.#rang = false;
    this.#wake = new AbortController();
    return rang;
  }

  /** Kept when it rang, or after this time. @throws the signal's reason */
  async rung(ms: number, signal: AbortSignal): Promise<void> {
    const wake = this.#wake.signal;
    await sleep(this.#clock, ms, AbortSignal.any([signal, wake])).catch((error: unknown) => {
      if (!wake.aborted) throw error;
    });
  }

  [Symbol.dispose](): void {
    for (const listener of this.#listeners) listener[Symbol.dispose]();
  }

  #ring(): void {
    this.#rang = true;
    this.#wake.abort();
  }
}

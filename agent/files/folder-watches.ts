/**
 * Tells neighbours when a folder that they look at changes: not what, so that nothing is said that they could not list.
 * A watch is a lease of a minute that its asker renews; nobody has to end one. Bounded for each asker and in all.
 */
import { stat } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import type { DeviceId, ShareId } from '../../protocol/ids.ts';
import type { FolderEvent } from '../../protocol/peer.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type { PeerHandlers } from '../peers/neighbours.ts';
import type { Asker } from '../trust/access.ts';
import { FolderEye } from './folder-eye.ts';
import type { LocalShares } from './shares.ts';

export const watchLimits = { leaseMs: 60_000, perAsker: 16, inAll: 256, pauseMs: 500 } as const;

export interface FolderWatchesDeps {
  readonly shares: Pick<LocalShares, 'tree'>;
  readonly clock: Clock;
  readonly tell: (id: DeviceId, event: FolderEvent) => void;
}

interface Place {
  readonly asker: Asker & { kind: 'device' };
  readonly share: ShareId;
  readonly path: WirePath;
}

interface Watch extends Place {
  readonly eye: FolderEye;
  /** Device and inode: another folder under the same name is watched anew. */
  readonly identity: string;
  lease: Disposable;
  pause: Disposable | undefined;
  toldAt: number;
}

export class FolderWatches implements Disposable {
  readonly #deps: FolderWatchesDeps;
  /** By asker and folder; in the order of their last renewal. */
  readonly #watches = new Map<string, Watch>();

  constructor(deps: FolderWatchesDeps) {
    this.#deps = deps;
  }

  get handlers(): Pick<PeerHandlers, 'watch'> {
    return { watch: (asker, { share, path }, signal) => this.watch(asker, share, path, signal) };
  }

  get size(): number {
    return this.#watches.size;
  }

  /** Begins it or renews it. @throws as a listing of the folder does; `busy` where the system can watch no more */
  async watch(asker: Asker, share: ShareId, path: WirePath, signal: AbortSignal): Promise<{ leaseMs: number }> {
    if (asker.kind !== 'device') throw new NethoodError('not-found', 'There is no such share.');
    const tree = this.#deps.shares.tree(asker, share, 'read');
    const { kind } = await tree.stat(path, signal);
    if (kind !== 'folder') throw new NethoodError('not-a-folder', 'Only a folder can be watched.');
    const folder = await tree.folder(path);
    try {
      const { dev, ino } = await stat(folder.path, { bigint: true });
      await folder.check();
      this.#keep({ asker, share, path }, `${dev}:${ino}`, folder.path);
    } finally {
      folder.close();
    }
    return { leaseMs: watchLimits.leaseMs };
  }

  [Symbol.dispose](): void {
    for (const key of Array.from(this.#watches.keys())) this.#end(key);
  }

  #keep(place: Place, identity: string, path: Buffer): void {
    const key = [place.asker.id, place.share, place.path].join('/');
    const known = this.#watches.get(key);
    if (known?.identity === identity) {
      this.#renew(key, known);
      return;
    }
    this.#end(key);
    const eye = new FolderEye(path, {
      changed: () => this.#changed(key, watch),
      failed: () => this.#failed(key, watch),
    });
    const lease = this.#lease(key);
    const watch: Watch = { ...place, identity, eye, lease, pause: undefined, toldAt: Number.NEGATIVE_INFINITY };
    this.#watches.set(key, watch);
    this.#makeRoom(place.asker.id);
  }

  #renew(key: string, watch: Watch): void {
    watch.lease[Symbol.dispose]();
    watch.lease = this.#lease(key);
    this.#watches.delete(key);
    this.#watches.set(key, watch);
  }

  #lease(key: string): Disposable {
    return this.#deps.clock.timer(watchLimits.leaseMs, () => this.#end(key));
  }

  /** The one renewed longest ago goes first. */
  #makeRoom(asker: DeviceId): void {
    const own = [...this.#watches].filter(([, watch]) => watch.asker.id === asker);
    for (const [key] of own.slice(0, -watchLimits.perAsker)) this.#end(key);
    const [oldest] = this.#watches.keys();
    if (this.#watches.size > watchLimits.inAll && oldest !== undefined) this.#end(oldest);
  }

  /** A file that is being written changes a thousand times a second. */
  #changed(key: string, watch: Watch): void {
    if (this.#watches.get(key) !== watch || watch.pause !== undefined) return;
    const { clock } = this.#deps;
    const waitMs = Math.max(watchLimits.pauseMs / 5, watch.toldAt + watchLimits.pauseMs - clock.now());
    watch.pause = clock.timer(waitMs, () => {
      watch.pause = undefined;
      watch.toldAt = clock.now();
      this.#tell(key, watch);
    });
  }

  #tell(key: string, { asker, share, path }: Watch): void {
    try {
      this.#deps.shares.tree(asker, share, 'read');
    } catch {
      // No longer shared with this asker, who was told so by the list of shares.
      return this.#end(key);
    }
    this.#deps.tell(asker.id, { type: 'folder', share, path });
  }

  /** Its asker looks again and finds out why; a renewal begins a new one. */
  #failed(key: string, watch: Watch): void {
    if (this.#watches.get(key) !== watch) return;
    this.#tell(key, watch);
    this.#end(key);
  }

  #end(key: string): void {
    const watch = this.#watches.get(key);
    if (watch === undefined) return;
    this.#watches.delete(key);
    watch.lease[Symbol.dispose]();
    watch.pause?.[Symbol.dispose]();
    watch.eye[Symbol.dispose]();
  }
}

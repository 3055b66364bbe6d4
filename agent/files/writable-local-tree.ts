import type { PeerEntry } from '../../protocol/peer.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type {
  OpenedFile,
  Page,
  ReadOptions,
  RelocateOptions,
  WritableTree,
  WriteOptions,
  WrittenFile,
} from './file-tree.ts';
import { LocalMover } from './local-mover.ts';
import { Spots, type SpotsDeps } from './local-spot.ts';
import type { LocalTree } from './local-tree.ts';
import { LocalWriter } from './local-writer.ts';
import type { NameTwins } from './name-twins.ts';
import type { ShareChanges } from './share-changes.ts';
import type { ShareRoom } from './share-room.ts';

export interface WritableLocalTreeDeps extends SpotsDeps {
  /** Of the same share. */
  readonly tree: LocalTree;
  readonly clock: Clock;
  readonly changes: ShareChanges;
}

/** A share on this disk for those who may change it. Whoever only has a `LocalTree` cannot. */
export class WritableLocalTree implements WritableTree {
  /** For those who receive files by other ways than `write`. */
  readonly spots: Spots;
  readonly writer: LocalWriter;
  readonly room: ShareRoom;
  readonly twins: NameTwins;
  readonly #tree: LocalTree;
  readonly #mover: LocalMover;

  constructor(deps: WritableLocalTreeDeps) {
    const { tree, clock, changes } = deps;
    this.#tree = tree;
    this.room = changes.room;
    this.twins = changes.twins;
    this.spots = new Spots(deps);
    this.writer = new LocalWriter({ spots: this.spots, clock, changes });
    this.#mover = new LocalMover({ spots: this.spots, clock, changes, tree, writer: this.writer });
  }

  stat(path: WirePath, signal: AbortSignal): Promise<PeerEntry> {
    return this.#tree.stat(path, signal);
  }

  list(path: WirePath, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    return this.#tree.list(path, cursor, signal);
  }

  walk(path: WirePath, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    return this.#tree.walk(path, cursor, signal);
  }

  read(path: WirePath, options: ReadOptions): Promise<OpenedFile> {
    return this.#tree.read(path, options);
  }

  write(path: WirePath, options: WriteOptions): Promise<WrittenFile> {
    return this.writer.write(path, options);
  }

  mkdir(path: WirePath, signal: AbortSignal): Promise<void> {
    return this.writer.mkdir(path, signal);
  }

  setModified(path: WirePath, modified: number, signal: AbortSignal): Promise<void> {
    return this.writer.setModified(path, modified, signal);
  }

  move(from: WirePath, to: WirePath, options: RelocateOptions): Promise<boolean> {
    return this.#mover.move(from, to, options);
  }

  copy(from: WirePath, to: WirePath, options: RelocateOptions & { readonly flat?: boolean }): Promise<boolean> {
    return this.#mover.copy(from, to, options);
  }

  remove(path: WirePath, signal: AbortSignal): Promise<void> {
    return this.#mover.remove(path, signal);
  }
}

/** What the control API asks of files: our shares, and the transfers we run. */
import type { ShareView, TransferView } from '../../protocol/control.ts';
import type { DeviceId, ShareId, TransferId } from '../../protocol/ids.ts';
import type { Audience, RemoteShare, Rights } from '../../protocol/resources.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { Emitter } from '../base/emitter.ts';
import type { Asker, Verb } from '../trust/access.ts';
import type { FileTree, WritableTree } from './file-tree.ts';

export interface NewShare {
  /** Absolute; must be a readable folder. */
  readonly folder: string;
  /** Default: the folder's own name, numbered where that is taken. */
  readonly name: string | undefined;
  readonly audience: Audience;
  readonly rights: Rights;
}

export interface Shares {
  readonly events: Emitter<{ changed: [] }>;
  list(): readonly ShareView[];
  /** @throws `not-found` (no such folder), `not-a-folder`, `exists` (the name), `not-permitted` (unreadable, or holds our own state) */
  add(share: NewShare): Promise<ShareView>;
  /** @throws `not-found` */
  remove(name: string): Promise<ShareView>;
  visibleTo(asker: Asker): readonly RemoteShare[];
  /** @throws `not-found`, for unknown and forbidden alike */
  tree(asker: Asker, share: ShareId, verb: Verb): FileTree;
  /** @throws `not-found` as `tree`; `not-permitted` where the asker may read it, and no more */
  writable(asker: Asker, share: ShareId): WritableTree;
}

export interface GetOrder {
  readonly neighbour: DeviceId;
  readonly share: ShareId;
  readonly path: WirePath;
  /** Of the folder `path` only what fits this pattern (`name-pattern.ts`), into the destination, which must be a folder. */
  readonly matching?: string | undefined;
  /** For people: `<neighbour>/<share>/<path>`. */
  readonly source: string;
  /** Absolute: an existing folder to put it in, or the final name. */
  readonly destination: string;
}

export interface PutOrder {
  readonly neighbour: DeviceId;
  readonly share: ShareId;
  /** What the path that was typed can mean, in the order to try. */
  readonly readings: readonly WirePath[];
  /** Absolute: a file or folder of this PC. */
  readonly source: string;
  /** For people: `<neighbour>/<share>`. */
  readonly place: string;
  /** The path must be a folder that is there. */
  readonly into: boolean;
  /** What is there stays, and this comes beside it. */
  readonly keep: boolean;
}

export interface Transfers {
  readonly events: Emitter<{ changed: [TransferView] }>;
  list(): readonly TransferView[];
  /** Begins it, or joins the one that runs for the same source and destination, or resumes what an earlier one left. */
  get(order: GetOrder): Promise<TransferView>;
  /** As `get`, the other way. @throws `not-found`, `not-permitted`, `unsupported` */
  put(order: PutOrder): Promise<TransferView>;
  /** @throws `not-found` */
  cancel(id: TransferId): Promise<TransferView>;
  /** The present state, then each change (at most 4 a second) until a final one. @throws `not-found` */
  watch(id: TransferId, signal: AbortSignal): AsyncIterable<TransferView>;
}

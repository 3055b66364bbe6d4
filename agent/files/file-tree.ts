/** A tree of files, wherever it is: a share on this disk (`local-tree`) or a neighbour's (`remote-tree`). */
import type { Readable } from 'node:stream';
import type { PeerEntry } from '../../protocol/peer.ts';
import type { WirePath } from '../../protocol/wire-path.ts';

export interface Page {
  /** Paths relative to the folder asked for. */
  readonly entries: readonly PeerEntry[];
  readonly cursor?: string | undefined;
  /** Links, special files and names that cannot be sent. */
  readonly skipped: number;
}

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface OpenedFile {
  readonly size: number;
  readonly modified: number;
  /** Strong (RFC 9110 8.8.3), quoted: the same text means the same bytes. */
  readonly etag: string;
  readonly stream: Readable;
}

export interface ReadOptions {
  readonly range?: ByteRange | undefined;
  /** Only if the file still has this ETag. @throws `changed` */
  readonly ifMatch?: string | undefined;
  readonly signal: AbortSignal;
}

/** All throw NethoodError: `not-found`, `not-a-file`, `not-a-folder`, `not-permitted`, `unavailable`, `changed`, `range`, `read-failed`, `busy`. */
export interface FileTree {
  stat(path: WirePath, signal: AbortSignal): Promise<PeerEntry>;
  list(path: WirePath, cursor: string | undefined, signal: AbortSignal): Promise<Page>;
  /** Everything below, each folder before what it holds. */
  walk(path: WirePath, cursor: string | undefined, signal: AbortSignal): Promise<Page>;
  read(path: WirePath, options: ReadOptions): Promise<OpenedFile>;
}

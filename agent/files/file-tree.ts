/** A tree of files, wherever it is: a share on this disk (`local-tree`) or a neighbour's (`remote-tree`). */
import type { ServerResponse } from 'node:http';
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
  /** Exclusive; may lie beyond the end of the file. */
  readonly end: number;
}

export interface OpenedFile {
  readonly size: number;
  readonly modified: number;
  /** Strong (RFC 9110 8.8.3), quoted: the same text means the same bytes. */
  readonly etag: string;
  readonly stream: Readable;
  /** Where that costs less than reading `stream`: the body of an answer whose head is written. Ends both. */
  readonly sendTo?: (response: ServerResponse) => Promise<void>;
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

export interface WriteOptions {
  /** Read to its end, or left where it fails; the caller owns what lies behind it. */
  readonly body: Readable;
  /** Bytes that will come, where that is known: a body of another length is refused, and room is looked for first. */
  readonly size?: number | undefined;
  /** Milliseconds since 1970; now where it is absent. */
  readonly modified?: number | undefined;
  /** Replaces this version only, or with `'*'` any that is there. @throws `changed` */
  readonly ifMatch?: string | undefined;
  /** Nothing may be there under this name. @throws `exists` */
  readonly fresh?: boolean | undefined;
  readonly signal: AbortSignal;
}

export interface WrittenFile {
  readonly entry: PeerEntry;
  readonly etag: string;
  /** False where it replaced another. */
  readonly created: boolean;
}

export interface RelocateOptions {
  /** Takes the place of what is there under the new name, whole; else that is `exists`. */
  readonly replace: boolean;
  readonly signal: AbortSignal;
}

/**
 * A tree that may be changed. Whatever is done is done whole or not at all, as others see it: a file is written beside
 * its name, synced and renamed. Besides those of `FileTree`: `exists`, `not-permitted` (also of a tree that is
 * read-only), `no-space`, `bad-path` (a name that this or another system cannot hold), `too-large` (a quota).
 */
export interface WritableTree extends FileTree {
  write(path: WirePath, options: WriteOptions): Promise<WrittenFile>;
  /** Its parent must be there. @throws `exists` */
  mkdir(path: WirePath, signal: AbortSignal): Promise<void>;
  /** True where it replaced something. */
  move(from: WirePath, to: WirePath, options: RelocateOptions): Promise<boolean>;
  /** A folder with all that it holds; with `flat` the folder alone. True where it replaced something. */
  copy(from: WirePath, to: WirePath, options: RelocateOptions & { readonly flat?: boolean }): Promise<boolean>;
  /** A folder with all that it holds; never the root. */
  remove(path: WirePath, signal: AbortSignal): Promise<void>;
  /** Milliseconds since 1970. Absent where the tree keeps no times of others. */
  setModified?(path: WirePath, modified: number, signal: AbortSignal): Promise<void>;
}

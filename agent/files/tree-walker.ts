/**
 * Goes through a folder, or through everything below it, page by page: each folder before what it holds, names in
 * order of their bytes. Iterative, so that no depth can exhaust the stack, and bounded in memory: names of outer
 * folders are let go and read again when the inner ones are done. The place is the last path given, so that another
 * walker can go on from there. Nothing is held open between two pages.
 */
import type { BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import { type PeerEntry, peerLimits } from '../../protocol/peer.ts';
import { pathComponents, pathFromComponents, type WirePath } from '../../protocol/wire-path.ts';
import { hasErrno } from './file-errors.ts';
import { modifiedOf } from './file-version.ts';
import { FolderNames } from './folder-names.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import type { LargeFolders } from './large-folders.ts';
import { allocatedBy, isSparse } from './sparse.ts';

/** Entries looked at together. */
const chunk = 128;
/** Characters of one page's paths: a page must fit into one message, whatever the names. */
const pageText = peerLimits.message / 2;
/** Bytes of the names held over all folders of one walk, when one more is read. */
const mostHeld = 8 << 20;

export interface WalkerStart {
  /** Of the folder asked for, within the share. */
  readonly components: readonly Uint8Array[];
  /** Everything below, or this folder only. */
  readonly deep: boolean;
  /** Opens a folder of the share. */
  readonly open: (components: readonly Uint8Array[]) => Promise<GuardedFolder>;
  readonly large: LargeFolders;
}

export interface WalkedPage {
  readonly entries: PeerEntry[];
  readonly skipped: number;
  readonly done: boolean;
}

interface Frame {
  /** Below the folder asked for. */
  readonly components: readonly Uint8Array[];
  names: FolderNames | undefined;
  /** The last name taken from `names`. */
  last: string | undefined;
  /** Looked at, not yet given. */
  ready: PeerEntry[];
  /** After a jump: it may as well be a file, or be gone. */
  readonly guessed: boolean;
}

export class TreeWalker {
  readonly #start: WalkerStart;
  readonly #frames: Frame[];
  #skipped = 0;
  /** The path given last. */
  #place: WirePath | undefined;

  constructor(start: WalkerStart) {
    this.#start = start;
    this.#frames = [newFrame([])];
  }

  get place(): WirePath | undefined {
    return this.#place;
  }

  /** Goes on after this path, which an earlier walker gave. */
  jump(after: WirePath): void {
    const components = pathComponents(after);
    this.#place = after;
    this.#frames.length = 0;
    for (const [depth, name] of components.entries()) {
      const frame = newFrame(components.slice(0, depth), depth > 0);
      frame.last = Buffer.from(name).toString('latin1');
      this.#frames.push(frame);
    }
    if (this.#start.deep) this.#frames.push(newFrame(components, true));
  }

  /** @throws errno of the system for the folder asked for; what cannot be read below it is counted as skipped */
  async page(signal: AbortSignal): Promise<WalkedPage> {
    const entries: PeerEntry[] = [];
    let text = 0;
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      signal.throwIfAborted();
      if (frame.ready.length === 0 && !(await this.#fill(frame, signal))) continue;
      const entry = frame.ready[0];
      if (entry === undefined) continue;
      text += entry.path.length;
      if (entries.length === peerLimits.page || text > pageText) return this.#page(entries, false);
      frame.ready.shift();
      entries.push(entry);
      this.#place = entry.path;
      if (this.#start.deep && entry.kind === 'folder') this.#frames.push(newFrame(pathComponents(entry.path)));
    }
    return this.#page(entries, true);
  }

  /** Bytes of the names in memory. */
  get held(): number {
    return this.#frames.reduce((sum, frame) => sum + (frame.names?.held ?? 0), 0);
  }

  /** Frees the memory; they are read again where it goes on. */
  letGo(): void {
    for (const frame of this.#frames) frame.names = undefined;
  }

  #page(entries: PeerEntry[], done: boolean): WalkedPage {
    const skipped = this.#skipped;
    this.#skipped = 0;
    return { entries, skipped, done };
  }

  /** Looks at the next names of a folder; false where it has no more and was left. */
  async #fill(frame: Frame, signal: AbortSignal): Promise<boolean> {
    try {
      const names = await this.#takeNames(frame, signal);
      frame.last = names.at(-1) ?? frame.last;
      if (names.length > 0) return true;
    } catch (error) {
      if (frame.components.length === 0 || error instanceof NethoodError || signal.aborted) throw error;
      // Vanished since it was listed, or a file that the jump took for a folder. The rest is there and cannot be read.
      if (!hasErrno(error, 'ENOENT') && !(frame.guessed && hasErrno(error, 'ENOTDIR'))) this.#skipped++;
    }
    this.#frames.pop();
    return false;
  }

  async #takeNames(frame: Frame, signal: AbortSignal): Promise<string[]> {
    const folder = await this.#start.open([...this.#start.components, ...frame.components]);
    try {
      let names = frame.names?.next(chunk) ?? [];
      while (names.length === 0 && frame.names?.more !== false) {
        frame.names = await this.#readNames(frame, folder, signal);
        names = frame.names.next(chunk);
      }
      frame.ready = await this.#look(frame, folder, names);
      return names;
    } finally {
      folder.close();
    }
  }

  async #readNames(frame: Frame, folder: GuardedFolder, signal: AbortSignal): Promise<FolderNames> {
    frame.names = undefined;
    this.#letGoOuter();
    return FolderNames.read(folder.path, frame.last, { large: this.#start.large, signal });
  }

  /** Outer folders first: they are needed again last. */
  #letGoOuter(): void {
    let { held } = this;
    for (const frame of this.#frames) {
      if (held < mostHeld) return;
      held -= frame.names?.held ?? 0;
      frame.names = undefined;
    }
  }

  async #look(frame: Frame, folder: GuardedFolder, names: readonly string[]): Promise<PeerEntry[]> {
    const found = await Promise.all(
      names.map(async (text) => {
        const name = Buffer.from(text, 'latin1');
        const stat = await lstat(folder.at(name), { bigint: true }).catch((error: unknown) => this.#unseen(error));
        return stat === undefined ? undefined : this.#entry([...frame.components, name], stat);
      }),
    );
    await folder.check();
    return found.filter((entry) => entry !== undefined);
  }

  /** What is gone is no longer part of the listing; what cannot be looked at is. */
  #unseen(error: unknown): undefined {
    if (!hasErrno(error, 'ENOENT')) this.#skipped++;
  }

  #entry(components: readonly Uint8Array[], stat: BigIntStats): PeerEntry | undefined {
    const path = stat.isFile() || stat.isDirectory() ? this.#sendable(components) : undefined;
    if (path === undefined) {
      this.#skipped++;
      return undefined;
    }
    return entryOf(path, stat);
  }

  /** Undefined where the path within the share is deeper or longer than a wire path may be. */
  #sendable(components: readonly Uint8Array[]): WirePath | undefined {
    try {
      const { components: above } = this.#start;
      if (above.length > 0) pathFromComponents([...above, ...components]);
      return pathFromComponents(components);
    } catch {
      // `bad-path` is the only way this fails, and means just that.
      return undefined;
    }
  }
}

/** Times as integers: a double cannot tell 0.123 s from 0.122999999 s, and the two would not be the same version. */
export function entryOf(path: WirePath, stat: BigIntStats): PeerEntry {
  const modified = modifiedOf(stat);
  if (!stat.isFile()) return { path, kind: 'folder', size: 0, modified };
  const size = Number(stat.size);
  const allocated = allocatedBy(stat);
  return { path, kind: 'file', size, modified, ...(isSparse({ size, allocated }) ? { allocated } : {}) };
}

function newFrame(components: readonly Uint8Array[], guessed = false): Frame {
  return { components, names: undefined, last: undefined, ready: [], guessed };
}

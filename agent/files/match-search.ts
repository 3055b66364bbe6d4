/**
 * Finds what a pattern matches in a tree, page by page, each folder before what it holds. Of the folders only those are
 * listed in which something can match. A step asks the tree at most once, and before anything is changed: a step that
 * failed can be made again.
 */
import { hasCode } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { pathComponents, rootPath, type WirePath } from '../../protocol/wire-path.ts';
import type { FileTree, Page } from './file-tree.ts';
import type { NamePattern } from './name-pattern.ts';

export interface SearchOptions {
  readonly tree: FileTree;
  /** The paths found are relative to it. */
  readonly base: WirePath;
  readonly patterns: readonly NamePattern[];
  /** `names`: the matches alone. `whole`: with the folders above them, and all that is in folders that match. */
  readonly give: 'names' | 'whole';
}

export interface Found {
  readonly entries: readonly PeerEntry[];
  readonly skipped: number;
  readonly done: boolean;
}

interface Frame {
  /** Relative to the base. */
  readonly folder: WirePath;
  /** Which patterns may match a name in it; undefined: all in it is wanted, however deep. */
  readonly wanted: readonly number[] | undefined;
  /** To be given before what is in it; undefined where it was, or is not to be. */
  untold: PeerEntry | undefined;
  /** Fetched, not yet looked at. */
  left: PeerEntry[];
  cursor: string | undefined;
  more: boolean;
}

export class MatchSearch {
  readonly #options: SearchOptions;
  readonly #frames: Frame[];

  constructor(options: SearchOptions) {
    this.#options = options;
    this.#frames = [frameOf(rootPath, reached(options.patterns, [0]), undefined)];
  }

  /** A page, which can be empty. @throws what the tree does */
  async next(signal: AbortSignal): Promise<Found> {
    const frame = this.#frames.at(-1);
    if (frame === undefined) return { entries: [], skipped: 0, done: true };
    const skipped = frame.left.length === 0 && frame.more ? await this.#fill(frame, signal) : 0;
    const entries = this.#look(frame);
    if (frame === this.#frames.at(-1) && frame.left.length === 0 && !frame.more) this.#frames.pop();
    return { entries, skipped, done: this.#frames.length === 0 };
  }

  async #fill(frame: Frame, signal: AbortSignal): Promise<number> {
    try {
      const page = await this.#page(frame, signal);
      frame.left = [...page.entries];
      frame.cursor = page.cursor;
      frame.more = page.cursor !== undefined;
      return page.skipped;
    } catch (error) {
      // As where a whole folder is walked: what vanished meanwhile is no part of it, what cannot be read is left out.
      if (this.#frames.length === 1 || !hasCode(error, 'not-found', 'not-a-folder', 'not-permitted')) throw error;
      frame.more = false;
      return hasCode(error, 'not-permitted') ? 1 : 0;
    }
  }

  #page({ folder, wanted, cursor }: Frame, signal: AbortSignal): Promise<Page> {
    const { tree, base } = this.#options;
    const path = joined(base, folder);
    return wanted === undefined ? tree.walk(path, cursor, signal) : tree.list(path, cursor, signal);
  }

  /** Up to the first folder that is to be looked into. */
  #look(frame: Frame): PeerEntry[] {
    const given: PeerEntry[] = [];
    for (let entry = frame.left.shift(); entry !== undefined; entry = frame.left.shift())
      if (this.#take(frame, entry, given)) break;
    return given;
  }

  /** True where a folder was entered. */
  #take(frame: Frame, { path, ...entry }: PeerEntry, given: PeerEntry[]): boolean {
    const found = { ...entry, path: joined(frame.folder, path) };
    if (frame.wanted === undefined) {
      given.push(found);
      return false;
    }
    const { matched, below } = this.#judge(frame.wanted, path);
    const whole = this.#options.give === 'whole';
    if (matched) given.push(...this.#untold(), found);
    if (entry.kind === 'file') return false;
    if (matched && whole) return this.#enter(frameOf(found.path, undefined, undefined));
    return below.length > 0 && this.#enter(frameOf(found.path, below, whole && !matched ? found : undefined));
  }

  #judge(wanted: readonly number[], path: WirePath): { matched: boolean; below: readonly number[] } {
    const { patterns } = this.#options;
    const name = pathComponents(path).at(-1) ?? new Uint8Array();
    const fitting = wanted.filter((at) => patterns[at]?.matches(name) === true);
    const below = fitting.flatMap((at) => (patterns[at]?.deep === true ? [at] : [at + 1]));
    return {
      matched: fitting.includes(patterns.length - 1),
      below: reached(
        patterns,
        below.filter((at) => at < patterns.length),
      ),
    };
  }

  #enter(frame: Frame): boolean {
    this.#frames.push(frame);
    return true;
  }

  /** The folders above a match that were not given yet. */
  #untold(): PeerEntry[] {
    return this.#frames.flatMap((frame) => {
      const { untold } = frame;
      frame.untold = undefined;
      return untold ?? [];
    });
  }
}

/** `**` matches no folder at all, too. */
function reached(patterns: readonly NamePattern[], from: readonly number[]): number[] {
  const all = new Set(from);
  for (const at of all) if (patterns[at]?.deep === true && at + 1 < patterns.length) all.add(at + 1);
  return [...all];
}

function frameOf(folder: WirePath, wanted: readonly number[] | undefined, untold: PeerEntry | undefined): Frame {
  return { folder, wanted, untold, left: [], cursor: undefined, more: true };
}

function joined(folder: WirePath, path: WirePath): WirePath {
  return (folder === '' || path === '' ? folder + path : `${folder}/${path}`) as WirePath;
}

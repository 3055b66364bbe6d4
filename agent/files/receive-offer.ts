/** What neighbours say over the session about what they put into our shares. */
import { hasCode, toNethoodError } from '../../protocol/errors.ts';
import type { OfferAnswer, PeerEntry } from '../../protocol/peer.ts';
import { parentPath, pathComponents, parseWirePath, type WirePath } from '../../protocol/wire-path.ts';
import type { PeerAsk, PeerHandlers } from '../peers/neighbours.ts';
import type { Asker } from '../trust/access.ts';
import { archiveLimits } from './archive-format.ts';
import { quotedPath, writeError } from './file-errors.ts';
import { FolderCache } from './folder-cache.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import { isVersion, keptAs } from './kept-name.ts';
import { sealFolder } from './local-folder.ts';
import type { Spot } from './local-spot.ts';
import type { FoldedNames } from './name-twins.ts';
import { checkPortable, lookAt } from './new-name.ts';
import { openFolder } from './receive-part.ts';
import type { LocalShares } from './shares.ts';
import type { Uploads } from './uploads.ts';
import type { WritableLocalTree } from './writable-local-tree.ts';

/** From so many on the folders that they lie in are read. */
const manyEntries = 32;
/** In one offer. */
const mostReadings = 16;

export function createPutHandlers(shares: LocalShares, uploads: Uploads): Pick<PeerHandlers, 'offer' | 'seal'> {
  return {
    offer: async (asker, ask, signal) => {
      await using offered = new Offered({ tree: shares.writable(asker, ask.share), uploads, asker, ask });
      const answers: OfferAnswer[] = [];
      for (const entry of ask.entries) {
        signal.throwIfAborted();
        answers.push(await offered.answer(entry, signal));
      }
      return { answers };
    },
    seal: async (asker, { share, path, folders }, signal) => {
      const tree = shares.writable(asker, share);
      for (const folder of folders) {
        signal.throwIfAborted();
        await seal(tree, joined(path, folder.path), folder.modified);
      }
      return {};
    },
  };
}

interface OfferedDeps {
  readonly tree: WritableLocalTree;
  readonly uploads: Uploads;
  readonly asker: Asker;
  readonly ask: PeerAsk<'offer'>;
}

/** One offer, whose folders are held open while its entries are looked at. */
class Offered implements AsyncDisposable {
  readonly #deps: OfferedDeps;
  readonly #folders: FolderCache;
  #names: { readonly path: WirePath; readonly names: FoldedNames | undefined } | undefined;
  #readings = 0;
  /** Made just now: nothing is in them. */
  readonly #fresh = new Set<WirePath>();

  constructor(deps: OfferedDeps) {
    this.#deps = deps;
    this.#folders = new FolderCache((path) => openFolder(deps.tree, path));
  }

  async answer(entry: PeerEntry, signal: AbortSignal): Promise<OfferAnswer> {
    const path = joined(this.#deps.ask.path, entry.path);
    try {
      return await (entry.kind === 'folder' ? this.#folder(path, signal) : this.#file(path, entry));
    } catch (error) {
      const { code, message } = toNethoodError(writeError(error, quotedPath(path)));
      if (code === 'internal' || code === 'unavailable') throw error;
      return { state: 'refused', code, message: message.slice(0, 1000) };
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#folders[Symbol.asyncDispose]();
  }

  async #folder(path: WirePath, signal: AbortSignal): Promise<OfferAnswer> {
    try {
      await this.#deps.tree.mkdir(path, signal);
      this.#fresh.add(path);
      return { state: 'here', fresh: true };
    } catch (error) {
      if (!hasCode(error, 'exists')) throw error;
      // A folder by that very name is what was wanted; a twin of it, or a file, is not.
      const there = await this.#deps.tree.stat(path, signal).catch(() => undefined);
      if (there?.kind !== 'folder') throw error;
    }
    return { state: 'here' };
  }

  async #file(path: WirePath, entry: PeerEntry): Promise<OfferAnswer> {
    const components = pathComponents(path);
    const name = Buffer.from(components.at(-1) ?? new Uint8Array());
    const what = quotedPath(path);
    checkPortable(name, what);
    const parent = parentPath(path);
    if (this.#fresh.has(parent)) return { state: 'wanted', held: 0 };
    return this.#folders.use(parent, async (folder) =>
      this.#look({ folder, name, at: folder.at(name), components, what }, path, entry),
    );
  }

  /** Read once, where many files are offered; of the folder that comes now, as whoever offers goes folder by folder. */
  async #namesIn(path: WirePath, folder: GuardedFolder): Promise<FoldedNames | undefined> {
    if (this.#deps.ask.entries.length < manyEntries) return undefined;
    if (this.#names?.path === path) return this.#names.names;
    if (++this.#readings > mostReadings) return undefined;
    const names = await this.#deps.tree.twins.namesOf(folder);
    this.#names = { path, names };
    return names;
  }

  async #look(spot: Spot, path: WirePath, entry: PeerEntry): Promise<OfferAnswer> {
    const small = entry.size <= archiveLimits.file;
    const names = await this.#namesIn(parentPath(path), spot.folder);
    // Nothing is called so; what is there of a large file has another name.
    if (small && names?.has(spot.name) === false) return { state: 'wanted', held: 0 };
    if (!this.#deps.ask.keep) {
      if (isVersion(await lookAt(spot.at), entry)) return { state: 'here' };
    } else {
      const kept = await keptAs(spot, entry);
      if (kept !== undefined) return { state: 'here', path: kept };
    }
    if (small) return { state: 'wanted', held: 0 };
    const { uploads, asker, ask } = this.#deps;
    return { state: 'wanted', held: await uploads.held(uploads.keyOf(asker, ask.share, path), spot) };
  }
}

/** The time of a folder, and what was named in it made safe; one that is gone meanwhile has neither. */
async function seal(tree: WritableLocalTree, path: WirePath, modified: number): Promise<void> {
  try {
    const folder = await openFolder(tree, path);
    try {
      await sealFolder(folder.path, modified);
      await folder.check();
    } finally {
      folder.close();
    }
  } catch (error) {
    const told = writeError(error, quotedPath(path));
    if (!hasCode(told, 'not-found', 'not-a-folder')) throw told;
  }
}

function joined(folder: WirePath, path: WirePath): WirePath {
  return parseWirePath([folder, path].filter((part) => part !== '').join('/'));
}

/**
 * Goes through a neighbour's folder, makes the folders here, and says what is to be fetched: small files in batches,
 * large ones alone. What is here already with the same size and time is to be compared, not fetched.
 */
import { statfs } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { pathComponents, type WirePath } from '../../protocol/wire-path.ts';
import { archiveLimits } from './archive-format.ts';
import { errnoOf } from './file-errors.ts';
import type { GetContext } from './get-context.ts';
import { makeFolder } from './local-folder.ts';
import { LocalNames } from './local-name.ts';
import { type LocalPath, shownPath } from './local-path.ts';
import { type Place, placeOfSame } from './publish.ts';
import { persistently } from './retry.ts';
import type { WorkQueue } from './work-queue.ts';

export interface WantedFile {
  /** Within the share. */
  readonly path: WirePath;
  readonly place: Place;
  readonly size: number;
}

export interface PresentFile extends WantedFile {
  readonly here: LocalPath;
}

export type Job =
  | { readonly kind: 'batch'; readonly files: readonly WantedFile[] }
  | { readonly kind: 'alone'; readonly file: WantedFile }
  /** Here already by size and time. */
  | { readonly kind: 'verify'; readonly files: readonly PresentFile[] };

const batchFiles = 512;
const batchBytes = 8 << 20;
/** Of files whose digests are asked for at once. */
const presentBytes = 256 << 20;

interface OpenFolder {
  /** Relative to the folder that is fetched. */
  readonly path: WirePath;
  /** Undefined where it could not be made here: then nothing in it can. */
  readonly local: LocalPath | undefined;
  readonly fresh: boolean;
  readonly names: LocalNames;
}

export interface SeenFolder {
  readonly local: LocalPath;
  readonly modified: number | undefined;
}

export class FetchPlan {
  /** All that were made or found, each before those in it. */
  readonly folders: SeenFolder[] = [];
  readonly #context: GetContext;
  readonly #queue: WorkQueue<Job>;
  readonly #platform: NodeJS.Platform;
  /** From the outermost to the one whose entries come now. */
  readonly #open: OpenFolder[];
  #batch: WantedFile[] = [];
  #batchBytes = 0;
  #present: PresentFile[] = [];
  #presentBytes = 0;
  /** Bytes that this run has brought already, and that are here for that reason; undefined where it has only begun. */
  #brought: number | undefined;
  #needed = 0n;
  #free = 0n;
  #files = 0;
  #bytes = 0;

  constructor(context: GetContext, queue: WorkQueue<Job>, root: SeenFolder & { fresh: boolean; brought?: number }) {
    this.#context = context;
    this.#brought = root.brought;
    this.#queue = queue;
    this.#platform = process.platform;
    this.folders.push(root);
    const path = '' as WirePath;
    this.#open = [{ path, local: root.local, fresh: root.fresh, names: new LocalNames(this.#platform) }];
  }

  async run(signal: AbortSignal): Promise<void> {
    const { tree, path, retry, progress } = this.#context;
    const root = this.folders[0]?.local ?? '';
    const { bavail, bsize } = await statfs(root, { bigint: true });
    this.#free = bavail * bsize;
    let cursor: string | undefined;
    do {
      const page = await persistently(retry, signal, (contact) => tree.walk(path, cursor, contact));
      this.#context.began();
      progress.add({ skipped: page.skipped });
      for (const entry of page.entries) await this.#plan(entry, signal);
      // Whoever waits for work gets what there is; else batches are filled up first.
      if (this.#queue.empty) await this.#endBatch(signal);
      if (page.cursor === undefined) progress.totals(this.#files, this.#bytes);
      cursor = page.cursor;
    } while (cursor !== undefined);
    await this.#endBatch(signal);
    await this.#endPresent(signal);
    this.#queue.end();
  }

  async #plan(entry: PeerEntry, signal: AbortSignal): Promise<void> {
    const components = pathComponents(entry.path);
    const name = components.at(-1);
    const folder = this.#folderOf(entry.path);
    if (name === undefined || folder === undefined)
      throw new NethoodError('bad-message', 'The neighbour listed a file before its folder.');
    if (folder.local === undefined) {
      this.#context.progress.add({ skipped: 1 });
      return;
    }
    const place = { folder: folder.local, name: folder.names.take(name) };
    if (entry.kind === 'folder') await this.#planFolder(entry, place);
    else await this.#planFile(entry, place, folder.fresh, signal);
  }

  /** The folder that holds this path, which becomes the innermost. */
  #folderOf(path: WirePath): OpenFolder | undefined {
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    while (this.#open.length > 1 && this.#open.at(-1)?.path !== parent) this.#open.pop();
    const folder = this.#open.at(-1);
    return folder?.path === parent ? folder : undefined;
  }

  async #planFolder({ path, modified }: PeerEntry, place: Place): Promise<void> {
    const made = await makeFolder(place).catch((error: unknown) => this.#tooLong(error));
    this.#open.push({
      path,
      local: made?.path,
      fresh: made?.fresh ?? true,
      names: new LocalNames(this.#platform),
    });
    if (made !== undefined) this.folders.push({ local: made.path, modified });
  }

  async #planFile(entry: PeerEntry, place: Place, fresh: boolean, signal: AbortSignal): Promise<void> {
    const { size } = entry;
    this.#files++;
    this.#bytes += size;
    const path = below(this.#context.path, entry.path);
    const here = fresh ? undefined : await this.#here(place, entry);
    if (here !== undefined) return this.#planPresent({ path, place, size, here }, signal);
    this.#needed += BigInt(entry.allocated ?? size);
    if (this.#needed > this.#free)
      throw new NethoodError(
        'no-space',
        `${shownPath(place.folder)} has too little space for ${this.#context.source}.`,
      );
    const file = { path, place, size };
    const alone = size > archiveLimits.file || !this.#archives;
    if (alone) await this.#queue.put({ kind: 'alone', file }, signal);
    else await this.#addToBatch(file, signal);
  }

  async #here(place: Place, entry: PeerEntry): Promise<LocalPath | undefined> {
    return placeOfSame(place, entry).catch((error: unknown) => this.#tooLong(error));
  }

  /** What this run has brought is what was sent; of all else a size and a time say too little. */
  async #planPresent(file: PresentFile, signal: AbortSignal): Promise<void> {
    if (this.#brought !== undefined) {
      const brought = Math.min(file.size, this.#brought);
      this.#brought -= brought;
      this.#context.progress.add({ files: 1, bytes: file.size, resumedFrom: file.size - brought });
      return;
    }
    this.#present.push(file);
    this.#presentBytes += file.size;
    if (this.#present.length >= batchFiles || this.#presentBytes >= presentBytes) await this.#endPresent(signal);
  }

  async #endPresent(signal: AbortSignal): Promise<void> {
    const files = this.#present;
    this.#present = [];
    this.#presentBytes = 0;
    if (files.length > 0) await this.#queue.put({ kind: 'verify', files }, signal);
  }

  async #addToBatch(file: WantedFile, signal: AbortSignal): Promise<void> {
    this.#batch.push(file);
    this.#batchBytes += file.size;
    if (this.#batch.length >= batchFiles || this.#batchBytes >= batchBytes) await this.#endBatch(signal);
  }

  async #endBatch(signal: AbortSignal): Promise<void> {
    const files = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (files.length > 0) await this.#queue.put({ kind: 'batch', files }, signal);
  }

  get #archives(): boolean {
    const { neighbours, id } = this.#context.peer;
    return neighbours.get(id)?.features.has('archive') === true;
  }

  /** A path that this system cannot hold is skipped, and counted; anything else is a failure of the whole. */
  #tooLong(error: unknown): undefined {
    if (!isUnholdable(error)) throw error;
    this.#context.progress.add({ skipped: 1 });
  }
}

/** Whether this file system cannot have a path at all: too long, or with bytes that its names may not have (EINVAL: FAT). */
export function isUnholdable(error: unknown): boolean {
  const cause = error instanceof NethoodError ? error.cause : error;
  return ['ENAMETOOLONG', 'EILSEQ', 'EINVAL'].includes(errnoOf(cause) ?? '');
}

function below(folder: WirePath, path: WirePath): WirePath {
  return (folder === '' ? path : `${folder}/${path}`) as WirePath;
}

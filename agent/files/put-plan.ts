/**
 * Goes through our folder, offers what is in it page by page, and says what is to be sent: small files in batches,
 * large ones alone. Folders are made there by the offer, empty ones too.
 */
import { NethoodError } from '../../protocol/errors.ts';
import type { OfferAnswer, PeerEntry } from '../../protocol/peer.ts';
import { parentPath, pathComponents, rootPath, type WirePath } from '../../protocol/wire-path.ts';
import { archiveLimits } from './archive-format.ts';
import type { PutContext } from './put-context.ts';
import { longestName } from './tree-frames.ts';
import { offerVerified } from './verify-there.ts';
import type { WorkQueue } from './work-queue.ts';

export type PutJob =
  | { readonly kind: 'batch'; readonly entries: readonly PeerEntry[] }
  | { readonly kind: 'alone'; readonly entry: PeerEntry; readonly held: number };

export interface PutPlanDeps {
  /** The folder in the share. */
  readonly to: WirePath;
  /** Nothing is in it. */
  readonly fresh: boolean;
  readonly queue: WorkQueue<PutJob>;
  readonly refused: (entry: PeerEntry, error: NethoodError) => void;
}

/** What breaks off costs only what was under way: the rest is known to be there by an offer. */
const batchFiles = archiveLimits.files;
const batchBytes = 64 << 20;

export class PutPlan {
  /** All below the folder that is sent, each before those in it. */
  readonly folders: PeerEntry[] = [];
  readonly #context: PutContext;
  readonly #deps: PutPlanDeps;
  /** Folders that are not there, so that nothing in them can be. */
  readonly #closed = new Set<WirePath>();
  /** Folders that were made for this put: what is in them is wanted, without a word. */
  readonly #fresh = new Set<WirePath>();
  #batch: PeerEntry[] = [];
  #batchBytes = 0;
  #files = 0;
  #bytes = 0;

  constructor(context: PutContext, deps: PutPlanDeps) {
    this.#context = context;
    this.#deps = deps;
    if (deps.fresh) this.#fresh.add(rootPath);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { source, progress } = this.#context;
    let cursor: string | undefined;
    do {
      const page = await source.walk(rootPath, cursor, signal);
      progress.add({ skipped: page.skipped });
      const entries = page.entries.filter((entry) => this.#isOpen(entry));
      const answers = await this.#offer(entries, signal);
      for (const entry of entries) await this.#plan(entry, answers.get(entry), signal);
      // Whoever waits for work gets what there is; else batches are filled up first.
      if (this.#deps.queue.empty) await this.#endBatch(signal);
      if (page.cursor === undefined) progress.totals(this.#files, this.#bytes);
      cursor = page.cursor;
    } while (cursor !== undefined);
    await this.#endBatch(signal);
    this.#deps.queue.end();
  }

  async #offer(entries: readonly PeerEntry[], signal: AbortSignal): Promise<Map<PeerEntry, OfferAnswer>> {
    const isNew = ({ kind, path }: PeerEntry): boolean => kind === 'file' && this.#fresh.has(parentPath(path));
    const asked = entries.filter((entry) => !isNew(entry));
    const offered = { folder: this.#deps.to, entries: asked };
    const answers = asked.length === 0 ? [] : await offerVerified(this.#context, offered, signal);
    const wanted = { state: 'wanted', held: 0 } as const;
    const all = new Map<PeerEntry, OfferAnswer>(entries.filter(isNew).map((entry) => [entry, wanted]));
    for (const [at, entry] of asked.entries()) {
      const answer = answers[at];
      if (answer === undefined) continue;
      all.set(entry, answer);
      if (answer.state === 'here' && answer.fresh === true) this.#fresh.add(entry.path);
    }
    return all;
  }

  /** Parents come first, within a page too. */
  #isOpen({ path, kind }: PeerEntry): boolean {
    if (!this.#closed.has(parentPath(path))) return true;
    if (kind === 'folder') this.#closed.add(path);
    return false;
  }

  async #plan(entry: PeerEntry, answer: OfferAnswer | undefined, signal: AbortSignal): Promise<void> {
    const { kind, size, path } = entry;
    // Of the same page as its folder, which was refused.
    if (answer === undefined || !this.#isOpen(entry)) return;
    if (kind === 'file') {
      this.#files++;
      this.#bytes += size;
    }
    if (answer.state === 'refused') {
      if (kind === 'folder') this.#closed.add(path);
      this.#deps.refused(entry, new NethoodError(answer.code, answer.message));
    } else if (kind === 'folder') this.folders.push(entry);
    else if (answer.state === 'here') this.#context.progress.add({ files: 1, bytes: size, resumedFrom: size });
    else if (size > archiveLimits.file || hasLongName(path))
      await this.#deps.queue.put({ kind: 'alone', entry, held: answer.held }, signal);
    else await this.#addToBatch(entry, signal);
  }

  async #addToBatch(entry: PeerEntry, signal: AbortSignal): Promise<void> {
    this.#batch.push(entry);
    this.#batchBytes += entry.size;
    if (this.#batch.length >= batchFiles || this.#batchBytes >= batchBytes) await this.#endBatch(signal);
  }

  async #endBatch(signal: AbortSignal): Promise<void> {
    const entries = this.#batch;
    this.#batch = [];
    this.#batchBytes = 0;
    if (entries.length > 0) await this.#deps.queue.put({ kind: 'batch', entries }, signal);
  }
}

/** A frame cannot hold it; systems whose names are UTF-16 can. */
function hasLongName(path: WirePath): boolean {
  return path.length > longestName && pathComponents(path).some((name) => name.length > longestName);
}

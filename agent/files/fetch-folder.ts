/**
 * Fetches a folder: a plan made while files already come, two streams of work, each file whole under its final name.
 * Partial files lie in one folder beside the target, so that none of them is ever seen in the tree itself.
 */
import { hasCode, toNethoodError, type NethoodError } from '../../protocol/errors.ts';
import { BatchWriter } from './batch-writer.ts';
import { fetchBatch } from './fetch-batch.ts';
import { fetchFile } from './fetch-file.ts';
import { FetchPlan, isUnholdable, type Job, type PresentFile, type SeenFolder, type WantedFile } from './fetch-plan.ts';
import { Failures } from './failures.ts';
import { isOfSystem, quotedPath, saidError } from './file-errors.ts';
import { TreeFetch } from './fetch-tree.ts';
import type { GetContext } from './get-context.ts';
import { makeFolder, sealFolder } from './local-folder.ts';
import { joinLocal, type LocalPath, pathToText } from './local-path.ts';
import { identityHash } from './part-name.ts';
import type { Place } from './publish.ts';
import { makeStaging, removeStaging } from './staging.ts';
import { sameHere } from './verify-here.ts';
import { WorkQueue } from './work-queue.ts';

/** One keeps the connection busy while the other waits for an answer. */
const workers = 2;
/** Files planned ahead, so that the totals are soon known and the memory stays bounded. */
const plannedAhead = 50_000;
const sealedAtOnce = 4;

export interface FolderFetch {
  readonly place: Place;
  /** Undefined where the folder is the user's own, which keeps its time. */
  readonly modified: number | undefined;
  readonly staging: LocalPath;
  /** Of the record. */
  readonly key: string;
}

/** Kept when all is there. Gives the folder's path. */
export async function fetchFolder(context: GetContext, fetch: FolderFetch, signal: AbortSignal): Promise<LocalPath> {
  const { folder, name } = fetch.place;
  await context.records.save(fetch.key, {
    kind: 'folder',
    folder: pathToText(folder),
    name: pathToText(name),
    staging: pathToText(fetch.staging),
  });
  const made = await makeFolder(fetch.place);
  // What a killed run left half-written; large files are resumed instead.
  await removeStaging(fetch.staging, isLargePart);
  await makeStaging(fetch.staging);
  try {
    const root = { local: made.path, modified: fetch.modified, fresh: made.fresh };
    await using writer = new BatchWriter(fetch.staging, context.batchThread);
    const folders = await new FolderFetcher(context, { ...fetch, writer }, signal).run(root);
    await sealAll(folders);
    await sealFolder(folder);
  } catch (error) {
    await removeStaging(fetch.staging, hasCode(error, 'no-space') ? nothing : isLargePart);
    throw error;
  }
  await removeStaging(fetch.staging, nothing);
  return made.path;
}

function nothing(): boolean {
  return false;
}

function isLargePart(name: string): boolean {
  return name.startsWith('large-');
}

function newQueue(): WorkQueue<Job> {
  return new WorkQueue(plannedAhead, (job) => (job.kind === 'alone' ? 1 : job.files.length));
}

class FolderFetcher {
  readonly #context: GetContext;
  readonly #fetch: FolderFetch & { readonly writer: BatchWriter };
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #failures = new Failures();

  constructor(context: GetContext, fetch: FolderFetch & { readonly writer: BatchWriter }, signal: AbortSignal) {
    this.#context = context;
    this.#fetch = fetch;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  async run(root: SeenFolder & { fresh: boolean }): Promise<readonly SeenFolder[]> {
    const streamed = await this.#streamed(root);
    if (streamed?.whole === true) return streamed.folders;
    const queue = newQueue();
    const found = streamed === undefined ? root : { ...root, fresh: false, brought: this.#recount() };
    const plan = new FetchPlan(this.#context, queue, found);
    await this.#together(queue, [plan.run(this.#signal)]);
    this.#failures.tell('fetched');
    return plan.folders;
  }

  /** Where nothing is here yet, all as one stream; undefined where that cannot be. */
  async #streamed(root: SeenFolder & { fresh: boolean }): Promise<TreeFetch | undefined> {
    const { neighbours, id } = this.#context.peer;
    // Without a time it is a choice of files, which only the plan knows.
    if (!root.fresh || root.modified === undefined) return undefined;
    if (neighbours.get(id)?.features.has('tree') !== true) return undefined;
    const queue = newQueue();
    const stream = new TreeFetch(this.#context, root, { writer: this.#fetch.writer, queue });
    await this.#together(queue, [stream.run(this.#signal)]);
    if (stream.whole) this.#failures.tell('fetched');
    return stream;
  }

  /** The plan finds what has come, and counts it: gives its bytes. What failed is tried again. */
  #recount(): number {
    const { files, bytes, skipped } = this.#context.progress.counts;
    this.#context.progress.add({ files: -files, bytes: -bytes, skipped: -skipped });
    this.#failures.forget();
    return bytes;
  }

  /** What fills the queue, and those who work it off. */
  async #together(queue: WorkQueue<Job>, makers: readonly Promise<void>[]): Promise<void> {
    const tasks = [...makers, ...Array.from({ length: workers }, () => this.#work(queue))];
    // The first that fails stops the others; all have ended before anything is cleaned up.
    let failure: { error: unknown } | undefined;
    await Promise.all(
      tasks.map((task) =>
        task.catch((error: unknown) => {
          failure ??= { error };
          this.#stop.abort(error);
        }),
      ),
    );
    if (failure !== undefined) throw failure.error;
  }

  async #work(queue: WorkQueue<Job>): Promise<void> {
    for (let job = await queue.take(this.#signal); job !== undefined; job = await queue.take(this.#signal)) {
      if (job.kind === 'batch') await this.#fetchBatch(job.files);
      else if (job.kind === 'verify') await this.#verify(job.files);
      else await this.#fetchAlone(job.file);
    }
  }

  async #fetchBatch(files: readonly WantedFile[]): Promise<void> {
    const { writer } = this.#fetch;
    const failed = await fetchBatch(this.#context, { files, writer }, this.#signal);
    for (const { file, code } of failed) {
      // Between two looks it grew, it changed under the reader, or on its way: alone it gets its tries.
      if (code === 'too-large' || code === 'changed' || code === 'damaged') await this.#fetchAlone(file);
      else this.#failed(file, saidError(code, quotedPath(file.path)));
    }
  }

  /** What is the same counts as there; what is not is fetched beside it. */
  async #verify(files: readonly PresentFile[]): Promise<void> {
    const same = await sameHere(this.#context, files, this.#signal);
    for (const file of files) {
      const { path, size } = file;
      if (same.has(path)) this.#context.progress.add({ files: 1, bytes: size, resumedFrom: size });
      else await this.#fetchAlone(file);
    }
  }

  async #fetchAlone(file: WantedFile): Promise<void> {
    const { place, path } = file;
    const key = identityHash(this.#fetch.key, path, pathToText(joinLocal(place.folder, place.name)));
    const part = joinLocal(this.#fetch.staging, Buffer.from(`large-${key.slice(0, 16)}`));
    try {
      await fetchFile(this.#context, { path, place, part, key }, this.#signal);
      this.#context.progress.add({ files: 1 });
    } catch (error) {
      if (this.#signal.aborted || !this.#isOfThisFile(error)) throw error;
      this.#failed(file, toNethoodError(error));
    }
  }

  /** What stands in the way of one file only; the others still come. */
  #isOfThisFile(error: unknown): boolean {
    if (hasCode(error, 'not-found', 'not-a-file', 'changed', 'damaged', 'read-failed')) return true;
    // What its owner's system refuses concerns this file; what ours does, all of them.
    return isUnholdable(error) || (hasCode(error, 'not-permitted') && !isOfSystem(error));
  }

  #failed(file: WantedFile, error: NethoodError): void {
    // Gone since it was listed, or never to be held here: no part of the folder any more.
    if (error.code === 'not-found' || error.code === 'not-a-file' || isUnholdable(error)) {
      this.#context.progress.add({ skipped: 1 });
      return;
    }
    this.#failures.add(file.path, error);
  }
}

/** Last, and from the innermost: a folder's time changes with every file that gets a name in it. */
async function sealAll(folders: readonly SeenFolder[]): Promise<void> {
  const left = folders.toReversed();
  const seal = async (): Promise<void> => {
    for (let folder = left.shift(); folder !== undefined; folder = left.shift())
      await sealFolder(folder.local, folder.modified);
  };
  await Promise.all(Array.from({ length: sealedAtOnce }, seal));
}

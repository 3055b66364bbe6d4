/** Puts a folder: a plan made while files already go, two streams of work, and last the times of the folders. */
import { hasCode, NethoodError, toNethoodError } from '../../protocol/errors.ts';
import { type PeerEntry, peerLimits } from '../../protocol/peer.ts';
import { rootPath, type WirePath } from '../../protocol/wire-path.ts';
import { Failures } from './failures.ts';
import { quotedPath, saidError } from './file-errors.ts';
import { type FailedPut, putBatch } from './put-batch.ts';
import type { PutContext } from './put-context.ts';
import { putFile } from './put-file.ts';
import { type PutJob, PutPlan } from './put-plan.ts';
import { persistently } from './retry.ts';
import { WorkQueue } from './work-queue.ts';

/** One keeps the connection busy while the other waits for an answer. */
const workers = 2;
/** Files planned ahead, so that the totals are soon known and the memory stays bounded. */
const plannedAhead = 50_000;

export interface FolderPut {
  /** In the share; it is there. */
  readonly to: WirePath;
  readonly modified: number;
  /** Made just now. */
  readonly fresh: boolean;
}

/** Kept when all is there, whole and safe. */
export async function putFolder(context: PutContext, put: FolderPut, signal: AbortSignal): Promise<void> {
  const folders = await new FolderPutter(context, put, signal).run();
  const root = { path: rootPath, modified: put.modified };
  // Last, and from the innermost: a folder's time changes with every file that gets a name in it.
  const sealed = [root, ...folders.map(({ path, modified }) => ({ path, modified }))].toReversed();
  const { peer, share, retry } = context;
  for (let at = 0; at < sealed.length; at += peerLimits.page) {
    const ask = { share, path: put.to, folders: sealed.slice(at, at + peerLimits.page) };
    await persistently(retry, signal, (contact) => peer.neighbours.request(peer.id, 'seal', ask, contact));
  }
}

class FolderPutter {
  readonly #context: PutContext;
  readonly #to: WirePath;
  readonly #fresh: boolean;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #queue = new WorkQueue<PutJob>(plannedAhead, (job) => (job.kind === 'batch' ? job.entries.length : 1));
  readonly #failures = new Failures();

  constructor(context: PutContext, { to, fresh }: FolderPut, signal: AbortSignal) {
    this.#context = context;
    this.#to = to;
    this.#fresh = fresh;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  async run(): Promise<readonly PeerEntry[]> {
    const refused = ({ path }: PeerEntry, error: NethoodError): void => this.#failures.add(path, error);
    const plan = new PutPlan(this.#context, { to: this.#to, fresh: this.#fresh, queue: this.#queue, refused });
    const tasks = [plan.run(this.#signal), ...Array.from({ length: workers }, () => this.#work())];
    // The first that fails stops the others; all have ended before it is told.
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
    this.#failures.tell('put there');
    return plan.folders;
  }

  async #work(): Promise<void> {
    for (
      let job = await this.#queue.take(this.#signal);
      job !== undefined;
      job = await this.#queue.take(this.#signal)
    ) {
      if (job.kind === 'batch') await this.#putBatch(job.entries);
      else await this.#putAlone(job.entry, job.held);
    }
  }

  async #putBatch(entries: readonly PeerEntry[]): Promise<void> {
    for (const failure of await putBatch(this.#context, { entries, to: this.#to }, this.#signal)) {
      // Between two looks it grew, or it changed under the reader: alone it gets its tries.
      if (['too-large', 'changed', 'damaged'].includes(failure.code)) await this.#putAlone(failure.entry, 0);
      else await this.#missed(failure.entry, reasonOf(failure));
    }
  }

  async #putAlone(entry: PeerEntry, held: number): Promise<void> {
    const to = (this.#to === '' ? entry.path : `${this.#to}/${entry.path}`) as WirePath;
    try {
      await putFile(this.#context, { from: entry, to, held }, this.#signal);
      this.#context.progress.add({ files: 1 });
    } catch (error) {
      if (this.#signal.aborted || !isOfOneFile(error)) throw error;
      await this.#missed(entry, toNethoodError(error));
    }
  }

  /** What is gone here since it was listed is no part of the folder any more. */
  async #missed(entry: PeerEntry, error: NethoodError): Promise<void> {
    const there = await this.#context.source.stat(entry.path, this.#signal).catch((cause: unknown) => {
      if (hasCode(cause, 'not-found')) return undefined;
      throw cause;
    });
    if (there?.kind === 'file') this.#failures.add(entry.path, error);
    else this.#context.progress.add({ skipped: 1 });
  }
}

/** What stands in the way of one file only; the others still go. */
function isOfOneFile(error: unknown): boolean {
  return hasCode(error, 'not-found', 'not-a-file', 'changed', 'read-failed', 'exists', 'bad-path', 'not-permitted');
}

/** Of a code alone. A file would have taken the place of another of its very name. */
function reasonOf({ entry: { path }, code }: FailedPut): NethoodError {
  const what = quotedPath(path);
  if (code !== 'exists') return saidError(code, what);
  return new NethoodError(
    code,
    `${what} is called like a folder or link there, or but for upper and lower case like another`,
  );
}

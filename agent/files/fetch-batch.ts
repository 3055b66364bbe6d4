/** Fetches many small files as one tar. What a broken connection has not brought is asked for again. */
import { type ErrorCode, NethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { type ArchivedFile, type ArchiveReport, readArchive } from './archive-format.ts';
import type { BatchWriter } from './batch-writer.ts';
import { isUnholdable, type WantedFile } from './fetch-plan.ts';
import type { GetContext } from './get-context.ts';
import { askPeer, connectionError, peerName } from './peer-http.ts';
import { archiveUrl } from './remote-tree.ts';
import { persistently } from './retry.ts';
import { wantedText } from './wanted-paths.ts';

export interface Batch {
  readonly files: readonly WantedFile[];
  readonly writer: BatchWriter;
}

export interface FailedFile {
  readonly file: WantedFile;
  readonly code: ErrorCode;
}

/** Gives the files that the neighbour could not send, and why. */
export async function fetchBatch(context: GetContext, batch: Batch, signal: AbortSignal): Promise<FailedFile[]> {
  const run = new BatchRun(context, batch);
  await persistently(context.retry, signal, (contact) => run.attempt(contact));
  return run.failed;
}

class BatchRun {
  readonly failed: FailedFile[] = [];
  readonly #context: GetContext;
  readonly #writer: BatchWriter;
  readonly #missing: Map<WirePath, WantedFile>;
  #error: Error | undefined;

  constructor(context: GetContext, { files, writer }: Batch) {
    this.#context = context;
    this.#writer = writer;
    this.#missing = new Map(files.map((file) => [file.path, file]));
  }

  async attempt(signal: AbortSignal): Promise<void> {
    const { peer, share } = this.#context;
    const body = wantedText(this.#missing.keys());
    const response = await askPeer(peer, { method: 'POST', path: archiveUrl(share), body, signal });
    this.#context.began();
    try {
      for await (const item of readArchive(response)) {
        if ('content' in item) await this.#take(item, signal);
        else this.#report(item);
      }
      if (this.#missing.size > 0)
        throw new NethoodError('bad-message', `${peerName(peer)} left out files without a word.`);
    } catch (error) {
      signal.throwIfAborted();
      throw this.#cause(error, response.complete);
    } finally {
      response.destroy();
      await this.#writer.flush();
    }
    this.#check();
  }

  /** An archive that ends too early, however it shows, is a broken connection. */
  #cause(error: unknown, complete: boolean): NethoodError {
    const name = peerName(this.#context.peer);
    if (!complete || error instanceof NethoodError) return connectionError(error, name);
    return new NethoodError('bad-message', `${name} sent an archive that cannot be read.`, { cause: error });
  }

  async #take({ path, content, modified, damaged }: ArchivedFile, signal: AbortSignal): Promise<void> {
    const { progress, limit } = this.#context;
    const file = this.#asked(path);
    if (damaged === true) {
      this.failed.push({ file, code: 'damaged' });
      return;
    }
    progress.received(content.length);
    this.#writer.add({ place: file.place, content, modified }, (error) => this.#written(file, error));
    if (this.#writer.full) await progress.limit.waiting('disk', this.#writer.room());
    if (limit.active) await progress.limit.waiting('setting', limit.pace(content.length, signal));
    this.#check();
  }

  #written(file: WantedFile, error: NethoodError | undefined): void {
    if (error === undefined) this.#context.progress.add({ files: 1 });
    else if (isUnholdable(error)) this.failed.push({ file, code: 'not-found' });
    else this.#error ??= error;
  }

  /** Nothing is taken that was not asked for, nor twice. */
  #asked(path: WirePath): WantedFile {
    const file = this.#missing.get(path);
    if (file === undefined) throw new NethoodError('bad-message', 'The neighbour sent a file that was not asked for.');
    this.#missing.delete(path);
    return file;
  }

  #report({ missing }: ArchiveReport): void {
    for (const { path, code } of missing) this.failed.push({ file: this.#asked(path), code });
  }

  #check(): void {
    if (this.#error !== undefined) throw this.#error;
  }
}

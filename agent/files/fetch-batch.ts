/** Fetches many small files as one tar. What a broken connection has not brought is asked for again. */
import { type ErrorCode, NethoodError, toNethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { type ArchivedFile, type ArchiveReport, readArchive } from './archive-format.ts';
import { isUnholdable, type WantedFile } from './fetch-plan.ts';
import { writeError } from './file-errors.ts';
import type { GetContext } from './get-context.ts';
import { joinLocal, type LocalPath, shownPath } from './local-path.ts';
import { identityHash } from './part-name.ts';
import { askPeer, connectionError, peerName } from './peer-http.ts';
import { publish } from './publish.ts';
import {
  closeAtOnce,
  closeQuietly,
  fdatasyncFd,
  futimesFd,
  openFd,
  openFlags,
  timeForSystem,
  writeFd,
} from './raw-files.ts';
import { archiveUrl } from './remote-tree.ts';
import { persistently } from './retry.ts';

/** Files being written at the same time; the next entry of the tar waits for a place. */
const writtenAtOnce = 32;
const bytesAtOnce = 16 << 20;

export interface Batch {
  readonly files: readonly WantedFile[];
  /** Where files are written before they get their names. */
  readonly staging: LocalPath;
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
  readonly #staging: LocalPath;
  readonly #missing: Map<WirePath, WantedFile>;
  readonly #writing = new Set<Promise<void>>();
  #writingBytes = 0;
  #error: Error | undefined;

  constructor(context: GetContext, { files, staging }: Batch) {
    this.#context = context;
    this.#staging = staging;
    this.#missing = new Map(files.map((file) => [file.path, file]));
  }

  async attempt(signal: AbortSignal): Promise<void> {
    const { peer, share } = this.#context;
    const body = [...this.#missing.keys()].map((path) => `${JSON.stringify(path)}\n`).join('');
    const response = await askPeer(peer, { method: 'POST', path: archiveUrl(share), body, signal });
    this.#context.began();
    try {
      for await (const item of readArchive(response)) {
        if ('content' in item) await this.#take(item);
        else this.#report(item);
      }
      if (this.#missing.size > 0)
        throw new NethoodError('bad-message', `${peerName(peer)} left out files without a word.`);
    } catch (error) {
      signal.throwIfAborted();
      throw this.#cause(error, response.complete);
    } finally {
      response.destroy();
      await Promise.all(this.#writing);
    }
    this.#check();
  }

  /** An archive that ends too early, however it shows, is a broken connection. */
  #cause(error: unknown, complete: boolean): NethoodError {
    const name = peerName(this.#context.peer);
    if (!complete || error instanceof NethoodError) return connectionError(error, name);
    return new NethoodError('bad-message', `${name} sent an archive that cannot be read.`, { cause: error });
  }

  async #take(archived: ArchivedFile): Promise<void> {
    const file = this.#asked(archived.path);
    this.#context.progress.received(archived.content.length);
    const write = this.#write(file, archived)
      .catch((error: unknown) => {
        if (isUnholdable(error)) this.failed.push({ file, code: 'not-found' });
        else this.#error ??= toNethoodError(error);
      })
      .finally(() => {
        this.#writing.delete(write);
        this.#writingBytes -= archived.content.length;
      });
    this.#writing.add(write);
    this.#writingBytes += archived.content.length;
    while (this.#writing.size >= writtenAtOnce || this.#writingBytes >= bytesAtOnce) await Promise.race(this.#writing);
    this.#check();
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

  async #write(file: WantedFile, { content, modified }: ArchivedFile): Promise<void> {
    const name = `small-${identityHash(file.path).slice(0, 32)}`;
    const part = joinLocal(this.#staging, Buffer.from(name));
    try {
      await writeWhole(part, content, modified);
    } catch (error) {
      throw writeError(error, shownPath(joinLocal(file.place.folder, file.place.name)));
    }
    await publish(part, file.place, { size: content.length, modified });
    this.#context.progress.add({ files: 1 });
  }

  #check(): void {
    if (this.#error !== undefined) throw this.#error;
  }
}

async function writeWhole(path: LocalPath, content: Buffer, modified: number): Promise<void> {
  const fd = await openFd(path, openFlags.create, 0o666);
  try {
    for (let at = 0; at < content.length;) {
      const { bytesWritten } = await writeFd(fd, content, at, content.length - at, at);
      at += bytesWritten;
    }
    const time = timeForSystem(modified);
    await futimesFd(fd, time, time);
    await fdatasyncFd(fd);
  } catch (error) {
    await closeQuietly(fd);
    throw error;
  }
  closeAtOnce(fd);
}

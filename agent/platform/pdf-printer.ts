/**
 * The built-in printer `PDF`: each document becomes a file in a folder of the user. PDF documents are kept byte for
 * byte; JPEG and text get the extension of their own kind. Raster is refused, so that clients send PDF instead.
 *
 * A document is written and fsynced, gets a hidden name that holds the job's uuid, then its final name, then the hidden
 * one goes. So after a crash it can always be told whether the document arrived: the hidden file has two names,
 * or it is gone although its delivery had begun.
 */
import { createWriteStream } from 'node:fs';
import { link, lstat, mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import { JobUuid, QueueName } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import { Journal } from '../base/journal.ts';
import { syncFolder } from '../base/write-file-durable.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import type { BackendJob, Document, PrintBackend, Queue } from '../printing/print-backend.ts';
import { pdfAttributes } from './pdf-attributes.ts';
import { documentNames } from './pdf-names.ts';

export interface PdfPrinterDeps {
  /** Where documents land; made if need be. */
  readonly folder: string;
  /** Of our own state: which jobs were delivered. */
  readonly stateFolder: string;
  readonly clock: Clock;
}

export const pdfQueue = QueueName.parse('PDF');

/** Written before a document gets its name: from here on the hidden file tells how far it came. */
const Delivery = z.object({ uuid: JobUuid, at: z.int() });
const keptMs = 30 * 24 * 3_600_000;

export async function openPdfPrinter(deps: PdfPrinterDeps): Promise<PrintBackend> {
  await mkdir(deps.stateFolder, { recursive: true, mode: 0o700 });
  const { journal, records } = await Journal.open(join(deps.stateFolder, 'pdf-printer.journal'));
  const kept = records.flatMap((record) => Delivery.safeParse(record).data ?? []);
  const recent = kept.filter(({ at }) => at + keptMs > deps.clock.wall());
  if (recent.length < records.length) await journal.rewrite(recent);
  return new PdfPrinter(deps, journal, new Set(recent.map(({ uuid }) => uuid)));
}

class PdfPrinter implements PrintBackend {
  readonly #deps: PdfPrinterDeps;
  readonly #journal: Journal;
  readonly #begun: Set<JobUuid>;

  constructor(deps: PdfPrinterDeps, journal: Journal, begun: Set<JobUuid>) {
    this.#deps = deps;
    this.#journal = journal;
    this.#begun = begun;
  }

  list(signal: AbortSignal): Promise<readonly Queue[]> {
    return signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve([onlyQueue]);
  }

  describe(queue: QueueName): Promise<AttributeGroup> {
    return queue === pdfQueue ? Promise.resolve(pdfAttributes) : Promise.reject(noSuchQueue(queue));
  }

  async submit(queue: QueueName, document: Document, signal: AbortSignal): Promise<BackendJob> {
    if (queue !== pdfQueue) throw noSuchQueue(queue);
    signal.throwIfAborted();
    const { folder } = this.#deps;
    const hidden = this.#hiddenFile(document.uuid);
    await mkdir(folder, { recursive: true }).catch((error: unknown) => folderError(error, folder));
    // The hidden name is only ever there with a whole document: its absence means something.
    await takeDocument(document, hidden, signal).catch((error: unknown) => folderError(error, folder));
    await this.#begin(document.uuid);
    await giveName(folder, hidden, documentNames(document.name, document.format)).catch((error: unknown) =>
      folderError(error, folder),
    );
    await rm(hidden, { force: true });
    await syncFolder(folder);
    return delivered(document.uuid);
  }

  async find(_queue: QueueName, uuid: JobUuid): Promise<BackendJob | undefined> {
    if (!this.#begun.has(uuid)) return undefined;
    const hidden = this.#hiddenFile(uuid);
    const links = await stat(hidden).then(({ nlink }) => nlink, missing);
    if (links === 1) return undefined;
    // Two names: the crash came between the name and the end of the hidden one.
    if (links !== undefined) await rm(hidden, { force: true });
    return delivered(uuid);
  }

  /** A document is a file the moment it is taken; there is nothing left to stop. */
  cancel(_queue: QueueName, reference: string): Promise<void> {
    return this.#knows(reference) ? Promise.resolve() : Promise.reject(noSuchJob(reference));
  }

  hold(): Promise<void> {
    return Promise.reject(new NethoodError('unsupported', 'The PDF printer prints at once and holds no job.'));
  }

  release(): Promise<void> {
    return Promise.reject(new NethoodError('unsupported', 'The PDF printer prints at once; none of its jobs is held.'));
  }

  async *watch(_queue: QueueName, reference: string): AsyncGenerator<BackendJob, void, undefined> {
    if (!this.#knows(reference)) throw noSuchJob(reference);
    yield await Promise.resolve(delivered(reference));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal[Symbol.asyncDispose]();
  }

  #knows(reference: string): boolean {
    return this.#begun.has(reference as JobUuid);
  }

  async #begin(uuid: JobUuid): Promise<void> {
    await syncFolder(this.#deps.folder);
    if (this.#begun.has(uuid)) return;
    await this.#journal.append({ uuid, at: this.#deps.clock.wall() });
    this.#begun.add(uuid);
  }

  #hiddenFile(uuid: JobUuid): string {
    return join(this.#deps.folder, `.${uuid.slice('urn:uuid:'.length)}.nethood-part`);
  }
}

const onlyQueue: Queue = {
  id: pdfQueue,
  info: 'PDF',
  location: '',
  makeAndModel: 'nethood PDF',
  state: 'idle',
  stateReasons: [],
  accepting: true,
};

function delivered(reference: string): BackendJob {
  return { reference, state: 'completed', stateReasons: ['job-completed-successfully'] };
}

/** `link` never overwrites. Where the file system has no links (FAT), a rename to a name that looks free. */
async function giveName(folder: string, hidden: string, names: Iterable<string>): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    try {
      await link(hidden, path);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EOPNOTSUPP') throw error;
    }
    if ((await lstat(path).catch(missing)) === undefined) return rename(hidden, path);
  }
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** Whole and fsynced under the hidden name, or nothing at all. */
async function takeDocument(document: Document, hidden: string, signal: AbortSignal): Promise<void> {
  const incoming = `${hidden}-new`;
  try {
    await pipeline(document.open(), createWriteStream(incoming, { mode: 0o644, flush: true }), { signal });
    await rename(incoming, hidden);
  } catch (error) {
    await rm(incoming, { force: true });
    signal.throwIfAborted();
    throw error;
  }
}

/** @throws what the folder's error means; the document's own error stays what it is */
function folderError(error: unknown, folder: string): never {
  if (!(error instanceof Error) || !('code' in error) || error instanceof NethoodError) throw error;
  const full = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  if (full) throw new NethoodError('no-space', `The disk of ${folder} is full.`, { cause: error });
  throw new NethoodError('unavailable', `The folder ${folder} cannot be written: ${error.message}.`, { cause: error });
}

function noSuchQueue(queue: string): NethoodError {
  return new NethoodError('not-found', `There is no queue "${queue}" beside PDF.`);
}

function noSuchJob(reference: string): NethoodError {
  return new NethoodError('not-found', `The PDF printer knows no job ${reference}.`);
}

/**
 * The built-in printer `PDF`: each document becomes a file in a folder of the user. PDF documents are kept byte for
 * byte; PWG and Apple raster become PDF; JPEG and text get the extension of their own kind.
 *
 * A document is written and fsynced, gets a hidden name that holds the job's uuid, then its final name, then the hidden
 * one goes. So after a crash it can always be told whether the document arrived: the hidden file has two names,
 * or it is gone although its delivery had begun.
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import { JobUuid, QueueName } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import { Journal } from '../base/journal.ts';
import { syncFolder } from '../base/write-file-durable.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import type { BackendJob, Document, PrintBackend, Queue } from '../printing/print-backend.ts';
import { pdfAttributes } from './pdf-attributes.ts';
import { folderError, giveName, missing, takeDocument } from './pdf-delivery.ts';
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
const Delivery = z.object({ uuid: JobUuid, at: z.int(), pages: z.int().optional() });
type Delivery = z.infer<typeof Delivery>;
const keptMs = 30 * 24 * 3_600_000;

export async function openPdfPrinter(deps: PdfPrinterDeps): Promise<PrintBackend> {
  await mkdir(deps.stateFolder, { recursive: true, mode: 0o700 });
  const { journal, records } = await Journal.open(join(deps.stateFolder, 'pdf-printer.journal'));
  const kept = records.flatMap((record) => Delivery.safeParse(record).data ?? []);
  const recent = kept.filter(({ at }) => at + keptMs > deps.clock.wall());
  if (recent.length < records.length) await journal.rewrite(recent);
  return new PdfPrinter(deps, journal, new Map(recent.map((delivery) => [delivery.uuid, delivery])));
}

class PdfPrinter implements PrintBackend {
  readonly #deps: PdfPrinterDeps;
  readonly #journal: Journal;
  readonly #begun: Map<JobUuid, Delivery>;

  constructor(deps: PdfPrinterDeps, journal: Journal, begun: Map<JobUuid, Delivery>) {
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
    const { format, pages } = await takeDocument(document, hidden, signal).catch((error: unknown) =>
      folderError(error, folder),
    );
    await this.#begin({ uuid: document.uuid, at: this.#deps.clock.wall(), pages });
    await giveName(folder, hidden, documentNames(document.name, format)).catch((error: unknown) =>
      folderError(error, folder),
    );
    await rm(hidden, { force: true });
    await syncFolder(folder);
    return this.#delivered(document.uuid);
  }

  async find(_queue: QueueName, uuid: JobUuid): Promise<BackendJob | undefined> {
    if (!this.#knows(uuid)) return undefined;
    const hidden = this.#hiddenFile(uuid);
    const links = await stat(hidden).then(({ nlink }) => nlink, missing);
    if (links === 1) return undefined;
    // Two names: the crash came between the name and the end of the hidden one.
    if (links !== undefined) await rm(hidden, { force: true });
    return this.#delivered(uuid);
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
    yield await Promise.resolve(this.#delivered(reference));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#journal[Symbol.asyncDispose]();
  }

  #knows(reference: string): boolean {
    return this.#begun.has(reference as JobUuid);
  }

  #delivered(reference: string): BackendJob {
    const pages = this.#begun.get(reference as JobUuid)?.pages;
    const counted = pages === undefined ? {} : { pagesCompleted: pages, pagesTotal: pages };
    return { reference, state: 'completed', stateReasons: ['job-completed-successfully'], ...counted };
  }

  async #begin(delivery: Delivery): Promise<void> {
    await syncFolder(this.#deps.folder);
    if (this.#begun.has(delivery.uuid)) return;
    await this.#journal.append(delivery);
    this.#begun.set(delivery.uuid, delivery);
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

function noSuchQueue(queue: string): NethoodError {
  return new NethoodError('not-found', `There is no queue "${queue}" beside PDF.`);
}

function noSuchJob(reference: string): NethoodError {
  return new NethoodError('not-found', `The PDF printer knows no job ${reference}.`);
}

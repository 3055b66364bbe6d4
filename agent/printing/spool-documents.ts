/** The spool's folder of documents: written whole and fsynced before anybody is told, read as often as need be, deleted when done. */
import { mkdir, open, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import { randomId } from '../base/random-id.ts';
import { SyncedFolder } from '../base/synced-folder.ts';
import { sniffBytes } from './document-format.ts';
import { documentStream } from './document-stream.ts';
import { gatheredChunks } from './gathered-chunks.ts';
import { GrowingFile } from './growing-file.ts';
import type { Job } from './job.ts';
import type { DocumentSender } from './spool-quota.ts';

export interface DocumentLimits {
  /** Bytes of one document. */
  readonly largestDocument: number;
  /** Bytes that stay free on the disk. */
  readonly reserve: number;
}

export interface IncomingDocument {
  readonly stream: Readable;
  /** Bytes to come, where known. */
  readonly declaredBytes?: number | undefined;
  /** What its sender says of it, for who asks later. */
  readonly supplied?: NonNullable<Job['document']>['supplied'];
  /** From the first bytes to the MIME type. @throws NethoodError `bad-document` */
  readonly check: (head: Buffer) => string;
}

/** How often the room on the disk is looked at while a document comes in. */
const checkEveryBytes = 32 * 2 ** 20;

export class SpoolDocuments implements AsyncDisposable {
  readonly #folder: string;
  readonly #limits: () => DocumentLimits;
  #names: SyncedFolder | undefined;
  /** Bytes of documents that come in just now, by their sender. */
  readonly #incoming = new Map<string, number>();

  constructor(folder: string, limits: () => DocumentLimits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** Removes what belongs to no job: the remains of a crash. Tells which of the wanted ones are there. */
  async open(wanted: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    this.#names = await SyncedFolder.open(this.#folder);
    const there = await readdir(this.#folder);
    for (const name of there) if (!wanted.has(name)) await rm(join(this.#folder, name), { force: true });
    return new Set(there);
  }

  /** @throws NethoodError `too-large`, `no-space`, `bad-document`, `interrupted` (the stream broke), `write-failed` */
  async receive(
    document: IncomingDocument,
    signal: AbortSignal,
    sender?: DocumentSender,
  ): Promise<NonNullable<Job['document']>> {
    const names = this.#names;
    if (names === undefined) throw new Error('The folder of documents is not open.');
    const hasRoom = this.#refuseEarly(document.declaredBytes ?? 0, sender);
    hasRoom.catch(() => undefined); // Told below, before a byte is taken.
    const file = randomId();
    const path = join(this.#folder, file);
    const handle = await open(path, 'wx', 0o600).catch(writeFailed);
    // The name is safe by the time that the bytes are: one wait for the disk less.
    const named = names.sync();
    named.catch(() => undefined); // Told below, unless something else was wrong before.
    try {
      await hasRoom;
      const content = new GrowingFile(handle);
      const { bytes, format } = await this.#write(content, document, { signal, sender });
      await Promise.all([content.sync(), named]).catch(writeFailed);
      // What it could still say is of no weight: the bytes are safe.
      handle.close().catch(() => undefined);
      return { file, bytes, format, ...(document.supplied && { supplied: document.supplied }) };
    } catch (error) {
      await handle.close().catch(() => undefined); // Closed already, or beyond help: the first error counts.
      await rm(path, { force: true });
      throw error;
    }
  }

  read(document: NonNullable<Job['document']>): Readable {
    return documentStream(join(this.#folder, document.file));
  }

  async remove(document: NonNullable<Job['document']>): Promise<void> {
    await rm(join(this.#folder, document.file), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#names?.[Symbol.asyncDispose]();
  }

  async #write(
    content: GrowingFile,
    { stream, check }: IncomingDocument,
    { signal, sender }: { signal: AbortSignal; sender: DocumentSender | undefined },
  ): Promise<{ bytes: number; format: string }> {
    let head = Buffer.alloc(0);
    let format: string | undefined;
    let bytes = 0;
    let checkAt = checkEveryBytes;
    for await (const chunks of this.#counted(gatheredChunks(stream, signal), sender)) {
      if (format === undefined) {
        head = Buffer.concat([head, ...chunks.map((chunk) => chunk.subarray(0, sniffBytes))]);
        if (head.length >= sniffBytes) format = check(head);
      }
      bytes += lengthOf(chunks);
      if (bytes > this.#limits().largestDocument) throw this.#tooLarge();
      await content.write(chunks).catch(writeFailed);
      if (bytes < checkAt) continue;
      checkAt += checkEveryBytes;
      await this.#refuseEarly(0, sender);
    }
    return { bytes, format: format ?? check(head) };
  }

  async *#counted(
    batches: AsyncIterable<readonly Buffer[]>,
    sender: DocumentSender | undefined,
  ): AsyncGenerator<readonly Buffer[], void, undefined> {
    let bytes = 0;
    try {
      for await (const batch of batches) {
        bytes += lengthOf(batch);
        this.#count(sender, lengthOf(batch));
        yield batch;
      }
    } finally {
      this.#count(sender, -bytes);
    }
  }

  #count(sender: DocumentSender | undefined, bytes: number): void {
    if (sender === undefined) return;
    const now = (this.#incoming.get(sender.id) ?? 0) + bytes;
    if (now > 0) this.#incoming.set(sender.id, now);
    else this.#incoming.delete(sender.id);
  }

  /** What of a sender waits takes half of the room at most: for the others there is always some. */
  async #refuseEarly(bytes: number, sender: DocumentSender | undefined): Promise<void> {
    const { largestDocument, reserve } = this.#limits();
    if (bytes > largestDocument) throw this.#tooLarge();
    const { bavail, bsize } = await statfs(this.#folder);
    const room = bavail * bsize - reserve;
    if (room < bytes) throw new NethoodError('no-space', 'The disk of the print spool has no room for the document.');
    if (sender === undefined) return;
    const own = sender.waiting() + (this.#incoming.get(sender.id) ?? 0);
    if (own + bytes > (room + own) / 2)
      throw new NethoodError('no-space', 'Documents of this sender take half of the room of the print spool already.');
  }

  #tooLarge(): NethoodError {
    return new NethoodError('too-large', `The document has more than ${this.#limits().largestDocument} bytes.`);
  }
}

function lengthOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

function writeFailed(error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    throw new NethoodError('no-space', 'The disk of the print spool is full.', { cause: error });
  throw new NethoodError('write-failed', `The print spool cannot be written: ${error.message}.`, { cause: error });
}

/**
 * Writes files by the thousand, each whole under its name or not at all. Gathers them into batches for a thread of its
 * own; what is added is copied, and at most a few batches are under way.
 */
import { NethoodError } from '../../protocol/errors.ts';
import { writeError } from './file-errors.ts';
import { joinLocal, type LocalPath, pathToLatin1, shownPath } from './local-path.ts';
import { bufferBytes, type KeptThread } from './kept-thread.ts';
import type { Place } from './publish.ts';
import type { ReadAnswer, ReadAsk } from './read-batch.ts';
import type { BatchAnswer, BatchAsk, BatchFault, BatchFile } from './write-batch.ts';

const batchFiles = 256;
/** A batch grows with what was written before: who is killed loses a few of them, and no more than a little of the whole. */
const leastBytes = 256 << 10;
const leastPart = 128;
/** One is made safe while the next is written, and a third gathered. */
const mostUnderWay = 2;

export interface NewFile {
  readonly place: Place;
  readonly content: Uint8Array;
  readonly modified: number;
}

/** Told when the file has its name, or why it has none. */
export type Written = (error: NethoodError | undefined) => void;

/** Told when the folder is there, or why it is not. */
export type Made = (error: NethoodError | undefined) => void;

interface Batch {
  readonly content: ArrayBuffer;
  /** All of it. */
  readonly view: Uint8Array;
  readonly made: { readonly path: LocalPath; readonly told: Made }[];
  readonly files: BatchFile[];
  /** In the order of their first file. */
  readonly folders: Map<string, number>;
  readonly told: { readonly place: Place; readonly written: Written }[];
  bytes: number;
}

/** One for all writers, and for `filesOf`: what it does, it does at once, and its batches are small. */
export type BatchThread = KeptThread<BatchAsk | ReadAsk, BatchAnswer | ReadAnswer>;

export class BatchWriter implements AsyncDisposable {
  readonly #staging: string;
  readonly #kept: BatchThread;
  readonly #thread: ReturnType<BatchThread['use']>;
  readonly #underWay = new Set<Promise<void>>();
  #batch: Batch | undefined;
  #parts = 0;
  #bytes = 0;

  /** @param staging a folder of ours on the same file system, where files are before they have their names */
  constructor(staging: LocalPath, kept: BatchThread) {
    this.#staging = pathToLatin1(staging);
    this.#kept = kept;
    this.#thread = kept.use();
  }

  /** Whether `add` should wait for `room`. */
  get full(): boolean {
    return this.#underWay.size >= mostUnderWay;
  }

  /** A different file of that name stays, and this one becomes `name (2)`. */
  add({ place, content, modified }: NewFile, written: Written): void {
    if (this.#batch !== undefined && this.#batch.bytes + content.length > this.#most) this.#send();
    const batch = (this.#batch ??= this.#newBatch(content.length));
    batch.view.set(content, batch.bytes);
    batch.bytes += content.length;
    this.#bytes += content.length;
    const folder = pathToLatin1(place.folder);
    const index = batch.folders.get(folder) ?? batch.folders.size;
    batch.folders.set(folder, index);
    const part = `small-${this.#parts++}`;
    const name = place.name.toString('latin1');
    batch.files.push({ folder: index, name, part, size: content.length, modified });
    batch.told.push({ place, written });
    // Not with the next that does not fit: whoever sends may wait until these are written.
    if (batch.files.length >= batchFiles || batch.bytes >= this.#most) this.#send();
  }

  /** Before the files that are added after it. One that is there already will do. */
  makeFolder(path: LocalPath, told: Made): void {
    const batch = (this.#batch ??= this.#newBatch(0));
    batch.made.push({ path, told });
    if (batch.made.length >= batchFiles) this.#send();
  }

  async room(): Promise<void> {
    while (this.full) await Promise.race(this.#underWay);
  }

  /** All that was added until now has been told. */
  async flush(): Promise<void> {
    this.#send();
    await Promise.all(this.#underWay);
  }

  /** What is under way is ended first, so that nothing is written later. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#underWay);
    this.#kept.leave();
  }

  get #most(): number {
    return Math.min(bufferBytes, Math.max(leastBytes, this.#bytes / leastPart));
  }

  #newBatch(first: number): Batch {
    const content = first <= bufferBytes ? this.#kept.buffer() : new ArrayBuffer(first);
    return { content, view: new Uint8Array(content), made: [], files: [], folders: new Map(), told: [], bytes: 0 };
  }

  #send(): void {
    const batch = this.#batch;
    if (batch === undefined) return;
    this.#batch = undefined;
    const sent = this.#written(batch).finally(() => this.#underWay.delete(sent));
    this.#underWay.add(sent);
  }

  async #written({ content, made, files, folders, told }: Batch): Promise<void> {
    try {
      const paths = made.map(({ path }) => pathToLatin1(path));
      const ask = { staging: this.#staging, made: paths, folders: [...folders.keys()], files, content };
      const { faults, content: back } = (await this.#thread.ask(ask, [content])) as BatchAnswer;
      this.#kept.giveBack(back);
      for (const [index, { path, told: tell }] of made.entries()) tell(errorOf(faults.made[index], path));
      for (const [index, { place, written }] of told.entries()) written(fileErrorOf(faults.files[index], place));
    } catch (error) {
      const failure = new NethoodError('internal', `Files could not be written: ${String(error)}`, { cause: error });
      for (const { told: tell } of made) tell(failure);
      for (const { written } of told) written(failure);
    }
  }
}

function fileErrorOf(fault: BatchFault | undefined, { folder, name }: Place): NethoodError | undefined {
  if (fault?.errno !== 'EEXIST') return fault && errorOf(fault, joinLocal(folder, name));
  return new NethoodError('exists', `Too many files are called like ${shownPath(joinLocal(folder, name))}.`);
}

function errorOf(fault: BatchFault | undefined, path: LocalPath): NethoodError | undefined {
  if (fault === undefined) return undefined;
  return writeError(Object.assign(new Error(fault.message), { code: fault.errno }), shownPath(path));
}

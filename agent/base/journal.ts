/**
 * An append-only file of JSON records, one a line, each with a checksum: `<crc32 in 8 hex> <json>\n`.
 * A record counts once `append` has returned (written and fsynced). A torn or damaged tail, as a crash leaves it, is
 * cut off when the journal is opened; damage in the middle is skipped and counted, never guessed at.
 */
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { syncFolder, writeFileDurable } from './write-file-durable.ts';
import { dirname } from 'node:path';

export interface JournalContent {
  readonly records: unknown[];
  /** Lines whose checksum was wrong. */
  readonly damaged: number;
}

export class Journal implements AsyncDisposable {
  readonly #path: string;
  #file: FileHandle;
  /** Undefined where it must be looked at first. */
  #size: number | undefined;
  /** Appends wait here for the one write and fsync that serves them all (group commit). */
  #waiting: { line: string; done: () => void; failed: (error: unknown) => void }[] = [];
  #flushing: Promise<void> = Promise.resolve();
  #isFlushing = false;
  /** The remains of a failed write may stand at the end of the file. */
  #torn = false;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async open(path: string): Promise<{ journal: Journal } & JournalContent> {
    const content = await readFile(path).catch(missingIsEmpty);
    const { records, damaged, goodBytes } = parseJournal(content);
    const file = await open(path, 'a', 0o600);
    if (goodBytes < content.length) {
      await file.truncate(goodBytes);
      await file.sync();
    }
    await syncFolder(dirname(path));
    return { journal: new Journal(path, file), records, damaged };
  }

  /** What is on disk now, of whoever writes it. */
  static async read(path: string): Promise<JournalContent> {
    const { records, damaged } = parseJournal(await readFile(path).catch(missingIsEmpty));
    return { records, damaged };
  }

  /** Durable when the promise is kept. Concurrent calls share one fsync. */
  append(record: unknown): Promise<void> {
    return new Promise((done, failed) => {
      this.#waiting.push({ line: journalLine(record), done, failed });
      if (!this.#isFlushing) this.#flushing = this.#flush();
    });
  }

  /** Replaces the whole content, atomically; for compaction. No append may be under way. */
  async rewrite(records: readonly unknown[]): Promise<void> {
    await this.#flushing;
    await writeFileDurable(this.#path, records.map(journalLine).join(''));
    const old = this.#file;
    this.#file = await open(this.#path, 'a', 0o600);
    this.#size = undefined;
    this.#torn = false;
    await old.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing;
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    this.#isFlushing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(batch.map(({ line }) => line).join(''));
        for (const { done } of batch) done();
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    // In the same turn as the last look at the queue: who is woken by `done` appends again before a promise could tell.
    this.#isFlushing = false;
  }

  /** A write that fails half-way (full disk) is taken back, or the next record would be glued to its remains. */
  async #write(text: string): Promise<void> {
    const size = this.#size ?? (await this.#file.stat()).size;
    const bytes = Buffer.from(this.#torn ? `\n${text}` : text);
    this.#size = undefined;
    try {
      await this.#file.appendFile(bytes);
      await this.#file.datasync();
      this.#torn = false;
      this.#size = size + bytes.length;
    } catch (error) {
      // Where even that fails, a line break keeps the remains apart from the next record.
      await this.#file.truncate(size).catch(() => (this.#torn = true));
      throw error;
    }
  }
}

function journalLine(record: unknown): string {
  const json = JSON.stringify(record);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

function parseJournal(content: Buffer): JournalContent & { goodBytes: number } {
  const records: unknown[] = [];
  let damaged = 0;
  let goodBytes = 0;
  for (let at = 0, end = content.indexOf(10); end >= 0; at = end + 1, end = content.indexOf(10, at)) {
    const json = content.subarray(at + 9, end);
    if (content.toString('latin1', at, at + 9) === `${crc32(json).toString(16).padStart(8, '0')} `) {
      records.push(JSON.parse(json.toString()));
      goodBytes = end + 1;
    } else damaged++;
  }
  return { records, damaged, goodBytes };
}

function missingIsEmpty(error: NodeJS.ErrnoException): Buffer {
  if (error.code === 'ENOENT') return Buffer.alloc(0);
  throw error;
}

/**
 * The spool's memory on disk: a journal of whole job records, the latest of an id counts. A job is visible once it is
 * durable. Ids are never given twice: the highest one is kept through compaction, when the job itself is long forgotten.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { JobId } from '../../protocol/ids.ts';
import { Journal } from '../base/journal.ts';
import type { Log } from '../base/log.ts';
import { Job, senderOf } from './job.ts';

const JournalRecord = z.union([
  z.object({ job: Job }),
  /** The highest id ever given. */
  z.object({ highest: z.int().min(0) }),
]);

const keptMs = 7 * 24 * 3_600_000;

/** Of jobs that ended. More than an office makes in a week; a sender who makes jobs and takes them back all day fills no disk. */
export interface KeptRecords {
  readonly ofAll: number;
  /** Of one device or one guest's address. */
  readonly ofOne: number;
}

export const usualRecords: KeptRecords = { ofAll: 10_000, ofOne: 2_000 };
/** Lines beyond those that count, before the journal is written anew. */
const idleLines = 2_000;

interface Content {
  readonly jobs: Map<JobId, Job>;
  readonly highest: number;
  readonly lines: number;
}

export class SpoolStore implements AsyncDisposable {
  readonly #journal: Journal;
  readonly #jobs: Map<JobId, Job>;
  readonly #kept: KeptRecords;
  #highest: number;
  #lines: number;
  /** Appends under way; compaction waits for them, and they for it. */
  readonly #writing = new Set<Promise<void>>();
  #compacting: Promise<void> | undefined;

  private constructor(journal: Journal, kept: KeptRecords, content: Content) {
    this.#journal = journal;
    this.#kept = kept;
    this.#jobs = content.jobs;
    this.#highest = content.highest;
    this.#lines = content.lines;
  }

  static async open(folder: string, log: Log, kept: KeptRecords = usualRecords): Promise<SpoolStore> {
    const { journal, records, damaged } = await Journal.open(join(folder, 'jobs.journal'));
    const jobs = new Map<JobId, Job>();
    let highest = 0;
    let strange = 0;
    for (const record of records) {
      const parsed = JournalRecord.safeParse(record);
      if (!parsed.success) strange++;
      else if ('highest' in parsed.data) highest = Math.max(highest, parsed.data.highest);
      else {
        const { job } = parsed.data;
        jobs.set(job.id, job);
        highest = Math.max(highest, job.id);
      }
    }
    if (damaged + strange > 0)
      log.warn({ damaged, strange }, 'Records of the print spool cannot be read; they are left out.');
    // A record that cannot be read may have held the next id.
    return new SpoolStore(journal, kept, { jobs, highest: highest + damaged + strange, lines: records.length });
  }

  get jobs(): ReadonlyMap<JobId, Job> {
    return this.#jobs;
  }

  nextId(): JobId {
    return JobId.parse(++this.#highest);
  }

  /** Durable, then visible. */
  async put(job: Job): Promise<void> {
    while (this.#compacting !== undefined) await this.#compacting;
    const write = this.#append(job);
    this.#writing.add(write);
    try {
      await write;
    } finally {
      this.#writing.delete(write);
    }
  }

  /** Visible only: what a crash may forget. */
  touch(job: Job): void {
    this.#jobs.set(job.id, job);
  }

  /** Forgets jobs that ended a week ago, or before too many others, and rewrites the journal where it has grown long. */
  async tidy(now: number): Promise<void> {
    const old = this.#old(now);
    for (const { id } of old) this.#jobs.delete(id);
    if (old.length === 0 && this.#lines < 2 * this.#jobs.size + idleLines) return;
    this.#compacting ??= this.#compact().finally(() => (this.#compacting = undefined));
    await this.#compacting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compacting?.catch(() => undefined); // Told to who asked for it.
    await this.#journal[Symbol.asyncDispose]();
  }

  #old(now: number): Job[] {
    const ended = [...this.#jobs.values()].filter((job) => job.ended !== undefined);
    const bySender = new Map<string | undefined, number>();
    let all = 0;
    return ended
      .toSorted((a, b) => (b.ended ?? 0) - (a.ended ?? 0) || b.id - a.id)
      .filter((job) => {
        const sender = senderOf(job.owner);
        const own = (bySender.get(sender) ?? 0) + 1;
        bySender.set(sender, own);
        const isOne = sender !== undefined && own > this.#kept.ofOne;
        if (isOne || (job.ended ?? 0) + keptMs < now) return true;
        return ++all > this.#kept.ofAll;
      });
  }

  async #append(job: Job): Promise<void> {
    await this.#journal.append({ job });
    this.#lines++;
    this.#jobs.set(job.id, job);
  }

  async #compact(): Promise<void> {
    await Promise.allSettled(this.#writing);
    const records = [...this.#jobs.values()].map((job) => ({ job }));
    await this.#journal.rewrite([{ highest: this.#highest }, ...records]);
    this.#lines = records.length + 1;
  }
}

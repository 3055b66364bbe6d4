/**
 * The spool's memory on disk: a journal of whole job records, the latest of an id counts. A job is visible once it is
 * durable. Ids are never given twice: the highest one is kept through compaction, when the job itself is long forgotten.
 */
import { join } from 'node:path';
import { z } from 'zod';
import { JobId } from '../../protocol/ids.ts';
import { Journal } from '../base/journal.ts';
import type { Log } from '../base/log.ts';
import { Job } from './job.ts';

const JournalRecord = z.union([
  z.object({ job: Job }),
  /** The highest id ever given. */
  z.object({ highest: z.int().min(0) }),
]);

const keptMs = 7 * 24 * 3_600_000;
/** Lines beyond those that count, before the journal is written anew. */
const idleLines = 2_000;

export class SpoolStore implements AsyncDisposable {
  readonly #journal: Journal;
  readonly #jobs: Map<JobId, Job>;
  #highest: number;
  #lines: number;
  /** Appends under way; compaction waits for them, and they for it. */
  readonly #writing = new Set<Promise<void>>();
  #compacting: Promise<void> | undefined;

  private constructor(journal: Journal, content: { jobs: Map<JobId, Job>; highest: number; lines: number }) {
    this.#journal = journal;
    this.#jobs = content.jobs;
    this.#highest = content.highest;
    this.#lines = content.lines;
  }

  static async open(folder: string, log: Log): Promise<SpoolStore> {
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
    return new SpoolStore(journal, { jobs, highest: highest + damaged + strange, lines: records.length });
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

  /** Forgets jobs that ended a week ago, and rewrites the journal where it has grown long. */
  async tidy(now: number): Promise<void> {
    const old = [...this.#jobs.values()].filter(({ ended }) => ended !== undefined && ended + keptMs < now);
    for (const { id } of old) this.#jobs.delete(id);
    if (old.length === 0 && this.#lines < 2 * this.#jobs.size + idleLines) return;
    this.#compacting ??= this.#compact().finally(() => (this.#compacting = undefined));
    await this.#compacting;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#compacting?.catch(() => undefined); // Told to who asked for it.
    await this.#journal[Symbol.asyncDispose]();
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

/**
 * Who printed what on the printers of this PC: one line for each job that ended, appended for good, the newest of them
 * kept. A job's end is in the spool's journal first; a line that a crash forgot is written at the next start.
 */
import { join } from 'node:path';
import { AccountingLine } from '../../protocol/print-order.ts';
import { Journal } from '../base/journal.ts';
import type { Log } from '../base/log.ts';
import { firstNumber } from './ipp-attributes.ts';
import { attributesFromJson } from './ipp-json.ts';
import type { Job } from './job.ts';

export interface AccountingDeps {
  readonly folder: string;
  /** `<user> on <device or address>` */
  from(job: Job): string;
  readonly log: Log;
  /** Lines that are kept. */
  readonly most?: number;
}

export interface AccountingQuery {
  /** ISO 8601. */
  readonly since?: string | undefined;
  readonly limit?: number | undefined;
}

const usualMost = 20_000;
const usualLimit = 1_000;

export class Accounting implements AsyncDisposable {
  readonly #deps: AccountingDeps;
  readonly #path: string;
  readonly #most: number;
  readonly #journal: Journal;
  #lines: number;
  /** Lines and rewriting take turns. */
  #last: Promise<void> = Promise.resolve();

  private constructor(deps: AccountingDeps, journal: Journal, lines: number) {
    this.#deps = deps;
    this.#path = pathIn(deps.folder);
    this.#most = deps.most ?? usualMost;
    this.#journal = journal;
    this.#lines = lines;
  }

  /** @param jobs those that the spool knows */
  static async open(deps: AccountingDeps, jobs: Iterable<Job>): Promise<Accounting> {
    const { journal, records, damaged } = await Journal.open(pathIn(deps.folder));
    if (damaged > 0) deps.log.warn({ damaged }, 'Lines of the print accounting cannot be read; they are left out.');
    const lines = linesOf(records);
    const accounting = new Accounting(deps, journal, records.length);
    const written = new Set(lines.map(({ job }) => job));
    const oldest = lines[0]?.at ?? '';
    for (const job of jobs) {
      const line = accounting.#lineOf(job);
      // Older than all that is kept: it had its line.
      if (line !== undefined && !written.has(job.id) && line.at >= oldest) accounting.note(job);
    }
    await accounting.#last;
    return accounting;
  }

  /** Of a job on a printer of this PC that has ended; others have no line. */
  note(job: Job): void {
    const line = this.#lineOf(job);
    if (line === undefined) return;
    this.#last = this.#last
      .then(() => this.#append(line))
      .catch((error: unknown) => {
        // The next start writes it.
        this.#deps.log.warn({ job: job.id, error }, 'The print accounting cannot be written.');
      });
  }

  /** The newest first. */
  async lines({ since = '', limit = usualLimit }: AccountingQuery): Promise<AccountingLine[]> {
    await this.#last;
    const { records } = await Journal.read(this.#path);
    const wanted = linesOf(records).filter(({ at }) => at >= since);
    return wanted.slice(-limit).toReversed();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    await this.#journal[Symbol.asyncDispose]();
  }

  async #append(line: AccountingLine): Promise<void> {
    await this.#journal.append(line);
    this.#lines++;
    if (this.#lines < 1.25 * this.#most) return;
    const { records } = await Journal.read(this.#path);
    const kept = records.slice(-this.#most);
    await this.#journal.rewrite(kept);
    this.#lines = kept.length;
  }

  #lineOf(job: Job): AccountingLine | undefined {
    if (job.ended === undefined || job.destination.device !== null) return undefined;
    return {
      at: new Date(job.ended).toISOString(),
      job: job.id,
      printer: job.destination.queue,
      from: this.#deps.from(job),
      name: job.name,
      state: job.state,
      pages: job.pages ?? null,
      copies: Math.max(firstNumber(attributesFromJson(job.template), 'copies') ?? 1, 1),
      bytes: job.document?.bytes ?? 0,
    };
  }
}

function pathIn(folder: string): string {
  return join(folder, 'accounting.journal');
}

function linesOf(records: readonly unknown[]): AccountingLine[] {
  return records.flatMap((record) => AccountingLine.safeParse(record).data ?? []);
}

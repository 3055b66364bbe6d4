/** One job of CUPS, followed to its end: woken by events where there are any, asking now and then in any case. */
import { hasCode, NethoodError, toNethoodError } from '../../protocol/errors.ts';
import { finalJobStates } from '../../protocol/resources.ts';
import { backoff } from '../base/backoff.ts';
import type { Log } from '../base/log.ts';
import { firstString, groupOf, keyword, requestOf } from '../printing/ipp-attributes.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import type { BackendJob } from '../printing/print-backend.ts';
import { printerUri, type CupsClient } from './cups-client.ts';
import type { CupsEvents } from './cups-events.ts';
import type { CupsJob } from './cups-job.ts';
import { backendJobOf, endedJobOf, gaveUp, queueStateAttributes, stoppedBy } from './cups-report.ts';

interface FollowDeps {
  readonly client: CupsClient;
  readonly events: CupsEvents;
  readonly log: Log;
}

/** How long a state may be old without events: a job that prints is asked more often than one that waits for paper overnight. */
const firstLookMs = 100;
const printingLookMs = 1_000;
const waitingLookMs = 5_000;
/** With events: they may be lost. */
const safetyLookMs = 15_000;

/**
 * Each state that differs from the one before, the final one last. @throws `not-found`, `unreachable`
 * @param queue where it was sent to
 */
export async function* followJob(
  deps: FollowDeps,
  job: CupsJob,
  queue: string,
  signal: AbortSignal,
): AsyncGenerator<BackendJob, void, undefined> {
  using following = deps.events.follow(job.id);
  const looks = new Looks(deps, job, queue);
  let told = '';
  let pauses = lookDelays();
  for (;;) {
    const now = await looks.look(signal);
    const text = JSON.stringify(now);
    if (text !== told) {
      yield now;
      pauses = lookDelays();
    }
    told = text;
    if (finalJobStates.includes(now.state)) return;
    const most = now.state === 'processing' ? printingLookMs : waitingLookMs;
    await following.wait(deps.events.live ? safetyLookMs : Math.min(pauses.next().value, most), signal);
  }
}

class Looks {
  readonly #deps: FollowDeps;
  readonly #job: CupsJob;
  readonly #sentTo: string;
  readonly #pages = new AttemptPages();
  #queue: string;

  constructor(deps: FollowDeps, job: CupsJob, queue: string) {
    this.#deps = deps;
    this.#job = job;
    this.#sentTo = queue;
    this.#queue = queue;
  }

  async look(signal: AbortSignal): Promise<BackendJob> {
    const { client } = this.#deps;
    const found = await client.peek(this.#job.id, signal);
    if (found === undefined) return this.#explained(await this.#vanished(signal), signal);
    client.assertSame(found, this.#job);
    this.#queue = queueOfJob(found) ?? this.#queue;
    const report = await this.#explained(await this.#reportOf(found, signal), signal);
    const moved = this.#queue === this.#sentTo ? undefined : `It was moved to the queue "${this.#queue}".`;
    return this.#pages.counted({ ...report, message: report.message ?? moved });
  }

  async #reportOf(found: AttributeGroup, signal: AbortSignal): Promise<BackendJob> {
    const { events } = this.#deps;
    const report = backendJobOf(found, this.#job, events.endOf(this.#job.id));
    if (report.state !== 'canceled' || events.endOf(this.#job.id) !== undefined) return report;
    // Why it was, its event knows.
    await this.#fetch(signal);
    return backendJobOf(found, this.#job, events.endOf(this.#job.id));
  }

  /** Where CUPS keeps no record of ended jobs (PreserveJobHistory No), its last event is all there is. */
  async #vanished(signal: AbortSignal): Promise<BackendJob> {
    const { events } = this.#deps;
    if (events.endOf(this.#job.id) === undefined) await this.#fetch(signal);
    const end = events.endOf(this.#job.id);
    if (end !== undefined) return endedJobOf(this.#job, end);
    throw new NethoodError('not-found', `The print system no longer knows job ${this.#job.id}.`);
  }

  async #explained(report: BackendJob, signal: AbortSignal): Promise<BackendJob> {
    // CUPS cancels the jobs of a queue that is deleted, say to change its driver, and calls that a wish of the user.
    if (report.state === 'canceled' && (await this.#askQueue(signal)) === undefined)
      return { ...report, ...gaveUp(`its queue "${this.#queue}" was deleted`) };
    // Of a job that came to a queue that was stopped already CUPS says nothing.
    if (report.state === 'pending' && report.stateReasons.length === 0)
      return stoppedBy(report, await this.#askQueue(signal));
    // A job that failed to convert stays in CUPS, and a person could start it again.
    if (report.stateReasons.includes('document-unprintable-error'))
      await this.#deps.client.cancel(this.#job, signal).catch((error: unknown) => this.#note(error));
    return report;
  }

  /** Undefined where it is no more; empty where CUPS does not say. */
  async #askQueue(signal: AbortSignal): Promise<AttributeGroup | undefined> {
    const request = requestOf('Get-Printer-Attributes', {
      ...printerUri(this.#queue),
      'requested-attributes': keyword(...queueStateAttributes),
    });
    return this.#deps.client.ask(request, signal).then(
      (response) => groupOf(response, 'printer'),
      (error: unknown) => (hasCode(error, 'not-found') ? undefined : new Map()),
    );
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    await this.#deps.events.fetch(signal).catch((error: unknown) => this.#note(error));
    signal.throwIfAborted();
  }

  #note(error: unknown): void {
    const { message } = toNethoodError(error);
    this.#deps.log.debug({ job: this.#job.id, error: message }, 'CUPS says no more about a job.');
  }
}

/** CUPS adds the pages of all its tries up. What counts for people is how far this one has come. */
class AttemptPages {
  #before = 0;
  #stoppedAt = 0;

  counted(report: BackendJob): BackendJob {
    const { state, pagesCompleted, pagesTotal } = report;
    if (pagesCompleted === undefined) return report;
    if (state === 'processing') this.#before = this.#stoppedAt;
    else if (!finalJobStates.includes(state)) this.#stoppedAt = pagesCompleted;
    const pages = Math.max(0, pagesCompleted - this.#before);
    return { ...report, pagesCompleted: Math.min(pages, pagesTotal ?? pages) };
  }
}

function queueOfJob(job: AttributeGroup): string | undefined {
  const last = firstString(job, 'job-printer-uri')?.split('/').at(-1);
  try {
    return last === undefined ? undefined : decodeURIComponent(last);
  } catch {
    // CUPS writes names of queues as they are.
    return last;
  }
}

function lookDelays(): Generator<number, never, undefined> {
  return backoff({ firstMs: firstLookMs, mostMs: waitingLookMs, jitter: 0, random: () => 0 });
}

/**
 * The local print system as a place where documents go: CUPS, asked by IPP as any of its clients does, from every user
 * account and without its library. Nothing stays open between two calls, so it may be restarted at any time.
 */
import { userInfo } from 'node:os';
import { NethoodError, hasCode, toNethoodError, type ErrorCode } from '../../protocol/errors.ts';
import type { JobUuid, QueueName } from '../../protocol/ids.ts';
import { finalJobStates } from '../../protocol/resources.ts';
import { backoff } from '../base/backoff.ts';
import { sleep, type Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import {
  firstNumber,
  firstString,
  groupOf,
  groupsOf,
  integer,
  keyword,
  mimeMediaType,
  name,
  requestOf,
  uri,
} from '../printing/ipp-attributes.ts';
import { askIpp } from '../printing/ipp-client.ts';
import type { AttributeGroup, IppRequest, IppResponse, IppValue } from '../printing/ipp-values.ts';
import type { BackendJob, Document, PrintBackend, Queue } from '../printing/print-backend.ts';
import { backendJobOf, jobAttributes, oneLine, readReference, templateFor, type CupsJob } from './cups-job.ts';
import { queueAttributes, queueOf } from './cups-queue.ts';
import { cupsTarget } from './cups-server.ts';

export interface CupsDeps {
  /** CUPS_SERVER is read from it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
  /** DNS-SD names under which agents announce printers now, our own included: queues that lead there are not shared again. */
  readonly instances: () => ReadonlySet<string>;
}

export function createCupsBackend(deps: CupsDeps): PrintBackend {
  return new CupsBackend(deps);
}

/** How long a state may be old: a job that prints is asked more often than one that waits for paper overnight. */
const firstLookMs = 100;
const printingLookMs = 1_000;
const waitingLookMs = 5_000;

/** Jobs of one answer of Get-Jobs; CUPS gives no more than 500 in any case. */
const jobsAtOnce = 500;

class CupsBackend implements PrintBackend {
  readonly #deps: CupsDeps;

  constructor(deps: CupsDeps) {
    this.#deps = deps;
  }

  async list(signal: AbortSignal): Promise<readonly Queue[]> {
    const request = requestOf('CUPS-Get-Printers', { 'requested-attributes': keyword(...queueAttributes) });
    const response = await this.#ask(request, signal).catch((error: unknown) => {
      // What CUPS answers where it has no queue at all.
      if (hasCode(error, 'not-found')) return undefined;
      throw lostAs('unavailable', error);
    });
    const queues: Queue[] = [];
    for (const printer of response ? groupsOf(response, 'printer') : []) {
      const queue = queueOf(printer, this.#deps.instances());
      if (queue !== undefined) queues.push(queue);
      else
        this.#deps.log.warn(
          { name: firstString(printer, 'printer-name') },
          'A print queue is left out: its name cannot stand in an address.',
        );
    }
    return queues;
  }

  async describe(queue: QueueName, signal: AbortSignal): Promise<AttributeGroup> {
    const attributes = keyword('all', 'media-col-database');
    const request = requestOf('Get-Printer-Attributes', { ...printerUri(queue), 'requested-attributes': attributes });
    const response = await this.#ask(request, signal).catch(orUnavailable);
    // May hold the password of a device, and is nobody's business.
    return without(groupOf(response, 'printer'), 'device-uri');
  }

  /**
   * Print-Job, whole: CUPS makes the job when its document has arrived, so a connection that breaks leaves nothing
   * behind (Create-Job leaves a job without a document). CUPS takes our job-uuid for its own.
   */
  async submit(queue: QueueName, document: Document, signal: AbortSignal): Promise<BackendJob> {
    const user = oneLine(document.user, 255);
    const request = requestOf(
      'Print-Job',
      {
        ...printerUri(queue),
        'requesting-user-name': user ? name(user) : undefined,
        'job-name': name(oneLine(document.name, 255) || 'document'),
        'document-format': mimeMediaType(document.format),
      },
      { group: 'job', attributes: new Map([...templateFor(document.template), ['job-uuid', uri(document.uuid)]]) },
    );
    const response = await this.#ask(request, signal, document).catch(ofSubmission);
    const job = groupOf(response, 'job');
    const id = firstNumber(job, 'job-id');
    if (id === undefined) throw new NethoodError('unreachable', `The print system gave "${document.name}" no number.`);
    return backendJobOf(job, { id, uuid: document.uuid, user });
  }

  /** In all queues: somebody may have moved it to another one. */
  async find(_queue: QueueName, uuid: JobUuid, signal: AbortSignal): Promise<BackendJob | undefined> {
    for (let first = 1; ;) {
      const jobs = await this.#jobs(first, signal);
      const job = jobs.find((each) => firstString(each, 'job-uuid') === uuid);
      if (job !== undefined) return ofFound(job, uuid);
      const last = Math.max(...jobs.map((each) => firstNumber(each, 'job-id') ?? 0));
      if (jobs.length < jobsAtOnce || last < first) return undefined;
      first = last + 1;
    }
  }

  async cancel(_queue: QueueName, reference: string, signal: AbortSignal): Promise<void> {
    const job = readReference(reference);
    // The number may be another job's by now.
    const { state } = await this.#look(job, signal);
    if (finalJobStates.includes(state)) return;
    const user = name(job.user || userInfo().username);
    const request = requestOf('Cancel-Job', { ...jobUri(job), 'requesting-user-name': user });
    await this.#ask(request, signal).catch(async (error: unknown) => {
      // It may have ended just now; that is what was wanted.
      if (hasCode(error, 'not-permitted') && finalJobStates.includes((await this.#look(job, signal)).state)) return;
      orUnreachable(error);
    });
  }

  async *watch(_queue: QueueName, reference: string, signal: AbortSignal): AsyncIterable<BackendJob> {
    const job = readReference(reference);
    let told = '';
    let pauses = looks();
    for (;;) {
      const now = await this.#look(job, signal);
      const text = JSON.stringify(now);
      if (text !== told) {
        yield now;
        pauses = looks();
      }
      told = text;
      if (finalJobStates.includes(now.state)) return;
      const most = now.state === 'processing' ? printingLookMs : waitingLookMs;
      await sleep(this.#deps.clock, Math.min(pauses.next().value, most), signal);
    }
  }

  /** Holds nothing: each call has a connection of its own and ends it. */
  async [Symbol.asyncDispose](): Promise<void> {}

  /** @throws `not-found` when CUPS no longer knows it */
  async #look(job: CupsJob, signal: AbortSignal): Promise<BackendJob> {
    const request = requestOf('Get-Job-Attributes', {
      ...jobUri(job),
      'requested-attributes': keyword(...jobAttributes),
    });
    const response = await this.#ask(request, signal).catch(orUnreachable);
    const found = groupOf(response, 'job');
    if (firstString(found, 'job-uuid') !== job.uuid)
      throw new NethoodError(
        'not-found',
        `The print system no longer knows job ${job.id}; that number is another job's now.`,
      );
    return backendJobOf(found, job);
  }

  async #jobs(first: number, signal: AbortSignal): Promise<AttributeGroup[]> {
    const request = requestOf('Get-Jobs', {
      'printer-uri': uri('ipp://localhost/'),
      'which-jobs': keyword('all'),
      limit: integer(jobsAtOnce),
      'first-job-id': integer(first),
      'requested-attributes': keyword(...jobAttributes),
    });
    return groupsOf(await this.#ask(request, signal).catch(orUnavailable), 'job');
  }

  async #ask(request: IppRequest, signal: AbortSignal, document?: Document): Promise<IppResponse> {
    const target = await cupsTarget(this.#deps.env['CUPS_SERVER']);
    return askIpp(target, request, document ? { signal, document: () => document.open() } : { signal });
  }
}

function looks(): Generator<number, never, undefined> {
  return backoff({ firstMs: firstLookMs, mostMs: waitingLookMs, jitter: 0, random: () => 0 });
}

type OperationAttributes = Record<string, readonly IppValue[]>;

/** CUPS goes by the path alone; classes too answer to this one. */
function printerUri(queue: QueueName): OperationAttributes {
  return { 'printer-uri': uri(`ipp://localhost/printers/${encodeURIComponent(queue)}`) };
}

/** Whatever queue it is in by now. */
function jobUri(job: CupsJob): OperationAttributes {
  return { 'job-uri': uri(`ipp://localhost/jobs/${job.id}`) };
}

function ofFound(job: AttributeGroup, uuid: JobUuid): BackendJob {
  const id = firstNumber(job, 'job-id') ?? 0;
  return backendJobOf(job, { id, uuid, user: firstString(job, 'job-originating-user-name') ?? '' });
}

function without(group: AttributeGroup, attribute: string): AttributeGroup {
  return new Map(Array.from(group).filter(([each]) => each !== attribute));
}

/** Faults of the connection and of the print system as a whole, under the code that a caller of backends expects. */
function lostAs(code: ErrorCode, error: unknown): unknown {
  return hasCode(error, 'unreachable', 'unavailable', 'interrupted', 'timeout', 'bad-message')
    ? new NethoodError(code, toNethoodError(error).message, { cause: error })
    : error;
}

function orUnavailable(error: unknown): never {
  throw lostAs('unavailable', error);
}

function orUnreachable(error: unknown): never {
  throw lostAs('unreachable', error);
}

function ofSubmission(error: unknown): never {
  const { message } = toNethoodError(error);
  // CUPS says so of a full disk too; it sets no limit of its own.
  if (hasCode(error, 'too-large')) throw new NethoodError('no-space', message, { cause: error });
  if (hasCode(error, 'bad-request')) throw new NethoodError('bad-document', message, { cause: error });
  throw lostAs('unreachable', error);
}

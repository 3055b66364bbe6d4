/**
 * The local print system as a place where documents go: CUPS, asked by IPP as any of its clients does, from every user
 * account and without its library. Nothing stays open between two calls, so it may be restarted at any time.
 */
import { NethoodError, hasCode, toNethoodError } from '../../protocol/errors.ts';
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
  keyword,
  mimeMediaType,
  name,
  requestOf,
  uri,
  type AttributeTable,
} from '../printing/ipp-attributes.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import type { BackendJob, Document, PrintBackend, Queue } from '../printing/print-backend.ts';
import { CupsClient, jobsAtOnce, lostAs, orUnavailable } from './cups-client.ts';
import { backendJobOf, oneLine, readReference, templateFor, type CupsJob } from './cups-job.ts';
import { queueAttributes, queueOf } from './cups-queue.ts';

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

class CupsBackend implements PrintBackend {
  readonly #deps: CupsDeps;
  readonly #client: CupsClient;

  constructor(deps: CupsDeps) {
    this.#deps = deps;
    this.#client = new CupsClient(deps.env);
  }

  async list(signal: AbortSignal): Promise<readonly Queue[]> {
    const request = requestOf('CUPS-Get-Printers', { 'requested-attributes': keyword(...queueAttributes) });
    const response = await this.#client.ask(request, signal).catch((error: unknown) => {
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
    const response = await this.#client.ask(request, signal).catch(orUnavailable);
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
    const response = await this.#client.ask(request, signal, document).catch(ofSubmission);
    const job = groupOf(response, 'job');
    const id = firstNumber(job, 'job-id');
    if (id === undefined) throw new NethoodError('unreachable', `The print system gave "${document.name}" no number.`);
    return backendJobOf(job, { id, uuid: document.uuid, user });
  }

  /** In all queues: somebody may have moved it to another one. */
  async find(_queue: QueueName, uuid: JobUuid, signal: AbortSignal): Promise<BackendJob | undefined> {
    for (let first = 1; ;) {
      const jobs = await this.#client.jobs(first, signal);
      const job = jobs.find((each) => firstString(each, 'job-uuid') === uuid);
      if (job !== undefined) return ofFound(job, uuid);
      const last = Math.max(...jobs.map((each) => firstNumber(each, 'job-id') ?? 0));
      if (jobs.length < jobsAtOnce || last < first) return undefined;
      first = last + 1;
    }
  }

  cancel(_queue: QueueName, reference: string, signal: AbortSignal): Promise<void> {
    return this.#on(reference, (job) => this.#client.cancel(job, signal));
  }

  hold(_queue: QueueName, reference: string, signal: AbortSignal): Promise<void> {
    return this.#on(reference, (job) => this.#client.hold(job, signal));
  }

  release(_queue: QueueName, reference: string, signal: AbortSignal): Promise<void> {
    return this.#on(reference, (job) => this.#client.release(job, signal));
  }

  async *watch(_queue: QueueName, reference: string, signal: AbortSignal): AsyncIterable<BackendJob> {
    const job = readReference(reference);
    let told = '';
    let pauses = looks();
    for (;;) {
      const now = await this.#client.look(job, signal);
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

  async #on(reference: string, act: (job: CupsJob) => Promise<void>): Promise<void> {
    await act(readReference(reference));
  }
}

function looks(): Generator<number, never, undefined> {
  return backoff({ firstMs: firstLookMs, mostMs: waitingLookMs, jitter: 0, random: () => 0 });
}

/** CUPS goes by the path alone; classes too answer to this one. */
function printerUri(queue: QueueName): AttributeTable {
  return { 'printer-uri': uri(`ipp://localhost/printers/${encodeURIComponent(queue)}`) };
}

function ofFound(job: AttributeGroup, uuid: JobUuid): BackendJob {
  const id = firstNumber(job, 'job-id') ?? 0;
  return backendJobOf(job, { id, uuid, user: firstString(job, 'job-originating-user-name') ?? '' });
}

function without(group: AttributeGroup, attribute: string): AttributeGroup {
  return new Map(Array.from(group).filter(([each]) => each !== attribute));
}

function ofSubmission(error: unknown): never {
  const { message } = toNethoodError(error);
  // CUPS says so of a full disk too; it sets no limit of its own.
  if (hasCode(error, 'too-large')) throw new NethoodError('no-space', message, { cause: error });
  if (hasCode(error, 'bad-request')) throw new NethoodError('bad-document', message, { cause: error });
  throw lostAs('unreachable', error);
}

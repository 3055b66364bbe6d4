/**
 * The local print system as a place where documents go: CUPS, asked by IPP as any of its clients does, from every user
 * account and without its library. Each call has a connection of its own, so it may be restarted at any time.
 */
import { NethoodError, hasCode, toNethoodError } from '../../protocol/errors.ts';
import type { JobUuid, QueueName } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
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
import type { AttributeGroup } from '../printing/ipp-values.ts';
import type { BackendJob, Document, PrintBackend, Queue } from '../printing/print-backend.ts';
import { CupsClient, lostAs, orUnavailable, printerUri } from './cups-client.ts';
import { CupsEvents } from './cups-events.ts';
import { findJob } from './cups-find.ts';
import { followJob } from './cups-follow.ts';
import { readReference, templateFor, type CupsJob } from './cups-job.ts';
import { queueAttributes, queueOf } from './cups-queue.ts';
import { backendJobOf } from './cups-report.ts';
import { oneLine } from './one-line.ts';

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

/**
 * Seconds that a job may print in CUPS. Its own limit (MaxJobTime, three hours) would end a job that waits for paper
 * overnight.
 */
const longestPrinting = 86_400;

class CupsBackend implements PrintBackend {
  readonly #deps: CupsDeps;
  readonly #client: CupsClient;
  readonly #events: CupsEvents;

  constructor(deps: CupsDeps) {
    this.#deps = deps;
    this.#client = new CupsClient(deps.env);
    this.#events = new CupsEvents({ client: this.#client, clock: deps.clock, log: deps.log });
  }

  async list(signal: AbortSignal): Promise<readonly Queue[]> {
    this.#events.start();
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
      {
        group: 'job',
        attributes: new Map([
          ...templateFor(document.template),
          ['job-uuid', uri(document.uuid)],
          ['job-cancel-after', integer(longestPrinting)],
        ]),
      },
    );
    const response = await this.#client.ask(request, signal, document).catch(ofSubmission);
    const job = groupOf(response, 'job');
    const id = firstNumber(job, 'job-id');
    if (id === undefined) throw new NethoodError('unreachable', `The print system gave "${document.name}" no number.`);
    return backendJobOf(job, { id, uuid: document.uuid, user });
  }

  find(queue: QueueName, uuid: JobUuid, signal: AbortSignal): Promise<BackendJob | undefined> {
    return findJob(this.#client, queue, uuid, signal);
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

  async *watch(queue: QueueName, reference: string, signal: AbortSignal): AsyncIterable<BackendJob> {
    this.#events.start();
    const deps = { client: this.#client, events: this.#events, log: this.#deps.log };
    yield* followJob(deps, readReference(reference), queue, signal);
  }

  onChange(listener: () => void): Disposable {
    return this.#events.events.on('queues', listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events[Symbol.asyncDispose]();
  }

  async #on(reference: string, act: (job: CupsJob) => Promise<void>): Promise<void> {
    await act(readReference(reference));
  }
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

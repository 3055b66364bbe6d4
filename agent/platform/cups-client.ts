/** Questions to CUPS about jobs that it has, and what may be done to them. Each call has a connection of its own. */
import { userInfo } from 'node:os';
import { hasCode, NethoodError, toNethoodError, type ErrorCode } from '../../protocol/errors.ts';
import { finalJobStates } from '../../protocol/resources.ts';
import {
  firstString,
  groupOf,
  groupsOf,
  integer,
  jobStateOf,
  keyword,
  name,
  requestOf,
  uri,
  type AttributeTable,
} from '../printing/ipp-attributes.ts';
import { askIpp } from '../printing/ipp-client.ts';
import type { OperationName } from '../printing/ipp-tables.ts';
import type { AttributeGroup, IppRequest, IppResponse } from '../printing/ipp-values.ts';
import type { Document } from '../printing/print-backend.ts';
import type { CupsJob } from './cups-job.ts';
import { jobAttributes } from './cups-report.ts';
import { cupsTarget } from './cups-server.ts';

/** Jobs of one answer of Get-Jobs; CUPS gives no more than 500 in any case. */
export const jobsAtOnce = 500;

export class CupsClient {
  readonly #env: Readonly<Record<string, string | undefined>>;

  /** @param env CUPS_SERVER is read from it */
  constructor(env: Readonly<Record<string, string | undefined>>) {
    this.#env = env;
  }

  /** @throws as `askIpp` */
  async ask(request: IppRequest, signal: AbortSignal, document?: Document): Promise<IppResponse> {
    const target = await cupsTarget(this.#env['CUPS_SERVER']);
    return askIpp(target, request, document ? { signal, document: () => document.open() } : { signal });
  }

  /** Attributes of whatever job has this number now; undefined where none has. @throws `unreachable` */
  async peek(id: number, signal: AbortSignal): Promise<AttributeGroup | undefined> {
    const request = requestOf('Get-Job-Attributes', {
      ...jobUri(id),
      'requested-attributes': keyword(...jobAttributes),
    });
    try {
      return groupOf(await this.ask(request, signal), 'job');
    } catch (error) {
      if (hasCode(error, 'not-found')) return undefined;
      throw lostAs('unreachable', error);
    }
  }

  /** @throws `not-found` when the number is another job's by now: after a crash CUPS begins anew */
  assertSame(found: AttributeGroup, { id, uuid }: CupsJob): void {
    if (firstString(found, 'job-uuid') === uuid) return;
    throw new NethoodError(
      'not-found',
      `The print system no longer knows job ${id}; that number is another job's now.`,
    );
  }

  /** Of all queues, by number from `first` on. @throws `unavailable` */
  async jobs(first: number, signal: AbortSignal): Promise<AttributeGroup[]> {
    const request = requestOf('Get-Jobs', {
      'printer-uri': uri('ipp://localhost/'),
      'which-jobs': keyword('all'),
      limit: integer(jobsAtOnce),
      'first-job-id': integer(first),
      'requested-attributes': keyword(...jobAttributes),
    });
    return groupsOf(await this.ask(request, signal).catch(orUnavailable), 'job');
  }

  /** A job that has ended, or ends meanwhile, is as good as cancelled. */
  async cancel(job: CupsJob, signal: AbortSignal): Promise<void> {
    // The number may be another job's by now.
    if (hasEnded(await this.#look(job, signal))) return;
    await this.#tell('Cancel-Job', job, signal).catch(async (error: unknown) => {
      if (hasCode(error, 'not-permitted') && hasEnded(await this.#look(job, signal))) return;
      throw error;
    });
  }

  /** CUPS would hold a job that prints too: it stops in the middle of a page, and begins anew at its release. */
  async hold(job: CupsJob, signal: AbortSignal): Promise<void> {
    const state = jobStateOf(await this.#look(job, signal)) ?? 'processing';
    if (state === 'pending-held') return;
    if (state !== 'pending')
      throw new NethoodError('not-permitted', `Job ${job.id} cannot be held any more: it is ${state}.`);
    await this.#tell('Hold-Job', job, signal);
  }

  async release(job: CupsJob, signal: AbortSignal): Promise<void> {
    const state = jobStateOf(await this.#look(job, signal)) ?? 'processing';
    if (state !== 'pending-held') throw new NethoodError('not-permitted', `Job ${job.id} is not held: it is ${state}.`);
    await this.#tell('Release-Job', job, signal);
  }

  /** @throws `not-found` when CUPS no longer knows it, `unreachable` */
  async #look(job: CupsJob, signal: AbortSignal): Promise<AttributeGroup> {
    const found = await this.peek(job.id, signal);
    if (found === undefined) throw new NethoodError('not-found', `The print system no longer knows job ${job.id}.`);
    this.assertSame(found, job);
    return found;
  }

  async #tell(operation: OperationName, job: CupsJob, signal: AbortSignal): Promise<void> {
    const user = name(job.user || userInfo().username);
    await this.ask(requestOf(operation, { ...jobUri(job.id), 'requesting-user-name': user }), signal).catch(
      orUnreachable,
    );
  }
}

function hasEnded(job: AttributeGroup): boolean {
  const state = jobStateOf(job);
  return state !== undefined && finalJobStates.includes(state);
}

/** CUPS goes by the path alone; classes too answer to this one. */
export function printerUri(queue: string): AttributeTable {
  return { 'printer-uri': uri(`ipp://localhost/printers/${encodeURIComponent(queue)}`) };
}

/** Whatever queue it is in by now. */
function jobUri(id: number): AttributeTable {
  return { 'job-uri': uri(`ipp://localhost/jobs/${id}`) };
}

/** Faults of the connection and of the print system as a whole, under the code that a caller of backends expects. */
export function lostAs(code: ErrorCode, error: unknown): unknown {
  return hasCode(error, 'unreachable', 'unavailable', 'interrupted', 'timeout', 'bad-message')
    ? new NethoodError(code, toNethoodError(error).message, { cause: error })
    : error;
}

export function orUnavailable(error: unknown): never {
  throw lostAs('unavailable', error);
}

function orUnreachable(error: unknown): never {
  throw lostAs('unreachable', error);
}

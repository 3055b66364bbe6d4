/**
 * What the owner of a job may do with it (RFC 8011 sections 4.3.3, 4.3.5, 4.3.6; PWG 5100.7 Close-Job and Cancel-My-Jobs).
 * The owner of the printer has the control API.
 */
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { accepted, noSuchJob, refused, type IppAnswer } from './ipp-answer.ts';
import { firstString, integer, numbersOf } from './ipp-attributes.ts';
import { isOn, type IppExchange } from './ipp-exchange.ts';
import { namedJob } from './ipp-job.ts';
import { hasEnded, sameOwner, type Job } from './job.ts';
import { holdUntil } from './printer-fixed.ts';
import type { Printer } from './printer.ts';

export function cancelJob(exchange: IppExchange): Promise<IppAnswer> {
  return onOwnJob(exchange, async (job) => void (await exchange.deps.spool.cancel(job.id, 'user')));
}

/** RFC 8011 section 4.3.5: until its owner releases it; there is no clock that would. */
export async function holdJob(exchange: IppExchange): Promise<IppAnswer> {
  const until = firstString(exchange.operation, 'job-hold-until') ?? 'indefinite';
  if (until === 'no-hold') return releaseJob(exchange);
  if (!(holdUntil as readonly string[]).includes(until)) {
    const values = exchange.operation.get('job-hold-until') ?? [];
    const words = `job-hold-until ${until} is not supported.`;
    return refused('client-error-attributes-or-values-not-supported', words, new Map([['job-hold-until', values]]));
  }
  return onOwnJob(exchange, async (job) => void (await exchange.deps.spool.hold(job.id)));
}

export function releaseJob(exchange: IppExchange): Promise<IppAnswer> {
  return onOwnJob(exchange, async (job) => void (await exchange.deps.spool.release(job.id)));
}

/** A job has one document and prints with it; one that is closed before has none, and its owner has given it up. */
export function closeJob(exchange: IppExchange): Promise<IppAnswer> {
  return onOwnJob(exchange, async (job) => {
    if (hasEnded(job)) throw new NethoodError('not-permitted', `Job ${job.id} has ended already: it is ${job.state}.`);
    if (job.phase === 'receiving') await exchange.deps.spool.cancel(job.id, 'user');
  });
}

async function onOwnJob(exchange: IppExchange, act: (job: Job) => Promise<void>): Promise<IppAnswer> {
  const named = namedJob(exchange);
  if (named === undefined) return noSuchJob;
  if (!named.own) return refused('client-error-not-authorized', 'The job belongs to somebody else.');
  try {
    await act(named.job);
    return accepted();
  } catch (error) {
    if (hasCode(error, 'not-permitted') && error instanceof NethoodError)
      return refused('client-error-not-possible', error.message);
    throw error;
  }
}

/** All of the asker's that have not ended, or those of them that are named: then all of these or none. */
export async function cancelMyJobs(exchange: IppExchange, printer: Printer): Promise<IppAnswer> {
  const { operation, deps, owner } = exchange;
  const ids = new Set(numbersOf(operation, 'job-ids'));
  const mine = deps.spool.jobs().filter((job) => isOn(job, printer.destination) && sameOwner(job.owner, owner));
  const jobs = mine.filter((job) => (ids.size === 0 ? !hasEnded(job) : ids.has(job.id)));
  const known = new Set<number>(jobs.map(({ id }) => id));
  // Somebody else's job and none at all answer alike.
  const unknown = Array.from(ids).filter((id) => !known.has(id));
  if (unknown.length > 0) return notThese('client-error-not-found', 'There are no such jobs of yours.', unknown);
  const ended = jobs.filter(hasEnded).map(({ id }) => id);
  if (ended.length > 0) return notThese('client-error-not-possible', 'Some of the jobs have ended already.', ended);
  for (const { id } of jobs) await deps.spool.cancel(id, 'user').catch(unlessEnded);
  return accepted();
}

/** It ended by itself while others were being canceled: what was asked for is so. */
function unlessEnded(error: unknown): void {
  if (!hasCode(error, 'not-permitted')) throw error;
}

function notThese(
  status: 'client-error-not-found' | 'client-error-not-possible',
  words: string,
  ids: readonly number[],
): IppAnswer {
  return refused(status, words, new Map([['job-ids', integer(...ids)]]));
}

/** Get-Jobs (RFC 8011 section 4.2.6, with `job-ids` of PWG 5100.7 and `first-index` of PWG 5100.13): which jobs of a queue. */
import { JobState } from '../../protocol/resources.ts';
import { accepted, refused, type IppAnswer } from './ipp-answer.ts';
import { firstBoolean, firstNumber, firstString, numbersOf } from './ipp-attributes.ts';
import { isOn, type IppExchange } from './ipp-exchange.ts';
import { jobGroup } from './ipp-job.ts';
import type { AttributeGroup } from './ipp-values.ts';
import { hasEnded, sameOwner, type Job } from './job.ts';
import { whichJobs } from './printer-fixed.ts';
import type { Printer } from './printer.ts';

/** Jobs in one answer, whatever the limit asked for. */
const mostJobs = 1_000;

export function getJobs(exchange: IppExchange, printer: Printer): IppAnswer {
  const { operation, deps, owner } = exchange;
  const refusal = refusalOf(operation);
  if (refusal !== undefined) return refusal;
  const isWanted = choice(operation);
  const mine = firstBoolean(operation, 'my-jobs') === true;
  const first = (firstNumber(operation, 'first-index') ?? 1) - 1;
  const jobs = deps.spool
    .jobs()
    .filter((job) => isOn(job, printer.destination) && isWanted(job) && (!mine || sameOwner(job.owner, owner)))
    .toSorted(inQueueOrder)
    .slice(first, first + Math.min(firstNumber(operation, 'limit') ?? mostJobs, mostJobs));
  return accepted(
    ...jobs.map((job) => jobGroup(exchange, { job, own: sameOwner(job.owner, owner) }, ['job-id', 'job-uri'])),
  );
}

function refusalOf(operation: AttributeGroup): IppAnswer | undefined {
  const which = firstString(operation, 'which-jobs');
  if (which !== undefined && !(whichJobs as readonly string[]).includes(which))
    return refused('client-error-attributes-or-values-not-supported', `which-jobs ${which} is not supported.`);
  for (const attribute of ['limit', 'first-index'])
    if ((firstNumber(operation, attribute) ?? 1) < 1)
      return refused('client-error-bad-request', `${attribute} is not a positive number.`);
  // The jobs are named one by one: another choice beside that has no meaning.
  if (operation.has('job-ids') && which !== undefined)
    return refused('client-error-conflicting-attributes', 'job-ids and which-jobs exclude each other.');
  return undefined;
}

function choice(operation: AttributeGroup): (job: Job) => boolean {
  const ids = new Set(numbersOf(operation, 'job-ids'));
  if (ids.size > 0) return ({ id }) => ids.has(id);
  const which = firstString(operation, 'which-jobs') ?? 'not-completed';
  if (which === 'all') return () => true;
  if (which === 'completed') return hasEnded;
  if (which === 'not-completed') return (job) => !hasEnded(job);
  const state = JobState.safeParse(which).data;
  return (job) => job.state === state;
}

/** RFC 8011 section 4.2.6.2: those to come in the order in which they will print, those that ended newest first. */
function inQueueOrder(a: Job, b: Job): number {
  const later = (b.ended ?? Number.MAX_SAFE_INTEGER) - (a.ended ?? Number.MAX_SAFE_INTEGER);
  return later === 0 ? a.id - b.id : later;
}

/** Operations on jobs and queues (RFC 8011 sections 4.2.5, 4.2.6, 4.3.3, 4.3.4): what is told to whom. */
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { JobState } from '../../protocol/resources.ts';
import { accepted, noSuchJob, refused, type IppAnswer } from './ipp-answer.ts';
import { firstBoolean, firstNumber, firstString } from './ipp-attributes.ts';
import { factsFor, isOn, type IppExchange } from './ipp-exchange.ts';
import type { AttributeGroup, IppGroup } from './ipp-values.ts';
import { foreignJobAttributes, jobAttributes, type JobFacts } from './job-attributes.ts';
import { hasEnded, sameOwner, type Job } from './job.ts';
import { printerAttributes, printerUri, whichJobs } from './printer-attributes.ts';
import type { Printer } from './printer.ts';
import { requestedJobAttributes, requestedPrinterAttributes } from './requested-attributes.ts';

/** Jobs in one answer, whatever the limit asked for. */
const mostJobs = 1_000;

export async function getPrinterAttributes(exchange: IppExchange, printer: Printer): Promise<IppAnswer> {
  const described = await printer.describe();
  const all = printerAttributes(printer, described, exchange.address, factsFor(exchange, printer));
  return accepted({ group: 'printer', attributes: requestedPrinterAttributes(all, exchange.operation) });
}

export function getJobs(exchange: IppExchange, printer: Printer): IppAnswer {
  const { operation, deps, owner } = exchange;
  const which = firstString(operation, 'which-jobs') ?? 'not-completed';
  if (!(whichJobs as readonly string[]).includes(which))
    return refused('client-error-attributes-or-values-not-supported', `which-jobs ${which} is not supported.`);
  const limit = firstNumber(operation, 'limit') ?? mostJobs;
  if (limit < 1) return refused('client-error-bad-request', 'The limit is not a positive number.');
  const mine = firstBoolean(operation, 'my-jobs') === true;
  const jobs = deps.spool
    .jobs()
    .filter((job) => isOn(job, printer.destination) && isWanted(job, which) && (!mine || sameOwner(job.owner, owner)))
    .toSorted(inQueueOrder)
    .slice(0, Math.min(limit, mostJobs));
  return accepted(
    ...jobs.map((job) => jobGroup(exchange, { job, own: sameOwner(job.owner, owner) }, ['job-id', 'job-uri'])),
  );
}

export function getJobAttributes(exchange: IppExchange): IppAnswer {
  const named = namedJob(exchange);
  return named === undefined ? noSuchJob : accepted(jobGroup(exchange, named, ['all']));
}

/** For the owner of the job. The owner of the printer has the control API. */
export async function cancelJob(exchange: IppExchange): Promise<IppAnswer> {
  const named = namedJob(exchange);
  if (named === undefined) return noSuchJob;
  if (!named.own) return refused('client-error-not-authorized', 'The job belongs to somebody else.');
  try {
    await exchange.deps.spool.cancel(named.job.id, 'user');
    return accepted();
  } catch (error) {
    if (hasCode(error, 'not-permitted') && error instanceof NethoodError)
      return refused('client-error-not-possible', error.message);
    throw error;
  }
}

interface NamedJob {
  readonly job: Job;
  readonly own: boolean;
}

/**
 * The job that the request names, on the queue that it names. Its owner sees it even where the printer is no longer
 * shared with him; others only where they see the printer.
 */
export function namedJob(exchange: IppExchange): NamedJob | undefined {
  const { deps, asker, owner, subject } = exchange;
  const job = jobOf(exchange);
  const printer = deps.findPrinter(asker, subject.queue);
  if (job === undefined || !isOn(job, printer?.destination ?? { device: null, queue: subject.queue })) return undefined;
  const own = isOwn(exchange, job);
  return printer !== undefined || (own && owner.kind === 'device') ? { job, own } : undefined;
}

function isOwn({ owner, subject }: IppExchange, job: Job): boolean {
  // The sender's own random name for it, over a connection with the sender's key: the user name adds nothing.
  const bySubmission = subject.job !== undefined && 'uuid' in subject.job && owner.kind === 'device';
  return bySubmission || sameOwner(job.owner, owner);
}

function jobOf({ deps, owner, subject }: IppExchange): Job | undefined {
  const { job } = subject;
  if (job === undefined) return undefined;
  if ('id' in job) return deps.spool.get(job.id);
  if (owner.kind === 'device') return deps.spool.submitted(owner, job.uuid);
  return deps.spool.jobs().find(({ uuid }) => uuid === job.uuid);
}

function jobGroup(exchange: IppExchange, { job, own }: NamedJob, fallback: readonly string[]): IppGroup {
  const { deps, address, operation } = exchange;
  const facts: JobFacts = {
    printerUri: printerUri({ id: job.destination.queue }, address),
    started: deps.started,
    now: deps.clock.wall(),
  };
  const all: AttributeGroup = own ? jobAttributes(job, facts) : foreignJobAttributes(job, facts);
  return { group: 'job', attributes: requestedJobAttributes(all, operation, fallback) };
}

function isWanted(job: Job, which: string): boolean {
  if (which === 'all') return true;
  if (which === 'completed') return hasEnded(job);
  if (which === 'not-completed') return !hasEnded(job);
  return JobState.safeParse(which).data === job.state;
}

/** RFC 8011 section 4.2.6.2: those to come in the order in which they will print, those that ended newest first. */
function inQueueOrder(a: Job, b: Job): number {
  const later = (b.ended ?? Number.MAX_SAFE_INTEGER) - (a.ended ?? Number.MAX_SAFE_INTEGER);
  return later === 0 ? a.id - b.id : later;
}

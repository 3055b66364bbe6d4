/** One job of a queue (RFC 8011 section 4.3.4): which one a request names, and what is told of it to whom. */
import { accepted, noSuchJob, type IppAnswer } from './ipp-answer.ts';
import { isOn, type IppExchange } from './ipp-exchange.ts';
import type { AttributeGroup, IppGroup } from './ipp-values.ts';
import { foreignJobAttributes, jobAttributes, type JobFacts } from './job-attributes.ts';
import { sameOwner, type Job } from './job.ts';
import { printerUri } from './printer-attributes.ts';
import { requestedJobAttributes } from './requested-attributes.ts';

export function getJobAttributes(exchange: IppExchange): IppAnswer {
  const named = namedJob(exchange);
  return named === undefined ? noSuchJob : accepted(jobGroup(exchange, named, ['all']));
}

export interface NamedJob {
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

export function jobGroup(exchange: IppExchange, { job, own }: NamedJob, fallback: readonly string[]): IppGroup {
  const { deps, address, operation } = exchange;
  const facts: JobFacts = {
    printerUri: printerUri({ id: job.destination.queue }, address),
    started: deps.started,
    now: deps.clock.wall(),
  };
  const all: AttributeGroup = own ? jobAttributes(job, facts) : foreignJobAttributes(job, facts);
  return { group: 'job', attributes: requestedJobAttributes(all, operation, fallback) };
}

/**
 * Jobs that a person holds. A job that shall wait at its printer until its sender is there (job-hold-until, RFC 8011
 * section 5.2.2) waits in the spool of the printer's owner; on the way to a neighbour it carries the wish along.
 */
import { NethoodError } from '../../protocol/errors.ts';
import type { Job } from './job.ts';
import { heldByPerson, waiting } from './job-moves.ts';

/** Its document is on disk. */
export function entered(job: Job, document: NonNullable<Job['document']>): Job {
  const whole = { ...job, document };
  return job.hold === 'wanted' && job.destination.device === null ? heldByPerson(whole) : waiting(whole);
}

/** @throws NethoodError `not-permitted` */
export function holdAsked(job: Job): Job {
  if (job.phase === 'held') return job;
  if (job.phase === 'waiting') return heldByPerson(job);
  throw new NethoodError('not-permitted', `Job ${job.id} cannot be held any more: ${tooLate(job)}.`);
}

/** Also of a job that has not come to where it was to wait. @throws NethoodError `not-permitted` */
export function releaseAsked(job: Job): Job {
  const { hold, ...rest } = job;
  if (job.phase === 'held') return waiting({ ...rest, unsure: false });
  if (job.phase === 'waiting') return hold === undefined ? job : rest;
  if (hold === 'wanted' && job.phase === 'receiving') return rest;
  // The wish may be there already.
  if (hold === 'wanted' && job.phase === 'submitting') return { ...job, hold: 'released' };
  if (hold === 'released') return job;
  throw new NethoodError('not-permitted', `Job ${job.id} is not held.`);
}

function tooLate(job: Job): string {
  if (job.phase === 'ended') return `it is ${job.state}`;
  return job.phase === 'receiving' ? 'its document has not arrived' : `it is on its way to ${job.label}`;
}

/** How many jobs may wait: refused before a byte of a document is read. */
import { NethoodError } from '../../protocol/errors.ts';
import { type Job, type JobOwner, senderOf } from './job.ts';

export interface SpoolQuota {
  /** Jobs that have not ended, of all senders. */
  readonly jobs: number;
  /** Of one device or one guest's address. The user of this PC has no limit of his own. */
  readonly jobsPerSender: number;
}

const retryAfterMs = 10_000;

/** @throws NethoodError `busy` */
export function refuseBeyondQuota(owner: JobOwner, active: Iterable<Job>, quota: SpoolQuota): void {
  const sender = senderOf(owner);
  let all = 0;
  let own = 0;
  for (const job of active) {
    all++;
    if (senderOf(job.owner) === sender) own++;
  }
  if (all >= quota.jobs) throw new NethoodError('busy', `The print spool holds ${all} jobs already.`, { retryAfterMs });
  if (sender !== undefined && own >= quota.jobsPerSender)
    throw new NethoodError('busy', `${own} jobs of this sender wait already.`, { retryAfterMs });
}

/** How many jobs may wait, and how much disk those of one sender take: refused before a byte of a document is read. */
import { NethoodError } from '../../protocol/errors.ts';
import { type Job, type JobOwner, senderOf } from './job.ts';

export interface SpoolQuota {
  /** Jobs that have not ended, of all senders; and of the user of this PC, however many others have. */
  readonly jobs: number;
  /** Of one device or one guest's address. */
  readonly jobsPerSender: number;
}

/** Whose documents are counted together. */
export interface DocumentSender {
  readonly id: string;
  /** Bytes of those that wait. */
  waiting(): number;
}

/** Undefined for the user of this PC, whose disk it is. */
export function documentSender(owner: JobOwner, active: () => Iterable<Job>): DocumentSender | undefined {
  const id = senderOf(owner);
  if (id === undefined) return undefined;
  const waiting = (): number => {
    let bytes = 0;
    for (const job of active()) if (senderOf(job.owner) === id) bytes += job.document?.bytes ?? 0;
    return bytes;
  };
  return { id, waiting };
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
  // Many strangers together may take all places of strangers, never that of the user of this PC.
  if ((sender === undefined ? own : all) >= quota.jobs)
    throw new NethoodError('busy', `The print spool holds ${all} jobs already.`, { retryAfterMs });
  if (sender !== undefined && own >= quota.jobsPerSender)
    throw new NethoodError('busy', `${own} jobs of this sender wait already.`, { retryAfterMs });
}

/** How long a job waits for a destination that is away: 1 s to 60 s between tries, a day in all unless its user says otherwise. */
import type { Job } from './job.ts';

const firstWaitMs = 1_000;
const longestWaitMs = 60_000;
/** Of jobs from before each had its own. */
export const expiryMs = 24 * 3_600_000;

interface Patience {
  /** With the failure counted. */
  readonly job: Job;
  readonly afterMs: number;
  readonly over: boolean;
}

/** When a job that waits for its destination is given up, wall clock; undefined while it does not wait for one. */
export function expiryOf(job: Job): number | undefined {
  if (job.phase === 'ended') return undefined;
  // What the destination has, the destination gives up.
  if (job.phase === 'submitted') return job.expires;
  return job.since === undefined ? undefined : job.since + patienceOf(job);
}

/** `24 hours` */
export function patienceWords(job: Job): string {
  const hours = patienceOf(job) / 3_600_000;
  if (hours === 1) return 'an hour';
  return hours < 1 ? `${Math.round(hours * 60)} minutes` : `${Math.round(hours * 10) / 10} hours`;
}

/** A full disk or a busy printer wears the patience as an absent one does: the job waits and says why. */
export function moreFailures(job: Job, now: number): Patience {
  const since = job.since ?? now;
  const left = since + patienceOf(job) - now;
  const wait = Math.min(firstWaitMs * 2 ** Math.min(job.failures, 16), longestWaitMs);
  // What waits there for a person to come is safe there, however long its owner's PC is off.
  const keeps = job.phase === 'submitted' && job.state === 'pending-held';
  return {
    job: { ...job, since, failures: job.failures + 1 },
    afterMs: keeps ? wait : Math.max(0, Math.min(wait, left)),
    over: left <= 0 && !keeps,
  };
}

function patienceOf({ patienceMs = expiryMs }: Job): number {
  return patienceMs;
}

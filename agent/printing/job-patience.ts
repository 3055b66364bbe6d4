/** How long a job waits for a destination that is away: 1 s to 60 s between tries, a day in all. */
import type { Job } from './job.ts';

const firstWaitMs = 1_000;
const longestWaitMs = 60_000;
export const expiryMs = 24 * 3_600_000;

interface Patience {
  /** With the failure counted. */
  readonly job: Job;
  readonly afterMs: number;
  readonly over: boolean;
}

/** When a job that waits for its destination is given up, wall clock; undefined while it does not wait for one. */
export function expiryOf({ since, phase }: Job): number | undefined {
  return since === undefined || phase === 'ended' ? undefined : since + expiryMs;
}

/** A full disk or a busy printer wears the patience as an absent one does: the job waits and says why. */
export function moreFailures(job: Job, now: number): Patience {
  const since = job.since ?? now;
  const left = since + expiryMs - now;
  const wait = Math.min(firstWaitMs * 2 ** Math.min(job.failures, 16), longestWaitMs);
  return {
    job: { ...job, since, failures: job.failures + 1 },
    afterMs: Math.max(0, Math.min(wait, left)),
    over: left <= 0,
  };
}

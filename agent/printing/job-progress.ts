/** What the world sees of a job: its state only ever moves forward (RFC 8011 section 5.3.7). */
import { finalJobStates, Keyword, type JobState } from '../../protocol/resources.ts';
import type { Job } from './job.ts';
import type { BackendJob } from './print-backend.ts';

export function forgetFailures(job: Job): Job {
  if (job.failures === 0 && job.since === undefined && job.message === undefined) return job;
  const { since: _, message: __, ...rest } = job;
  return { ...rest, failures: 0 };
}

/** What the destination says of a job that it has, as far as the journal can hold it: a neighbour may say anything. */
export function applyReport(job: Job, report: BackendJob, now: number): Job {
  const state = forward(job.state, report.state);
  const reasons = report.stateReasons.filter((reason) => reason !== 'none' && Keyword.safeParse(reason).success);
  // An empty message says nothing.
  const message = report.message?.slice(0, 1023) || undefined;
  const reported = withWords({ ...job, state, reasons: reasons.slice(0, 32) }, { ...report, message });
  const started = rank(state) >= 1 && job.processing === undefined ? { ...reported, processing: now } : reported;
  return finalJobStates.includes(state) ? { ...started, phase: 'ended', ended: now } : started;
}

/** Words and expiry are those of the moment, pages stay known; a wish to be held is over when it waits no longer. */
function withWords(job: Job, { message, expires, pagesCompleted, pagesTotal }: BackendJob): Job {
  const { message: _, expires: __, hold, ...rest } = job;
  return {
    ...rest,
    ...known('message', message),
    ...known('expires', natural(expires)),
    ...known('hold', job.state === 'pending-held' ? hold : undefined),
    ...known('pages', natural(pagesCompleted) ?? job.pages),
    ...known('pagesTotal', natural(pagesTotal) ?? job.pagesTotal),
  };
}

function natural(number: number | undefined): number | undefined {
  return Number.isSafeInteger(number) && (number ?? -1) >= 0 ? number : undefined;
}

/** An absent key and one of `undefined` are not the same in a journal's comparison. */
function known<K extends keyof Job>(key: K, value: Job[K]): Partial<Pick<Job, K>> {
  return value === undefined ? {} : ({ [key]: value } as Pick<Job, K>);
}

function rank(state: JobState): 0 | 1 | 2 {
  switch (state) {
    case 'pending':
    case 'pending-held':
      return 0;
    case 'processing':
    case 'processing-stopped':
      return 1;
    case 'canceled':
    case 'aborted':
    case 'completed':
      return 2;
  }
}

/** RFC 8011 section 5.3.7: a job goes back only within pending and within processing. */
export function forward(from: JobState, to: JobState): JobState {
  if (rank(from) === 2 || rank(to) < rank(from)) return from;
  return to;
}

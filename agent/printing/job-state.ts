/**
 * The life of a job, as decisions without I/O:
 *
 *   receiving -> waiting <-> held
 *                waiting -> submitting -> submitted -> ended
 *
 * A destination that is away sends a job back from `submitting` to `waiting`; nothing else goes back. What the world
 * sees of it (job-state, RFC 8011 section 5.3.7) only moves forward: pending, processing, an end. The rule that no
 * document is printed twice silently lives here: once a try may have arrived (`unsure`), the destination is asked
 * before anything is sent again, and where it cannot tell, a person decides.
 */
import { NethoodError, type ErrorCode } from '../../protocol/errors.ts';
import type { JobState } from '../../protocol/resources.ts';
import type { Job } from './job.ts';
import { moreFailures } from './job-patience.ts';
import { applyReport, forgetFailures, forward } from './job-progress.ts';
import type { BackendJob } from './print-backend.ts';

export interface JobEvents {
  /** Its document is on disk, whole. */
  received: { readonly document: NonNullable<Job['document']>; readonly held: boolean };
  /** Create-Job without Send-Document in time (RFC 8011 section 4.2.4), or a document that broke off. */
  'receive-ended': { readonly message: string };
  /** The lane is free. */
  turn: object;
  /** The destination took the document whole, or says that it has it. */
  accepted: { readonly report: BackendJob };
  /** The destination says that the job never arrived. */
  absent: object;
  /** A try to submit or to ask. `sent`: the destination may have the whole document. */
  failed: Failure & { readonly sent: boolean };
  report: { readonly report: BackendJob };
  /** It had the job and knows it no more. */
  vanished: object;
  'contact-lost': Failure;
  /** The back-off has passed, or the destination is back. */
  retry: object;
  hold: object;
  release: object;
  cancel: { readonly by: 'user' | 'operator' };
  /** The agent has started and found the job in its journal. */
  restarted: { readonly documentThere: boolean };
}
interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

export type JobEvent = {
  [T in keyof JobEvents]: { readonly type: T; /** Wall clock. */ readonly now: number } & JobEvents[T];
}[keyof JobEvents];
type EventOf<T extends keyof JobEvents> = Extract<JobEvent, { type: T }>;

export type JobEffect =
  /** Hand the document over. */
  | { readonly type: 'submit' }
  /** Ask the destination whether it has the job. */
  | { readonly type: 'find' }
  | { readonly type: 'watch' }
  /** Ask the destination to cancel it. */
  | { readonly type: 'cancel' }
  /** Stop the try that is under way; its end is a `failed`. */
  | { readonly type: 'interrupt' }
  | { readonly type: 'retry'; readonly afterMs: number };

export interface JobStep {
  readonly job: Job;
  readonly effects: readonly JobEffect[];
}

/** @throws NethoodError `not-permitted` where a person asks for what cannot be done any more */
export function step(job: Job, event: JobEvent): JobStep {
  const handler = handlers[event.type] as (job: Job, event: JobEvent) => JobStep;
  return handler(job, event);
}

/** Whether the step must be on disk before its effects happen; pages and words alone need not. */
export function mustRecord(before: Job, after: Job): boolean {
  const lasting = ['phase', 'state', 'document', 'reference', 'unsure', 'cancelledBy', 'since', 'ended'] as const;
  return lasting.some((key) => before[key] !== after[key]);
}

const handlers: { readonly [T in keyof JobEvents]: (job: Job, event: EventOf<T>) => JobStep } = {
  received: (job, { document, held }) => {
    if (job.phase !== 'receiving') return stay(job);
    return stay(held ? heldByPerson({ ...job, document }) : waiting({ ...job, document }));
  },
  'receive-ended': (job, { message, now }) =>
    job.phase === 'receiving' ? end(job, 'aborted', ['aborted-by-system'], { message, now }) : stay(job),
  turn: (job) => {
    if (job.phase !== 'waiting') return stay(job);
    const submitting: Job = { ...job, phase: 'submitting', reasons: ['job-outgoing'] };
    return { job: submitting, effects: [{ type: job.unsure ? 'find' : 'submit' }] };
  },
  accepted: (job, { report, now }) => {
    if (job.phase !== 'submitting') return stay(job);
    const submitted: Job = {
      ...forgetFailures(job),
      phase: 'submitted',
      reference: report.reference,
      unsure: false,
    };
    const reported = applyReport(submitted, report, now);
    if (reported.phase === 'ended') return stay(reported);
    return watchAgain(reported);
  },
  absent: (job, { now }) => {
    if (job.phase !== 'submitting') return stay(job);
    if (job.cancelledBy !== undefined) return canceled(job, now);
    return { job: { ...job, unsure: false }, effects: [{ type: 'submit' }] };
  },
  failed: (job, event) => (job.phase === 'submitting' ? failed(job, event) : stay(job)),
  report: (job, { report, now }) =>
    job.phase === 'submitted' ? stay(applyReport(forgetFailures(job), report, now)) : stay(job),
  vanished: (job, { now }) => {
    if (job.phase !== 'submitted') return stay(job);
    if (job.cancelledBy !== undefined) return canceled(job, now);
    return stay(inDoubt(job, `${job.label} no longer knows the job; it may have been printed.`));
  },
  'contact-lost': (job, { message, now }) => {
    if (job.phase !== 'submitted') return stay(job);
    const patience = moreFailures(job, now);
    if (!patience.over)
      return { job: { ...patience.job, message }, effects: [{ type: 'retry', afterMs: patience.afterMs }] };
    const words = `${job.label} got the document and was not heard of since: what became of it is unknown.`;
    return end(job, 'aborted', ['aborted-by-system', 'nethood-outcome-unknown'], { message: words, now });
  },
  retry: (job) => (job.phase === 'submitted' ? watchAgain(job) : stay(job)),
  hold: (job) => {
    if (job.phase === 'held') return stay(job);
    if (job.phase === 'waiting') return stay(heldByPerson(job));
    throw new NethoodError('not-permitted', `Job ${job.id} cannot be held any more: ${tooLate(job)}.`);
  },
  release: (job) => {
    if (job.phase === 'held') return stay(waiting({ ...job, unsure: false }));
    if (job.phase === 'waiting') return stay(job);
    throw new NethoodError('not-permitted', `Job ${job.id} is not held.`);
  },
  cancel: (job, { by, now }) => cancelAsked({ ...job, cancelledBy: job.cancelledBy ?? by }, now),
  restarted: (job, { documentThere, now }) => restarted(job, documentThere, now),
};

/** The destination did not take it, or could not be asked. */
function failed(job: Job, { code, message, sent, now }: EventOf<'failed'>): JobStep {
  const unsure = job.unsure || sent;
  if (job.cancelledBy !== undefined) return failedWhileCanceling(job, sent, now);
  if (refusals.has(code)) return refused(job, code, { message, now });
  const patience = moreFailures(job, now);
  if (patience.over) return gaveUp({ ...job, unsure }, now);
  const away: Job = { ...patience.job, phase: 'waiting', unsure, reasons: ['nethood-unreachable'], message };
  return { job: away, effects: [{ type: 'retry', afterMs: patience.afterMs }] };
}

/** Errors of which waiting mends nothing. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  'bad-document',
  'too-large',
  'unsupported',
  'unsupported-version',
  'bad-request',
  'not-permitted',
  'job-failed',
]);

function refused(job: Job, code: ErrorCode, { message, now }: { message: string; now: number }): JobStep {
  // It was the question that was refused: what became of the earlier try stays open.
  if (job.unsure) return stay(inDoubt(job, message));
  const reason = code === 'bad-document' ? ['document-format-error'] : [];
  return end(job, 'aborted', ['aborted-by-system', ...reason], { message, now });
}

function gaveUp(job: Job, now: number): JobStep {
  if (job.unsure)
    return stay(inDoubt(job, `${job.label} was not reached for a day and cannot say whether it has the document.`));
  const message = `${job.label} was not reached for a day; the document was not printed.`;
  return end(job, 'aborted', ['aborted-by-system', 'nethood-expired'], { message, now });
}

function failedWhileCanceling(job: Job, sent: boolean, now: number): JobStep {
  if (!job.unsure && !sent) return canceled(job, now);
  // One question, then the person who cancels gets an answer, whatever it is.
  if (!job.unsure) return { job: { ...job, unsure: true }, effects: [{ type: 'find' }] };
  return canceled(job, now, `${job.label} could not be asked: the document may have been printed.`);
}

function cancelAsked(job: Job, now: number): JobStep {
  switch (job.phase) {
    case 'receiving':
    case 'held':
      return canceled(job, now);
    case 'waiting':
      if (!job.unsure) return canceled(job, now);
      return { job: { ...job, phase: 'submitting', ...stopping }, effects: [{ type: 'find' }] };
    case 'submitting':
      // A question under way goes on: its answer says what there is to cancel.
      return { job: { ...job, ...stopping }, effects: job.unsure ? [] : [{ type: 'interrupt' }] };
    case 'submitted':
      return { job: { ...job, ...stopping }, effects: [{ type: 'cancel' }] };
    case 'ended':
      throw new NethoodError('not-permitted', `Job ${job.id} has ended already: it is ${job.state}.`);
  }
}
const stopping = { reasons: ['processing-to-stop-point'] };

/** A crash while `submitting` may have left the document at the destination. */
function restarted(job: Job, documentThere: boolean, now: number): JobStep {
  const needsDocument = job.phase === 'waiting' || job.phase === 'held' || job.phase === 'submitting';
  if (needsDocument && !documentThere) {
    const message = 'The document is gone from the spool.';
    return end(job, 'aborted', ['aborted-by-system'], { message, now });
  }
  if (job.phase === 'submitting') return stay(waiting({ ...job, unsure: true }));
  return job.phase === 'submitted' ? watchAgain(job) : stay(job);
}

function watchAgain(job: Job): JobStep {
  return {
    job,
    effects: job.cancelledBy === undefined ? [{ type: 'watch' }] : [{ type: 'cancel' }, { type: 'watch' }],
  };
}

function stay(job: Job): JobStep {
  return { job, effects: [] };
}

function waiting(job: Job): Job {
  return { ...forgetFailures(job), phase: 'waiting', state: forward(job.state, 'pending'), reasons: [] };
}

function heldByPerson(job: Job): Job {
  const state = forward(job.state, 'pending-held');
  return { ...forgetFailures(job), phase: 'held', state, reasons: ['job-hold-until-specified'] };
}

function inDoubt(job: Job, message: string): Job {
  const state = job.state === 'processing' ? 'processing-stopped' : forward(job.state, 'pending-held');
  const { reference: _, ...rest } = forgetFailures(job);
  return { ...rest, phase: 'held', state, reasons: ['nethood-may-have-printed'], message };
}

function canceled(job: Job, now: number, message?: string): JobStep {
  const reason = job.cancelledBy === 'operator' ? 'job-canceled-by-operator' : 'job-canceled-by-user';
  return end(job, 'canceled', [reason], { message, now });
}

interface EndOptions {
  readonly message: string | undefined;
  readonly now: number;
}

function end(job: Job, state: JobState, reasons: string[], { message, now }: EndOptions): JobStep {
  const words = message === undefined ? {} : { message };
  return stay({ ...forgetFailures(job), ...words, phase: 'ended', state, reasons, ended: now });
}

function tooLate(job: Job): string {
  if (job.phase === 'ended') return `it is ${job.state}`;
  return job.phase === 'receiving' ? 'its document has not arrived' : `it is on its way to ${job.label}`;
}

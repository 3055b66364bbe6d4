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
import type { EventOf, JobEvent, JobEvents, JobStep } from './job-events.ts';
import { entered, holdAsked, releaseAsked } from './job-hold.ts';
import { canceled, end, inDoubt, stay, waiting, watchAgain } from './job-moves.ts';
import { moreFailures, patienceWords } from './job-patience.ts';
import { applyReport, forgetFailures } from './job-progress.ts';
import type { Job } from './job.ts';
import type { BackendJob } from './print-backend.ts';

/** @throws NethoodError `not-permitted` where a person asks for what cannot be done any more */
export function step(job: Job, event: JobEvent): JobStep {
  const handler = handlers[event.type] as (job: Job, event: JobEvent) => JobStep;
  return handler(job, event);
}

/** Whether the step must be on disk before its effects happen; pages and words alone need not. */
export function mustRecord(before: Job, after: Job): boolean {
  const lasting = [
    'phase',
    'state',
    'document',
    'reference',
    'unsure',
    'cancelledBy',
    'since',
    'ended',
    'hold',
  ] as const;
  return lasting.some((key) => before[key] !== after[key]);
}

const handlers: { readonly [T in keyof JobEvents]: (job: Job, event: EventOf<T>) => JobStep } = {
  received: (job, { document }) => stay(job.phase === 'receiving' ? entered(job, document) : job),
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
    const reported = applied(submitted, report, now);
    if (reported.phase !== 'submitted') return stay(reported);
    return watchAgain(reported);
  },
  absent: (job, { now }) => {
    if (job.phase !== 'submitting') return stay(job);
    if (job.cancelledBy !== undefined) return canceled(job, now);
    return { job: { ...job, unsure: false }, effects: [{ type: 'submit' }] };
  },
  failed: (job, event) => (job.phase === 'submitting' ? failed(job, event) : stay(job)),
  report: (job, { report, now }) =>
    job.phase === 'submitted' ? stay(applied(forgetFailures(job), report, now)) : stay(job),
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
  hold: (job) => stay(holdAsked(job)),
  release: (job) => stay(releaseAsked(job)),
  cancel: (job, { by, now }) => cancelAsked({ ...job, cancelledBy: job.cancelledBy ?? by }, now),
  restarted: (job, { documentThere, now }) => restarted(job, documentThere, now),
};

/** One that the destination gave up stays here, for a person to decide: it is lost to nobody, and printed twice by nobody. */
function applied(job: Job, report: BackendJob, now: number): Job {
  if (report.gaveUp !== true || job.cancelledBy !== undefined) return applyReport(job, report, now);
  const words = report.message?.slice(0, 1023) || `${job.label} gave the job up; part of it may have been printed.`;
  return inDoubt(job, words);
}

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
  'not-supported',
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
    return stay(
      inDoubt(
        job,
        `${job.label} was not reached for ${patienceWords(job)} and cannot say whether it has the document.`,
      ),
    );
  const message = `${job.label} was not reached for ${patienceWords(job)}; the document was not printed.`;
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

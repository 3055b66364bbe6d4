/** What CUPS tells of a job, in the words of RFC 8011. */
import { finalJobStates, type JobState } from '../../protocol/resources.ts';
import { firstNumber, firstString, jobStateOf, printerStateOf } from '../printing/ipp-attributes.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import type { BackendJob } from '../printing/print-backend.ts';
import type { JobEnd } from './cups-events.ts';
import { referenceOf, type CupsJob } from './cups-job.ts';
import { reasonsIn, withOffline } from './cups-reasons.ts';
import { oneLine } from './one-line.ts';

export const jobAttributes = [
  'job-id',
  'job-uuid',
  'job-originating-user-name',
  'job-state',
  'job-state-reasons',
  'job-printer-state-message',
  'job-printer-state-reasons',
  'job-printer-uri',
  'job-impressions',
  'job-impressions-completed',
  'job-media-sheets',
  'job-media-sheets-completed',
  'time-at-processing',
];

/** @param end what was told when it ended, where that was heard */
export function backendJobOf(job: AttributeGroup, cupsJob: CupsJob, end?: JobEnd): BackendJob {
  const said = jobStateOf(job) ?? 'processing';
  const words = oneLine(firstString(job, 'job-printer-state-message') ?? '', 1023) || undefined;
  const report = { reference: referenceOf(cupsJob), ...pagesOf(job) };
  const isOver = finalJobStates.includes(said) || said === 'processing-stopped';
  if (!isOver) return { ...report, ...progressOf(job, said, words) };
  return {
    ...report,
    ...endingOf(said, { reasons: reasonsIn(job, 'job-state-reasons'), text: end?.text ?? '', words }),
  };
}

export const queueStateAttributes = ['printer-state', 'printer-state-reasons', 'printer-state-message'];

/** A job that waits for its queue, and why that is stopped, where it is. */
export function stoppedBy(report: BackendJob, queue: AttributeGroup | undefined): BackendJob {
  if (queue === undefined || printerStateOf(queue) !== 'stopped') return report;
  const why = oneLine(firstString(queue, 'printer-state-message') ?? '', 900);
  const words = 'The queue is stopped in the print system';
  return {
    ...report,
    stateReasons: Array.from(new Set(['printer-stopped', ...reasonsIn(queue, 'printer-state-reasons')])),
    message: why === '' ? `${words}.` : `${words}: ${why}`,
  };
}

/** One that CUPS has no record of any more, by what it told at the job's end. */
export function endedJobOf(cupsJob: CupsJob, { state, reasons, text }: JobEnd): BackendJob {
  const said = { reasons: reasons.filter((each) => each !== 'none'), text, words: undefined };
  return { reference: referenceOf(cupsJob), ...endingOf(state, said) };
}

type Told = Pick<BackendJob, 'state' | 'stateReasons' | 'message' | 'gaveUp'>;

function progressOf(job: AttributeGroup, said: JobState, words: string | undefined): Told {
  const ofPrinter = reasonsIn(job, 'job-printer-state-reasons');
  const prints = said === 'processing';
  const isStopped = !prints && ofPrinter.includes('paused');
  const begun = firstNumber(job, 'time-at-processing') !== undefined;
  const ofJob = reasonsIn(job, 'job-state-reasons').filter((each) => prints || each !== 'job-printing');
  const reasons = new Set([...ofJob, ...(isStopped ? ['printer-stopped'] : []), ...ofPrinter]);
  return {
    // RFC 8011 5.3.7 has no way back: one whose queue was stopped, or that CUPS tries again later, has stopped.
    state: begun && !prints ? 'processing-stopped' : said,
    stateReasons: withOffline(Array.from(reasons), words),
    message: words ?? (isStopped ? 'The queue is stopped in the print system.' : undefined),
  };
}

interface LastWords {
  readonly reasons: readonly string[];
  /** Of the event of its end. */
  readonly text: string;
  /** Of its printer. */
  readonly words: string | undefined;
}

/** Sending such a document again would end the same. */
const faultsOfDocument = /^document-|^(?:unsupported-)?compression|^unsupported-/;

function endingOf(said: JobState, { reasons, text, words }: LastWords): Told {
  // CUPS leaves reasons and words of the last moment on a job that came out well.
  if (said === 'completed') return { state: said, stateReasons: ['job-completed-successfully'] };
  // CUPS calls its own decisions a wish of the user; only the sentence of the event tells (MaxJobTime).
  if (said === 'canceled' && text.startsWith('Canceling stuck job'))
    return gaveUp('it was stuck for longer than it allows');
  if (said === 'canceled')
    return { state: said, stateReasons: reasons.length === 0 ? ['job-canceled-by-user'] : reasons, message: words };
  // Stopped by a filter: CUPS never goes on by itself, and no other printer or day would help.
  if (said === 'processing-stopped') return unprintable(words);
  return reasons.some((each) => faultsOfDocument.test(each))
    ? { state: 'aborted', stateReasons: ['aborted-by-system', ...reasons], message: words }
    : gaveUp(words ?? 'its tries failed');
}

function unprintable(words: string | undefined): Told {
  const message = `The print system could not convert the document${words === undefined ? '.' : `: ${words}`}`;
  return { state: 'aborted', stateReasons: ['aborted-by-system', 'document-unprintable-error'], message };
}

/** By the queue's error policy, after so many tries: something may have come out by then. */
export function gaveUp(why: string): Told {
  const message = `The print system gave the job up: ${why.replace(/\.$/, '')}. Part of it may have been printed.`;
  return { state: 'aborted', stateReasons: ['aborted-by-system'], message: oneLine(message, 1023), gaveUp: true };
}

function pagesOf(job: AttributeGroup): Pick<BackendJob, 'pagesCompleted' | 'pagesTotal'> {
  const completed = firstNumber(job, 'job-impressions-completed') ?? firstNumber(job, 'job-media-sheets-completed');
  const total = firstNumber(job, 'job-impressions') ?? firstNumber(job, 'job-media-sheets');
  return { pagesCompleted: completed, pagesTotal: total === undefined || total <= 0 ? undefined : total };
}

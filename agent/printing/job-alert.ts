/** What of a job's course is worth telling a person who is doing something else: decided from two successive views of it. */
import type { JobView } from '../../protocol/control.ts';

export interface JobAlert {
  /** `doubt`: held, because nobody can know whether it was printed. `attention`: its printer needs a hand. */
  readonly kind: 'done' | 'failed' | 'doubt' | 'attention';
  /** One sentence. */
  readonly text: string;
  readonly job: JobView;
}

/** @param before undefined where nothing was known of it. Of others' jobs on our printers only what calls for us is told. */
export function jobAlert(before: JobView | undefined, after: JobView): JobAlert | undefined {
  if (before !== undefined && before.state === after.state && sameReasons(before, after)) return undefined;
  const end = before?.state === after.state ? undefined : endAlert(after);
  return end ?? troubleAlert(before, after);
}

function endAlert(job: JobView): JobAlert | undefined {
  if (!job.own) return undefined;
  const what = `"${job.name}"`;
  if (job.state === 'completed') return { kind: 'done', text: `${what} is printed on ${job.printer}.`, job };
  const text = failureOf(job);
  return text === undefined ? undefined : { kind: 'failed', text: `${what} ${text}`, job };
}

function failureOf({ state, stateReasons, printer, message }: JobView): string | undefined {
  if (state === 'aborted') return `was not printed on ${printer}${message === null ? '.' : `: ${sentence(message)}`}`;
  // Who cancels his own job knows.
  if (state === 'canceled' && stateReasons.includes('job-canceled-by-operator'))
    return `was cancelled by the owner of ${printer}.`;
  return undefined;
}

function troubleAlert(before: JobView | undefined, after: JobView): JobAlert | undefined {
  const fresh = after.stateReasons.filter((reason) => before?.stateReasons.includes(reason) !== true);
  if (fresh.includes('nethood-may-have-printed')) {
    const text = `"${after.name}" may have been printed on ${after.printer} already: release it to print it, or cancel it.`;
    return { kind: 'doubt', text, job: after };
  }
  const trouble = fresh.flatMap((reason) => troubleOf(reason) ?? [])[0];
  if (trouble === undefined) return undefined;
  return { kind: 'attention', text: `${after.printer} needs a hand: ${trouble}.`, job: after };
}

/** printer-state-reasons (RFC 8011 section 5.4.12) that somebody must mend before anything comes out. */
const troubles: Readonly<Record<string, string>> = {
  'media-empty': 'it is out of paper',
  'media-needed': 'it is out of paper',
  'media-jam': 'paper is jammed',
  'input-tray-missing': 'its paper tray is missing',
  'output-tray-missing': 'its output tray is missing',
  'output-area-full': 'its output tray is full',
  'door-open': 'a door is open',
  'cover-open': 'a cover is open',
  'interlock-open': 'a cover is open',
  'toner-empty': 'it is out of toner',
  'marker-supply-empty': 'it is out of ink or toner',
  'developer-empty': 'it is out of developer',
  'marker-waste-full': 'its waste box is full',
  'fuser-over-temp': 'its fuser is too hot',
};

/** A reason without suffix counts as an error; of -warning and -report nothing needs to be done yet. */
function troubleOf(reason: string): string | undefined {
  return troubles[reason.replace(/-error$/, '')];
}

function sameReasons(a: JobView, b: JobView): boolean {
  return a.stateReasons.join(' ') === b.stateReasons.join(' ');
}

function sentence(message: string): string {
  return /[.!?]$/.test(message) ? message : `${message}.`;
}

/** What a job says of itself over IPP (RFC 8011 section 5.3). To others than its owner only what a queue shows of strangers. */
import {
  attributes,
  dateTime,
  firstString,
  integer,
  jobState,
  keyword,
  mimeMediaType,
  name,
  noValue,
  text,
  uri,
  type AttributeTable,
  type IppValues,
} from './ipp-attributes.ts';
import { attributesFromJson } from './ipp-json.ts';
import type { AttributeGroup } from './ipp-values.ts';
import { expiryOf } from './job-patience.ts';
import type { Job } from './job.ts';
import { upTime } from './printer-attributes.ts';

export interface JobFacts {
  /** `ipp://host:port/ipp/print/laser` */
  readonly printerUri: string;
  /** Wall-clock milliseconds when the agent started, and now. */
  readonly started: number;
  readonly now: number;
}

/** What the answer to a job's submission has (RFC 8011 section 4.2.1.2). */
export function newJobAttributes(job: Job, { printerUri }: Pick<JobFacts, 'printerUri'>): AttributeGroup {
  return attributes({
    'job-uri': uri(jobUri(job, printerUri)),
    'job-id': integer(job.id),
    'job-uuid': uri(job.uuid),
    'job-state': jobState(job.state),
    'job-state-reasons': reasons(job),
    'job-state-message': job.message === undefined ? undefined : text(job.message),
  });
}

export function jobAttributes(job: Job, facts: JobFacts): AttributeGroup {
  return new Map([
    ...attributes(publicAttributes(job, facts)),
    ...attributes(ownAttributes(job)),
    ...attributesFromJson(job.template),
  ]);
}

/** For everybody else (PWG 5100.11 section 7.2 leaves the choice to the printer): no names, no document, no ticket. */
export function foreignJobAttributes(job: Job, facts: JobFacts): AttributeGroup {
  return attributes(publicAttributes(job, facts));
}

function publicAttributes(job: Job, facts: JobFacts): AttributeTable {
  const { printerUri, started, now } = facts;
  return {
    'job-id': integer(job.id),
    'job-uri': uri(jobUri(job, printerUri)),
    'job-printer-uri': uri(printerUri),
    'job-state': jobState(job.state),
    'job-state-reasons': reasons(job),
    'job-printer-up-time': integer(upTime(started, now)),
    'job-hold-until': keyword(job.phase === 'held' || job.hold === 'wanted' ? 'indefinite' : 'no-hold'),
    'job-k-octets': integer(Math.ceil((job.document?.bytes ?? 0) / 1024)),
    'job-impressions': job.pagesTotal === undefined ? noValue : integer(job.pagesTotal),
    'job-impressions-completed': integer(job.pages ?? 0),
    ...sheets(job),
    'number-of-documents': integer(job.document === undefined ? 0 : 1),
    ...times(job, started),
  };
}

/** Where both sides are printed only the device could tell how many sheets that makes. */
function sheets({ template, pages, pagesTotal }: Job): AttributeTable {
  const ticket = attributesFromJson(template);
  const known = (firstString(ticket, 'sides') ?? 'one-sided') === 'one-sided' && !ticket.has('number-up');
  return {
    'job-media-sheets': known && pagesTotal !== undefined ? integer(pagesTotal) : noValue,
    'job-media-sheets-completed': known ? integer(pages ?? 0) : noValue,
  };
}

function times({ created, processing, ended }: Job, started: number): AttributeTable {
  const upTimeOf = (at: number | undefined): IppValues => (at === undefined ? noValue : integer(upTime(started, at)));
  return {
    'time-at-creation': upTimeOf(created),
    'time-at-processing': upTimeOf(processing),
    'time-at-completed': upTimeOf(ended),
    'date-time-at-creation': dateOf(created),
    'date-time-at-processing': dateOf(processing),
    'date-time-at-completed': dateOf(ended),
  };
}

function dateOf(at: number | undefined): IppValues {
  return at === undefined ? noValue : dateTime(at);
}

function ownAttributes(job: Job): AttributeTable {
  const expires = expiryOf(job);
  return {
    'job-uuid': uri(job.uuid),
    'job-name': name(job.name),
    'job-originating-user-name': name(job.owner.user),
    'job-state-message': text(job.message ?? ''),
    // For agents, beside their session's news; absent while it waits for nobody.
    'nethood-expires': expires === undefined ? undefined : dateTime(expires),
    'document-format': job.document === undefined ? undefined : mimeMediaType(job.document.format),
    ...supplied(job),
  };
}

/** What the sender said of the document (PWG 5100.7 section 6.3), beside what it turned out to be. */
function supplied({ document }: Job): AttributeTable {
  const { format, compression, name: called } = document?.supplied ?? {};
  return {
    'document-format-supplied': format === undefined ? undefined : mimeMediaType(format),
    'compression-supplied': compression === undefined ? undefined : keyword(compression),
    'document-name-supplied': called === undefined ? undefined : name(called),
  };
}

function reasons(job: Job): IppValues {
  return keyword(...(job.reasons.length === 0 ? ['none'] : job.reasons));
}

function jobUri(job: Job, printerUri: string): string {
  return `${printerUri}/${job.id}`;
}

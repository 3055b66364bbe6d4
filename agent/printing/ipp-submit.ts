/** Operations that make jobs (RFC 8011 sections 4.2.1 to 4.3.1). Each answers success only for what is on disk. */
import { JobUuid } from '../../protocol/ids.ts';
import { anyFormat, bareFormat } from './document-format.ts';
import { accepted, acceptedWithout, noSuchJob, refused, type IppAnswer } from './ipp-answer.ts';
import { firstBoolean, firstString, groupOf } from './ipp-attributes.ts';
import {
  documentRefusal,
  hasDocument,
  incomingDocument,
  type Compression,
  type DocumentClaims,
} from './ipp-document.ts';
import { factsFor, type IppExchange } from './ipp-exchange.ts';
import { namedJob } from './ipp-job.ts';
import type { AttributeGroup, IppGroup } from './ipp-values.ts';
import { newJobAttributes } from './job-attributes.ts';
import { checkTemplate, type CheckedTemplate } from './job-template.ts';
import type { Job } from './job.ts';
import { acceptedFormats, printerAttributes, printerUri } from './printer-attributes.ts';
import { compressions } from './printer-fixed.ts';
import { plainLine } from './printer-name.ts';
import type { Printer } from './printer.ts';
import type { JobOrder } from './spool.ts';

interface Ticket extends DocumentClaims, CheckedTemplate {}

export async function printJob(exchange: IppExchange, printer: Printer): Promise<IppAnswer> {
  const ticket = await readTicket(exchange, printer);
  if ('status' in ticket) return ticket;
  const { spool } = exchange.deps;
  try {
    const document = incomingDocument(exchange, ticket);
    const job = await spool.accept(orderFor(exchange, printer, ticket), document, exchange.signal);
    return acceptedWithout(ticket.unsupported, jobGroup(job, exchange, printer));
  } catch (error) {
    return documentRefusal(error, ticket);
  }
}

export async function validateJob(exchange: IppExchange, printer: Printer): Promise<IppAnswer> {
  const ticket = await readTicket(exchange, printer);
  return 'status' in ticket ? ticket : acceptedWithout(ticket.unsupported);
}

export async function createJob(exchange: IppExchange, printer: Printer): Promise<IppAnswer> {
  const ticket = await readTicket(exchange, printer);
  if ('status' in ticket) return ticket;
  const job = await exchange.deps.spool.create(orderFor(exchange, printer, ticket), exchange.signal);
  return acceptedWithout(ticket.unsupported, jobGroup(job, exchange, printer));
}

/** One document a job: it begins to print with the first, whether or not that is called the last. */
export async function sendDocument(exchange: IppExchange, printer: Printer): Promise<IppAnswer> {
  const last = firstBoolean(exchange.operation, 'last-document');
  if (last === undefined) return refused('client-error-bad-request', 'The request has no last-document.');
  const named = namedJob(exchange);
  if (named === undefined) return noSuchJob;
  if (!named.own) return refused('client-error-not-authorized', 'The job belongs to somebody else.');
  if (named.job.document !== undefined) return closeJob(exchange, printer, { job: named.job, last });
  if (named.job.phase !== 'receiving') return refused('client-error-not-possible', 'The job has ended already.');
  const claims = await readClaims(exchange, printer);
  if ('status' in claims) return claims;
  try {
    const job = await exchange.deps.spool.addDocument(
      named.job.id,
      incomingDocument(exchange, claims),
      exchange.signal,
    );
    return accepted(jobGroup(job, exchange, printer));
  } catch (error) {
    return documentRefusal(error, claims);
  }
}

/** Send-Document without a document says that there is no other (RFC 8011 section 4.3.1). */
async function closeJob(
  exchange: IppExchange,
  printer: Printer,
  { job, last }: { job: Job; last: boolean },
): Promise<IppAnswer> {
  if (last && !(await hasDocument(exchange.body))) return accepted(jobGroup(job, exchange, printer));
  return refused('server-error-multiple-document-jobs-not-supported', 'A job has one document.');
}

async function readTicket(exchange: IppExchange, printer: Printer): Promise<Ticket | IppAnswer> {
  if (!printer.queue.accepting)
    return refused('server-error-not-accepting-jobs', `The printer ${printer.id} accepts no jobs now.`);
  const claims = await readClaims(exchange, printer);
  if ('status' in claims) return claims;
  const asked = groupOf(exchange.request, 'job');
  if (asked.size === 0) return { ...claims, template: asked, unsupported: new Map() };
  const described = await printer.describe();
  const all = printerAttributes(printer, described, exchange.address, factsFor(exchange, printer));
  const checked = checkTemplate(asked, all);
  if (checked.unsupported.size > 0 && isStrict(exchange.operation)) {
    const words = 'The printer cannot do all that the job asks for.';
    return refused('client-error-attributes-or-values-not-supported', words, checked.unsupported);
  }
  return { ...claims, ...checked };
}

async function readClaims({ operation }: IppExchange, printer: Printer): Promise<DocumentClaims | IppAnswer> {
  const compression = firstString(operation, 'compression') ?? 'none';
  if (!isCompression(compression))
    return refused(
      'client-error-compression-not-supported',
      `Compression ${compression} is not supported.`,
      only(operation, 'compression'),
    );
  const format = bareFormat(firstString(operation, 'document-format') ?? anyFormat);
  const formats = acceptedFormats(await printer.describe());
  if (format !== anyFormat && !formats.includes(format))
    return refused(
      'client-error-document-format-not-supported',
      `The printer does not take ${format}.`,
      only(operation, 'document-format'),
    );
  const called = firstString(operation, 'document-name');
  return { compression, format, formats, name: called === undefined ? undefined : plain(called) };
}

function isCompression(name: string): name is Compression {
  return (compressions as readonly string[]).includes(name);
}

function only(operation: AttributeGroup, attribute: string): AttributeGroup {
  const values = operation.get(attribute);
  return new Map(values === undefined ? [] : [[attribute, values]]);
}

const holdAttribute = 'job-hold-until';

/** Rather no job than one that is printed otherwise (RFC 8011 section 4.2.1.1). */
function isStrict(operation: AttributeGroup): boolean {
  return firstBoolean(operation, 'ipp-attribute-fidelity') === true;
}

function orderFor({ operation, owner }: IppExchange, printer: Printer, checked: CheckedTemplate): JobOrder {
  const name = firstString(operation, 'job-name') ?? firstString(operation, 'document-name') ?? '';
  // Only a key proves who sends: from a guest such a name would be a claim.
  const submission = owner.kind === 'device' ? firstString(operation, 'nethood-submission-id') : undefined;
  return {
    destination: printer.destination,
    label: printer.label,
    owner,
    name: plain(name) || 'Untitled',
    // When it is printed is the spool's affair; all else the destination's.
    template: new Map(Array.from(checked.template).filter(([attribute]) => attribute !== holdAttribute)),
    hold: firstString(checked.template, holdAttribute) === 'indefinite',
    fidelity: isStrict(operation),
    uuid: JobUuid.safeParse(submission).data,
  };
}

/** RFC 8011 section 5.1.3: 255 octets. Cut, not refused: the pages are what people want. */
function plain(name: string): string {
  return plainLine(name, 255);
}

function jobGroup(job: Job, exchange: IppExchange, printer: Printer): IppGroup {
  return { group: 'job', attributes: newJobAttributes(job, { printerUri: printerUri(printer, exchange.address) }) };
}

/** Is a request one that RFC 8011 section 4.1 allows, and what is it about? In the order in which the standard wants it looked at. */
import { JobUuid } from '../../protocol/ids.ts';
import { refused, type IppAnswer } from './ipp-answer.ts';
import { firstNumber, firstString, groupOf } from './ipp-attributes.ts';
import { groupTags, type AttributeGroup, type IppRequest, type IppValue } from './ipp-values.ts';

/** What the request names by printer-uri and job-id, or by job-uri. */
export interface IppSubject {
  /** Undecoded names never get further than a comparison. */
  readonly queue: string;
  readonly job?: { readonly id: number } | { readonly uuid: JobUuid } | undefined;
}

/** The refusal, or undefined: sections 4.1.8 (version), 4.1.2 (request-id), 4.1.4 (charset and language), groups in order. */
export function refusalOf(request: IppRequest): IppAnswer | undefined {
  const { version, requestId, groups } = request;
  if (version.major < 1 || version.major > 2)
    return refused('server-error-version-not-supported', `IPP ${version.major}.${version.minor} is not supported.`);
  if (requestId < 1) return refused('client-error-bad-request', 'The request-id is not a positive number.');
  if (groups[0]?.group !== 'operation')
    return refused('client-error-bad-request', 'The request has no group of operation attributes.');
  const tags = groups.map(({ group }) => groupTags[group]);
  if (tags.some((tag, at) => at > 0 && tag <= (tags[at - 1] ?? 0)))
    return refused('client-error-bad-request', 'The groups of the request are not in order.');
  return charsetRefusal(groups[0].attributes);
}

function charsetRefusal(operation: AttributeGroup): IppAnswer | undefined {
  const [first, second] = Array.from(operation);
  const charset = onlyString(first, 'attributes-charset', 'charset');
  if (charset === undefined)
    return refused('client-error-bad-request', 'The request does not begin with one attributes-charset.');
  if (onlyString(second, 'attributes-natural-language', 'naturalLanguage') === undefined)
    return refused('client-error-bad-request', 'The second attribute is not one attributes-natural-language.');
  if (['utf-8', 'us-ascii'].includes(charset.toLowerCase())) return undefined;
  return refused('client-error-charset-not-supported', `The charset ${charset} is not supported.`);
}

function onlyString(
  attribute: readonly [string, readonly IppValue[]] | undefined,
  name: string,
  tag: 'charset' | 'naturalLanguage',
): string | undefined {
  if (attribute?.[0] !== name || attribute[1].length !== 1) return undefined;
  const [value] = attribute[1];
  return value?.tag === tag ? value.value : undefined;
}

/** A subject that names no queue: nothing is found for it. */
const nothing: IppSubject = { queue: '' };

/** Where the request was sent. */
interface Target {
  /** `/ipp/print/` */
  readonly prefix: string;
  /** What follows the prefix in the request line, undecoded. */
  readonly path: string;
}

export function subjectOf(request: IppRequest, { prefix, path }: Target): IppSubject | IppAnswer {
  const operation = groupOf(request, 'operation');
  const queue = decoded(path.split('/')[0] ?? '');
  const printerUri = firstString(operation, 'printer-uri');
  if (printerUri !== undefined)
    return printerSubject(pathBelow(prefix, printerUri), queue, firstNumber(operation, 'job-id'));
  const jobUri = firstString(operation, 'job-uri');
  if (jobUri !== undefined) return jobSubject(jobUri, pathBelow(prefix, jobUri), queue);
  return refused('client-error-bad-request', 'The request names neither a printer-uri nor a job-uri.');
}

/** The queue asked for and the one addressed must be the same, or a check of either could be walked around. */
function printerSubject(path: string[] | undefined, queue: string, id: number | undefined): IppSubject {
  if (path?.length !== 1 || decoded(path[0] ?? '') !== queue) return nothing;
  return { queue, job: id === undefined ? undefined : { id } };
}

function jobSubject(jobUri: string, path: string[] | undefined, queue: string): IppSubject {
  const uuid = JobUuid.safeParse(jobUri.toLowerCase());
  if (uuid.success) return { queue, job: { uuid: uuid.data } };
  const [printer = '', id = ''] = path ?? [];
  if (path?.length !== 2 || decoded(printer) !== queue || !/^\d{1,10}$/.test(id)) return nothing;
  return { queue, job: { id: Number(id) } };
}

/** `ipp://host:port/ipp/print/laser/12` -> [laser, 12], undecoded. */
function pathBelow(prefix: string, uri: string): string[] | undefined {
  const path = /^(?:ipps?|https?):\/\/[^/?#]*(\/[^?#]*)(?:\?[^#]*)?$/i.exec(uri)?.[1];
  return path?.startsWith(prefix) === true ? path.slice(prefix.length).split('/') : undefined;
}

function decoded(component: string): string {
  try {
    return decodeURIComponent(component);
  } catch {
    // Not a name of any queue then.
    return '';
  }
}

/**
 * The ticket of a job (RFC 8011 section 5.2) against what the printer says it can: what it cannot is left out and named,
 * or, with ipp-attribute-fidelity, refuses the job.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AttributeGroup, IppValue } from './ipp-values.ts';
import { pwgMediaName } from './media-names.ts';
import { isTemplateAttribute } from './printer-passed.ts';

export interface CheckedTemplate {
  readonly template: AttributeGroup;
  readonly unsupported: AttributeGroup;
}

/** Of one attribute. `page-ranges` can have many; each stays in the journal as long as its job. */
const mostValues = 1_000;
/** Of a whole ticket, about, in bytes of the journal. */
const mostOfTicket = 64 * 1024;
/** RFC 8011 section 5.1: keyword and name. */
const longestWord = 255;

/** @param asked the request's group of job attributes */
export function checkTemplate(asked: AttributeGroup, printer: AttributeGroup): CheckedTemplate {
  const template = new Map<string, readonly IppValue[]>();
  const unsupported = new Map<string, readonly IppValue[]>();
  let bytes = 0;
  for (const [attribute, values] of asked) {
    const supported = printer.get(`${attribute}-supported`);
    if (!isTemplateAttribute(attribute) || supported === undefined)
      // RFC 8011 section 4.1.7: the whole attribute is unknown.
      unsupported.set(attribute, [{ tag: 'unsupported' }]);
    else if (values.length <= mostValues && values.every((value) => isSupported(attribute, value, supported))) {
      const size = sizeOf(values);
      const fits = bytes + size <= mostOfTicket;
      if (fits) template.set(attribute, values);
      else unsupported.set(attribute, [{ tag: 'unsupported' }]);
      bytes += fits ? size : 0;
    } else unsupported.set(attribute, values);
  }
  return { template, unsupported };
}

/** A value without its text takes so much there. */
const bytesOfValue = 45;

function sizeOf(values: readonly IppValue[]): number {
  return values.reduce((sum, value) => {
    if (value.tag === 'collection')
      return Array.from(value.members).reduce(
        (of, [name, each]) => of + name.length + sizeOf(each),
        sum + bytesOfValue,
      );
    return sum + bytesOfValue + ('value' in value && typeof value.value === 'string' ? value.value.length : 0);
  }, 0);
}

function isSupported(attribute: string, value: IppValue, supported: readonly IppValue[]): boolean {
  if (value.tag === 'integer' || value.tag === 'rangeOfInteger') return supported.some((each) => covers(each, value));
  if (value.tag === 'keyword' || value.tag === 'name' || value.tag === 'nameWithLanguage')
    return isOffered(attribute, value.value, supported);
  if (value.tag === 'collection') return isKnownCollection(value.members, supported);
  return supported.some((each) => isDeepStrictEqual(each, value));
}

/** `copies-supported` is a range, `page-ranges-supported` just says yes. */
function covers(supported: IppValue, value: IppValue): boolean {
  if (value.tag === 'rangeOfInteger' && (value.lower < 1 || value.upper < value.lower)) return false;
  if (supported.tag === 'boolean') return supported.value;
  if (value.tag !== 'integer') return false;
  if (supported.tag === 'rangeOfInteger') return value.value >= supported.lower && value.value <= supported.upper;
  return supported.tag === 'integer' && supported.value === value.value;
}

function isOffered(attribute: string, value: string, supported: readonly IppValue[]): boolean {
  if (value.length > longestWord) return false;
  const offered = supported.flatMap((each) => ('value' in each && typeof each.value === 'string' ? [each.value] : []));
  if (offered.includes(value)) return true;
  // PWG 5101.1 section 5.1.3: custom_min and custom_max stand for all sizes between them.
  const custom = value.startsWith('custom_') && pwgMediaName(value) !== undefined;
  return attribute === 'media' && custom && offered.some((each) => each.startsWith('custom_min'));
}

/** `media-col-supported` lists the members that are understood. */
function isKnownCollection(members: AttributeGroup, supported: readonly IppValue[]): boolean {
  const names = supported.flatMap((each) => (each.tag === 'keyword' ? [each.value] : []));
  const known = names.length === 0 || Array.from(members.keys()).every((member) => names.includes(member));
  return known && Array.from(members.values()).flat().every(isPlain);
}

/** Print systems make options of commands from them: words, and names without control characters. */
function isPlain(value: IppValue): boolean {
  if (value.tag === 'collection') return Array.from(value.members.values()).flat().every(isPlain);
  if (value.tag === 'keyword') return /^[\w.-]{1,255}$/.test(value.value);
  if (value.tag === 'raw') return false;
  const words = 'value' in value && typeof value.value === 'string' ? value.value : '';
  return words.length <= longestWord && !/\p{Cc}/u.test(words);
}

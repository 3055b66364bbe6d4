/**
 * What a neighbour says of its printer, before the print system of this PC hears it: that makes a driver file (PPD) of it,
 * whose lines name programs to run (CVE-2024-47175), and fetches what URIs lead to. So words keep only characters that
 * mean nothing there, keywords and media types must be such, numbers must be in range, and URIs stay out.
 */
import type { AttributeGroup, IppValue } from './ipp-values.ts';

/** No printer has more sizes of paper, nor so many of anything else. */
const mostValues = 2_000;
const mostAttributes = 500;
/** Hundredths of millimetres: 100 m of paper. */
const longestSide = 10_000_000;
const finestResolution = 100_000;

export function cleanAttributes(described: AttributeGroup): AttributeGroup {
  const clean = new Map<string, readonly IppValue[]>();
  for (const [attribute, values] of described) {
    if (clean.size >= mostAttributes) break;
    if (!isKeyword(attribute)) continue;
    const kept = values.slice(0, mostValues).flatMap((value) => cleanValue(attribute, value) ?? []);
    if (kept.length > 0) clean.set(attribute, kept);
  }
  return clean;
}

/** Letters, digits and a few signs of any language; never a quote, a line's end, or what begins a keyword of a PPD. */
export function cleanText(words: string): string {
  return words
    .slice(0, 1_023)
    .replaceAll(/[^\p{L}\p{M}\p{N} .,_+()&@-]+/gu, ' ')
    .replaceAll(/ {2,}/g, ' ')
    .trim();
}

function cleanValue(attribute: string, value: IppValue): IppValue | undefined {
  if (value.tag === 'text' || value.tag === 'textWithLanguage') return cleanWords(attribute, value.value);
  if (value.tag === 'name') return cleanName(attribute, value.value);
  if (value.tag === 'collection') return cleanCollection(value.members);
  const isGood = isGoodWord(value) || isGoodNumber(attribute, value) || harmless.has(value.tag);
  return isGood ? value : undefined;
}

/** URIs lead the print system elsewhere; charsets, languages and unknown syntaxes it needs not. */
const harmless: ReadonlySet<string> = new Set(['boolean', 'dateTime', 'unknown', 'no-value']);

function isGoodWord(value: IppValue): boolean {
  if (value.tag === 'keyword') return isKeyword(value.value);
  if (value.tag === 'mimeMediaType') return isMediaType(value.value);
  return value.tag === 'octetString' && isPlainBytes(value.value);
}

function isGoodNumber(attribute: string, value: IppValue): boolean {
  if (value.tag === 'enum') return value.value > 0;
  if (value.tag === 'integer') return isInRange(attribute, value.value);
  if (value.tag === 'resolution') return [value.x, value.y].every((dots) => dots > 0 && dots <= finestResolution);
  if (value.tag !== 'rangeOfInteger' || value.lower > value.upper) return false;
  return isInRange(attribute, value.lower) && isInRange(attribute, value.upper);
}

function cleanWords(attribute: string, words: string): IppValue | undefined {
  // IEEE 1284: keys and values, which lose their meaning with any of their signs.
  if (attribute === 'printer-device-id')
    return /^[A-Za-z0-9 .,:;_+()/-]{0,1023}$/.test(words) ? { tag: 'text', value: words } : undefined;
  return { tag: 'text', value: cleanText(words) };
}

/** Names for people, and those that stand where keywords may, as media have them. */
function cleanName(attribute: string, words: string): IppValue | undefined {
  const isForPeople = attribute.startsWith('marker-') || attribute.startsWith('printer-');
  if (isForPeople) return { tag: 'name', value: cleanText(words) };
  return isKeyword(words) ? { tag: 'name', value: words } : undefined;
}

/** Half a paper size is none: one member that is not in order takes the whole along. */
function cleanCollection(members: AttributeGroup): IppValue | undefined {
  const clean = cleanAttributes(members);
  const whole = Array.from(members).every(([member, values]) => clean.get(member)?.length === values.length);
  return whole ? { tag: 'collection', members: clean } : undefined;
}

/** RFC 8011 section 5.1.4, and the capitals that `urf-supported` has. */
function isKeyword(word: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9._-]{0,254}$/.test(word);
}

function isMediaType(type: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9.+-]{0,126}$/.test(type);
}

/** `printer-input-tray` and its kind: `type=sheetFeedAutoRemovableTray;level=-2;name=Tray 1;`. */
function isPlainBytes(bytes: Uint8Array): boolean {
  return (
    bytes.length <= 1_023 &&
    bytes.every((byte) => byte >= 0x20 && byte < 0x7f && !'"\\<>*:%$`\'&|'.includes(String.fromCharCode(byte)))
  );
}

/** Negative ones mean something in levels of supplies alone (RFC 3805: unknown, some left). */
function isInRange(attribute: string, value: number): boolean {
  if (attribute === 'x-dimension' || attribute === 'y-dimension') return value > 0 && value <= longestSide;
  return value >= (attribute.startsWith('marker-') ? -3 : 0);
}

/** The objects of PDF (ISO 32000-1 section 7.3) in the bytes of a file: where each ends, what a dictionary holds. */
import { NethoodError } from '../../protocol/errors.ts';

/** Part of a buffer: one object. */
export interface Span {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

/** Deeper ones are nobody's document. */
const deepest = 64;

export function damaged(what: string): NethoodError {
  return new NethoodError('bad-document', `Pages cannot be taken out of this PDF: ${what}.`);
}

/** White space and comments (7.2.2, 7.2.3). */
export function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const byte = bytes[at];
    if (byte === undefined) return at;
    if (byte === percent) while (at < bytes.length && bytes[at] !== 10 && bytes[at] !== 13) at++;
    else if (isSpace(byte)) at++;
    else return at;
  }
}

/** What begins here as text, for looking at a keyword, a number or a reference. */
export function peek(bytes: Buffer, at: number, length = 48): string {
  return bytes.toString('latin1', at, at + length);
}

/** `12 0 R` */
export function referenceAt(bytes: Buffer, at: number): { readonly num: number; readonly end: number } | undefined {
  const byte = bytes[at] ?? 0;
  if (byte < 0x30 || byte > 0x39) return undefined;
  const [all, num] = /^(\d{1,10})[\s\0]{1,16}\d{1,5}[\s\0]{1,16}R(?![^\s\0()<>[\]{}/%])/.exec(peek(bytes, at)) ?? [];
  return all === undefined ? undefined : { num: Number(num), end: at + all.length };
}

/** @returns where the object that begins at `from` ends @throws NethoodError `bad-document` */
export function objectEnd(bytes: Buffer, from: number, depth = 0): number {
  if (depth > deepest) throw damaged('its objects are too deep');
  switch (bytes[from]) {
    case undefined:
      throw damaged('it ends too early');
    case paren:
      return stringEnd(bytes, from);
    case slash:
      return regularEnd(bytes, from + 1);
    case bracket:
      return listEnd(bytes, from + 1, depth);
    case less:
      return angleEnd(bytes, from, depth);
    default:
      return referenceAt(bytes, from)?.end ?? wordEnd(bytes, from);
  }
}

/** Keys without slash, in their order; the last of two alike counts. */
export function dictionaryAt(bytes: Buffer, at: number, depth = 0): ReadonlyMap<string, Span> {
  const entries = new Map<string, Span>();
  if (bytes[at] !== less || bytes[at + 1] !== less) throw damaged('a dictionary is missing');
  eachEntry(bytes, at, { depth, entry: (key, value) => entries.set(key, value) });
  return entries;
}

/** The elements of an array; a single object is an array of one. */
export function elementsOf({ bytes, from, to }: Span): Span[] {
  if (bytes[from] !== bracket) return [{ bytes, from, to }];
  const elements: Span[] = [];
  for (let at = skipSpace(bytes, from + 1); bytes[at] !== bracketEnd; at = skipSpace(bytes, at)) {
    const end = objectEnd(bytes, at, 1);
    elements.push({ bytes, from: at, to: end });
    at = end;
  }
  return elements;
}

export function textOf({ bytes, from, to }: Span): string {
  return bytes.toString('latin1', from, to);
}

export function numberOf(span: Span | undefined): number | undefined {
  const value = span === undefined ? Number.NaN : Number(textOf(span));
  return Number.isSafeInteger(value) ? value : undefined;
}

const [percent, paren, slash, bracket, bracketEnd, less, greater, backslash] = Array.from(Buffer.from('%(/[]<>\\')) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13 && byte !== 11) || byte === 0;
}

const delimiters: ReadonlySet<number> = new Set(Buffer.from('()<>[]{}/%'));

function regularEnd(bytes: Buffer, from: number): number {
  let at = from;
  for (let byte = bytes[at]; byte !== undefined && !isSpace(byte) && !delimiters.has(byte); byte = bytes[at]) at++;
  return at;
}

/** Numbers, `true`, `null`: at least one character. */
function wordEnd(bytes: Buffer, from: number): number {
  const end = regularEnd(bytes, from);
  if (end === from) throw damaged('an object is none');
  return end;
}

function stringEnd(bytes: Buffer, from: number): number {
  let open = 0;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === backslash) at++;
    else if (byte === paren) open++;
    else if (byte === paren + 1 && --open === 0) return at + 1;
  }
  throw damaged('a string has no end');
}

/** A dictionary, or a string of hexadecimal digits. */
function angleEnd(bytes: Buffer, from: number, depth: number): number {
  if (bytes[from + 1] === less) return eachEntry(bytes, from, { depth, entry: () => undefined });
  const end = bytes.indexOf(greater, from);
  if (end === -1) throw damaged('a string has no end');
  return end + 1;
}

function listEnd(bytes: Buffer, from: number, depth: number): number {
  let at = skipSpace(bytes, from);
  while (bytes[at] !== bracketEnd) at = skipSpace(bytes, objectEnd(bytes, at, depth + 1));
  return at + 1;
}

interface Entries {
  readonly depth: number;
  readonly entry: (key: string, value: Span) => void;
}

function eachEntry(bytes: Buffer, from: number, { depth, entry }: Entries): number {
  let at = skipSpace(bytes, from + 2);
  while (bytes[at] !== greater) {
    if (bytes[at] !== slash) throw damaged('a dictionary has an entry without name');
    const keyEnd = regularEnd(bytes, at + 1);
    const key = bytes.toString('latin1', at + 1, keyEnd);
    const value = skipSpace(bytes, keyEnd);
    const end = objectEnd(bytes, value, depth + 1);
    entry(key, { bytes, from: value, to: end });
    at = skipSpace(bytes, end);
  }
  return at + 2;
}

/**
 * One value from its bytes (RFC 8010 section 3.9). A wrong length is an error, since nothing after it can be trusted;
 * content that the syntax does not allow (text that is no UTF-8, a boolean of 7) is kept raw, so that nothing is lost.
 */
import { isUtf8 } from 'node:buffer';
import { badMessage, outOfBandTags, resolutionUnits, stringTags } from './ipp-tags.ts';
import type { IppDate, IppValue, StringTag } from './ipp-values.ts';

interface Syntax {
  /** Bytes; undefined where any number will do. */
  readonly length?: number;
  /** Undefined where the syntax does not allow the content. */
  read(bytes: Buffer): IppValue | undefined;
}

const syntaxes: ReadonlyMap<number, Syntax> = new Map<number, Syntax>([
  ...Object.entries(outOfBandTags).map(([tag, code]): [number, Syntax] => [code, outOfBand(tag as OutOfBandTag)]),
  ...Object.entries(stringTags).map(([tag, code]): [number, Syntax] => [code, string(tag as StringTag)]),
  [0x21, { length: 4, read: (bytes) => ({ tag: 'integer', value: bytes.readInt32BE() }) }],
  [0x22, { length: 1, read: boolean }],
  [0x23, { length: 4, read: (bytes) => ({ tag: 'enum', value: bytes.readInt32BE() }) }],
  [0x30, { read: (bytes) => ({ tag: 'octetString', value: new Uint8Array(bytes) }) }],
  [0x31, { length: 11, read: dateTime }],
  [0x32, { length: 9, read: resolution }],
  [0x33, { length: 8, read: range }],
  [0x35, { read: (bytes) => withLanguage('textWithLanguage', bytes) }],
  [0x36, { read: (bytes) => withLanguage('nameWithLanguage', bytes) }],
]);

type OutOfBandTag = keyof typeof outOfBandTags;

/** Anything but a collection. @throws NethoodError `bad-message` */
export function decodeValue(code: number, bytes: Buffer): IppValue {
  const syntax = syntaxes.get(code);
  if (syntax?.length !== undefined && syntax.length !== bytes.length)
    throw badMessage(`a value of tag 0x${code.toString(16)} has ${bytes.length} bytes instead of ${syntax.length}`);
  return syntax?.read(bytes) ?? { tag: 'raw', code, value: new Uint8Array(bytes) };
}

/** RFC 8010 section 3.5.2: no bytes at all. */
function outOfBand(tag: OutOfBandTag): Syntax {
  return { read: (bytes) => (bytes.length === 0 ? { tag } : undefined) };
}

function string(tag: StringTag): Syntax {
  return { read: (bytes) => (isUtf8(bytes) ? { tag, value: bytes.toString() } : undefined) };
}

function boolean(bytes: Buffer): IppValue | undefined {
  const byte = bytes[0];
  return byte === 0 || byte === 1 ? { tag: 'boolean', value: byte === 1 } : undefined;
}

function resolution(bytes: Buffer): IppValue | undefined {
  const code = bytes[8];
  const unit = code === resolutionUnits.dpi ? 'dpi' : code === resolutionUnits.dpcm ? 'dpcm' : undefined;
  return unit && { tag: 'resolution', x: bytes.readInt32BE(0), y: bytes.readInt32BE(4), unit };
}

function range(bytes: Buffer): IppValue {
  return { tag: 'rangeOfInteger', lower: bytes.readInt32BE(0), upper: bytes.readInt32BE(4) };
}

/** RFC 2579 DateAndTime: the year in two bytes, the sign of the zone as a character. */
function dateTime(bytes: Buffer): IppValue | undefined {
  const sign = bytes.toString('latin1', 8, 9);
  if (sign !== '+' && sign !== '-') return undefined;
  const value: IppDate = {
    year: bytes.readUInt16BE(0),
    month: bytes.readUInt8(2),
    day: bytes.readUInt8(3),
    hour: bytes.readUInt8(4),
    minute: bytes.readUInt8(5),
    second: bytes.readUInt8(6),
    deciSecond: bytes.readUInt8(7),
    zoneSign: sign,
    zoneHour: bytes.readUInt8(9),
    zoneMinute: bytes.readUInt8(10),
  };
  return { tag: 'dateTime', value };
}

/** Two strings, each after its length in two bytes. */
function withLanguage(tag: 'textWithLanguage' | 'nameWithLanguage', bytes: Buffer): IppValue | undefined {
  const languageEnd = bytes.length < 4 ? Infinity : 2 + bytes.readUInt16BE(0);
  if (languageEnd + 2 > bytes.length || languageEnd + 2 + bytes.readUInt16BE(languageEnd) !== bytes.length)
    throw badMessage(`the lengths inside a ${tag} do not fit`);
  if (!isUtf8(bytes.subarray(2, languageEnd)) || !isUtf8(bytes.subarray(languageEnd + 2))) return undefined;
  return { tag, language: bytes.toString('utf8', 2, languageEnd), value: bytes.toString('utf8', languageEnd + 2) };
}

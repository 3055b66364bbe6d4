/** Tags of RFC 8010 section 3.5 that the codec itself lives by; the tables of attributes are in `ipp-tables.ts`. */
import { NethoodError } from '../../protocol/errors.ts';
import type { IppValue } from './ipp-values.ts';

/** Section 3.5.1. A tag below 0x10 begins a group, this one ends the attributes. */
export const endOfAttributesTag = 0x03;
export const firstValueTag = 0x10;

/** Section 3.1.6: a collection is a run of attributes without name between two of these. */
export const collectionTags = { begin: 0x34, end: 0x37, memberName: 0x4a } as const;

/** Section 3.5.2, and RFC 3380 section 8 for 0x15 to 0x17. */
export const outOfBandTags = {
  unsupported: 0x10,
  default: 0x11,
  unknown: 0x12,
  'no-value': 0x13,
  'not-settable': 0x15,
  'delete-attribute': 0x16,
  'admin-define': 0x17,
} as const;

export const stringTags = {
  text: 0x41,
  name: 0x42,
  keyword: 0x44,
  uri: 0x45,
  uriScheme: 0x46,
  charset: 0x47,
  naturalLanguage: 0x48,
  mimeMediaType: 0x49,
} as const;

export const valueTags: Readonly<Record<Exclude<IppValue['tag'], 'raw'>, number>> = {
  ...outOfBandTags,
  integer: 0x21,
  boolean: 0x22,
  enum: 0x23,
  octetString: 0x30,
  dateTime: 0x31,
  resolution: 0x32,
  rangeOfInteger: 0x33,
  collection: collectionTags.begin,
  textWithLanguage: 0x35,
  nameWithLanguage: 0x36,
  ...stringTags,
};

/** Section 4.1: units of a resolution. */
export const resolutionUnits = { dpi: 3, dpcm: 4 } as const;

export function badMessage(why: string): NethoodError {
  return new NethoodError('bad-message', `The IPP message is broken: ${why}.`);
}

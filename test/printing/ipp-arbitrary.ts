/** Any IPP message that the value model can hold, for fast-check. */
import * as fc from 'fast-check';
import { groupTags, type AttributeGroup, type GroupName, type IppValue } from '../../agent/printing/ipp-values.ts';
import type { IppRequest, IppResponse } from '../../agent/printing/ipp-values.ts';

const int32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const byte = fc.nat({ max: 255 });
/** Whole characters only: what is half of one cannot be said in UTF-8. */
const words = fc.string({ unit: 'grapheme', maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 60 });

const date = fc.record({
  year: fc.nat({ max: 0xffff }),
  month: byte,
  day: byte,
  hour: byte,
  minute: byte,
  second: byte,
  deciSecond: byte,
  zoneSign: fc.constantFrom('+' as const, '-' as const),
  zoneHour: byte,
  zoneMinute: byte,
});

const outOfBand = [
  'unsupported',
  'unknown',
  'no-value',
  'default',
  'not-settable',
  'delete-attribute',
  'admin-define',
] as const;
const stringTags = [
  'text',
  'name',
  'keyword',
  'uri',
  'uriScheme',
  'charset',
  'naturalLanguage',
  'mimeMediaType',
] as const;
/** Tags that no standard has given a meaning, and the extension tag of RFC 8010 section 3.5.2. */
const foreignTags = [0x14, 0x1f, 0x20, 0x24, 0x2f, 0x38, 0x40, 0x43, 0x4b, 0x5f, 0x7f, 0xff];

const anyName = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme-ascii' });

const anyValue: fc.Arbitrary<IppValue> = fc.letrec<{ value: IppValue; members: AttributeGroup }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ tag: fc.constantFrom('integer' as const, 'enum' as const), value: int32 }),
    fc.record({ tag: fc.constantFrom(...outOfBand) }),
    fc.record({ tag: fc.constant('boolean' as const), value: fc.boolean() }),
    fc.record({ tag: fc.constant('octetString' as const), value: bytes }),
    fc.record({ tag: fc.constant('dateTime' as const), value: date }),
    fc.record({
      tag: fc.constant('resolution' as const),
      x: int32,
      y: int32,
      unit: fc.constantFrom('dpi' as const, 'dpcm' as const),
    }),
    fc.record({ tag: fc.constant('rangeOfInteger' as const), lower: int32, upper: int32 }),
    fc.record({
      tag: fc.constantFrom('textWithLanguage' as const, 'nameWithLanguage' as const),
      language: words,
      value: words,
    }),
    fc.record({ tag: fc.constantFrom(...stringTags), value: words }),
    fc.record({ tag: fc.constant('raw' as const), code: fc.constantFrom(...foreignTags), value: bytes }),
    fc.record({ tag: fc.constant('collection' as const), members: tie('members') }),
  ),
  members: fc
    .array(fc.tuple(anyName, fc.array(tie('value'), { minLength: 1, maxLength: 3 })), { maxLength: 4 })
    .map((entries) => new Map(entries)),
})).value;

const group = fc.record({
  group: fc.constantFrom(...(Object.keys(groupTags) as GroupName[])),
  attributes: fc
    .array(fc.tuple(anyName, fc.array(anyValue, { minLength: 1, maxLength: 4 })), { maxLength: 6 })
    .map((entries) => new Map(entries)),
});

const header = {
  version: fc.record({ major: byte, minor: byte }),
  requestId: int32,
  groups: fc.array(group, { maxLength: 5 }),
};

export const anyRequest: fc.Arbitrary<IppRequest> = fc.record({ ...header, operation: fc.nat({ max: 0xffff }) });
export const anyResponse: fc.Arbitrary<IppResponse> = fc.record({ ...header, status: fc.nat({ max: 0xffff }) });

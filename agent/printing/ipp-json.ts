/**
 * IPP attributes as JSON, for the spool's journal: `[name, [value, …]]` pairs in order, bytes as base64. What comes
 * back from disk is checked like anything from outside.
 */
import { z } from 'zod';
import type { AttributeGroup, IppValue } from './ipp-values.ts';

const Int = z.int().min(-0x80000000).max(0x7fffffff);
const Byte = z.int().min(0).max(255);
const Text = z.string().max(65_535);
const Base64 = z
  .string()
  .max(90_000)
  .regex(/^[A-Za-z0-9+/]*=*$/);

const IppDate = z.object({
  year: z.int().min(0).max(65_535),
  month: Byte,
  day: Byte,
  hour: Byte,
  minute: Byte,
  second: Byte,
  deciSecond: Byte,
  zoneSign: z.enum(['+', '-']),
  zoneHour: Byte,
  zoneMinute: Byte,
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
const strings = ['text', 'name', 'keyword', 'uri', 'uriScheme', 'charset', 'naturalLanguage', 'mimeMediaType'] as const;

const JsonScalar = z.union([
  z.object({ tag: z.enum(strings), value: Text }),
  z.object({ tag: z.enum(['integer', 'enum']), value: Int }),
  z.object({ tag: z.literal('boolean'), value: z.boolean() }),
  z.object({ tag: z.literal('rangeOfInteger'), lower: Int, upper: Int }),
  z.object({ tag: z.literal('resolution'), x: Int, y: Int, unit: z.enum(['dpi', 'dpcm']) }),
  z.object({ tag: z.enum(['textWithLanguage', 'nameWithLanguage']), language: Text, value: Text }),
  z.object({ tag: z.literal('dateTime'), value: IppDate }),
  z.object({ tag: z.literal('octetString'), base64: Base64 }),
  z.object({ tag: z.literal('raw'), code: z.int().min(0).max(0x7fffffff), base64: Base64 }),
  z.object({ tag: z.enum(outOfBand) }),
]);
type JsonValue = z.infer<typeof JsonScalar> | { tag: 'collection'; members: JsonAttributes };
export type JsonAttributes = [string, JsonValue[]][];

const JsonValue: z.ZodType<JsonValue> = z.lazy(() =>
  z.union([JsonScalar, z.object({ tag: z.literal('collection'), members: JsonAttributes })]),
);
export const JsonAttributes: z.ZodType<JsonAttributes> = z.array(
  z.tuple([z.string().max(255), z.array(JsonValue).max(10_000)]),
);

export function attributesToJson(attributes: AttributeGroup): JsonAttributes {
  return Array.from(attributes, ([name, values]) => [name, values.map(valueToJson)]);
}

export function attributesFromJson(json: JsonAttributes): AttributeGroup {
  return new Map(json.map(([name, values]) => [name, values.map(valueFromJson)]));
}

function valueToJson(value: IppValue): JsonValue {
  if (value.tag === 'collection') return { tag: 'collection', members: attributesToJson(value.members) };
  if (value.tag === 'octetString') return { tag: value.tag, base64: Buffer.from(value.value).toString('base64') };
  if (value.tag === 'raw')
    return { tag: value.tag, code: value.code, base64: Buffer.from(value.value).toString('base64') };
  return value;
}

function valueFromJson(value: JsonValue): IppValue {
  if (value.tag === 'collection') return { tag: 'collection', members: attributesFromJson(value.members) };
  if (value.tag === 'octetString') return { tag: value.tag, value: Buffer.from(value.base64, 'base64') };
  if (value.tag === 'raw') return { tag: value.tag, code: value.code, value: Buffer.from(value.base64, 'base64') };
  return value;
}

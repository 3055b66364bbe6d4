/**
 * Building and reading attributes. A builder takes the values of a set and gives them with their tag:
 * `keyword('one-sided', 'two-sided-long-edge')`. A reader gives undefined for what is absent or of another syntax.
 */
import type { JobState, PrinterState } from '../../protocol/resources.ts';
import { jobStates, operations, printerStates, type OperationName } from './ipp-tables.ts';
import { stringTags } from './ipp-tags.ts';
import type { AttributeGroup, GroupName, IppDate, IppGroup, IppRequest, IppValue, StringTag } from './ipp-values.ts';

export type IppValues = readonly IppValue[];
/** In the order of the wire; what is undefined is left out. Names are ours: those from a wire stay in their Map. */
export type AttributeTable = Readonly<Record<string, IppValues | undefined>>;

const strings =
  (tag: StringTag) =>
  (...values: readonly string[]): IppValues =>
    values.map((value) => ({ tag, value }));

export const text = strings('text');
export const name = strings('name');
export const keyword = strings('keyword');
export const uri = strings('uri');
export const charset = strings('charset');
export const naturalLanguage = strings('naturalLanguage');
export const mimeMediaType = strings('mimeMediaType');

export const integer = (...values: readonly number[]): IppValues => values.map((value) => ({ tag: 'integer', value }));
export const enumeration = (...values: readonly number[]): IppValues => values.map((value) => ({ tag: 'enum', value }));
export const boolean = (value: boolean): IppValues => [{ tag: 'boolean', value }];
export const octetString = (...values: readonly (string | Uint8Array)[]): IppValues =>
  values.map((value) => ({ tag: 'octetString', value: typeof value === 'string' ? Buffer.from(value) : value }));
export const range = (lower: number, upper: number): IppValues => [{ tag: 'rangeOfInteger', lower, upper }];
/** Dots per inch, both ways. */
export const resolution = (...values: readonly number[]): IppValues =>
  values.map((dpi) => ({ tag: 'resolution', x: dpi, y: dpi, unit: 'dpi' }));
export const collection = (...values: readonly AttributeTable[]): IppValues =>
  values.map((table) => ({ tag: 'collection', members: attributes(table) }));
export const noValue: IppValues = [{ tag: 'no-value' }];
export const unknownValue: IppValues = [{ tag: 'unknown' }];

/** Milliseconds since 1970, in UTC. */
export function dateTime(millis: number): IppValues {
  const date = new Date(millis);
  const value: IppDate = {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    deciSecond: Math.floor(date.getUTCMilliseconds() / 100),
    zoneSign: '+',
    zoneHour: 0,
    zoneMinute: 0,
  };
  return [{ tag: 'dateTime', value }];
}

export function attributes(table: AttributeTable): AttributeGroup {
  return new Map(Object.entries(table).filter((entry): entry is [string, IppValues] => entry[1] !== undefined));
}

export function group(groupName: GroupName, table: AttributeTable): IppGroup {
  return { group: groupName, attributes: attributes(table) };
}

/** With charset and language before all others, as every request and answer begins (RFC 8011 4.1.4). */
export function operationGroup(table: AttributeTable): IppGroup {
  return group('operation', {
    'attributes-charset': charset('utf-8'),
    'attributes-natural-language': naturalLanguage('en'),
    ...table,
  });
}

/** Version 2.0. Each request has an exchange of HTTP to itself, so its request-id need not tell it from others. */
export function requestOf(operation: OperationName, table: AttributeTable, ...groups: readonly IppGroup[]): IppRequest {
  return {
    version: { major: 2, minor: 0 },
    operation: operations[operation],
    requestId: 1,
    groups: [operationGroup(table), ...groups],
  };
}

/** All groups of a name, in order: one for each job, printer or subscription of an answer. */
export function groupsOf(message: { readonly groups: readonly IppGroup[] }, groupName: GroupName): AttributeGroup[] {
  return message.groups.filter((each) => each.group === groupName).map((each) => each.attributes);
}

const empty: AttributeGroup = new Map();

/** The first of a name; empty where there is none. */
export function groupOf(message: { readonly groups: readonly IppGroup[] }, groupName: GroupName): AttributeGroup {
  return groupsOf(message, groupName)[0] ?? empty;
}

const rawStringTags: ReadonlySet<number> = new Set(Object.values(stringTags));

function stringOf(value: IppValue): string | undefined {
  // Text in another charset than it claims: its wrong bytes become U+FFFD, for people to see.
  if (value.tag === 'raw') return rawStringTags.has(value.code) ? new TextDecoder().decode(value.value) : undefined;
  return 'value' in value && typeof value.value === 'string' ? value.value : undefined;
}

/** Values of any of the string syntaxes; the language is left out. */
export function stringsOf(attributeGroup: AttributeGroup, attributeName: string): string[] {
  return valuesOf(attributeGroup, attributeName, stringOf);
}

export function firstString(attributeGroup: AttributeGroup, attributeName: string): string | undefined {
  return stringsOf(attributeGroup, attributeName)[0];
}

/** Integers and enums. */
export function numbersOf(attributeGroup: AttributeGroup, attributeName: string): number[] {
  return valuesOf(attributeGroup, attributeName, (value) =>
    value.tag === 'integer' || value.tag === 'enum' ? value.value : undefined,
  );
}

export function firstNumber(attributeGroup: AttributeGroup, attributeName: string): number | undefined {
  return numbersOf(attributeGroup, attributeName)[0];
}

export function firstBoolean(attributeGroup: AttributeGroup, attributeName: string): boolean | undefined {
  return valuesOf(attributeGroup, attributeName, (value) => (value.tag === 'boolean' ? value.value : undefined))[0];
}

/** Milliseconds since 1970. */
export function firstDate(attributeGroup: AttributeGroup, attributeName: string): number | undefined {
  const [date] = valuesOf(attributeGroup, attributeName, (value) =>
    value.tag === 'dateTime' ? value.value : undefined,
  );
  if (date === undefined) return undefined;
  const { year, month, day, hour, minute, second, deciSecond, zoneSign, zoneHour, zoneMinute } = date;
  const zone = (zoneSign === '-' ? -1 : 1) * (zoneHour * 60 + zoneMinute);
  return Date.UTC(year, month - 1, day, hour, minute - zone, second, deciSecond * 100);
}

function valuesOf<T>(from: AttributeGroup, attributeName: string, read: (value: IppValue) => T | undefined): T[] {
  const found: T[] = [];
  for (const value of from.get(attributeName) ?? []) {
    const content = read(value);
    if (content !== undefined) found.push(content);
  }
  return found;
}

/** Undefined for numbers that RFC 8011 5.3.7 does not know. */
export function jobStateOf(attributeGroup: AttributeGroup): JobState | undefined {
  return stateIn(jobStates, firstNumber(attributeGroup, 'job-state'));
}

export function printerStateOf(attributeGroup: AttributeGroup): PrinterState | undefined {
  return stateIn(printerStates, firstNumber(attributeGroup, 'printer-state'));
}

function stateIn<State extends string>(
  table: Readonly<Record<State, number>>,
  code: number | undefined,
): State | undefined {
  return (Object.keys(table) as State[]).find((state) => table[state] === code);
}

export const jobState = (state: JobState): IppValues => enumeration(jobStates[state]);
export const printerState = (state: PrinterState): IppValues => enumeration(printerStates[state]);

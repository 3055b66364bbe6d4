/**
 * IPP messages onto the wire (RFC 8010 section 3): one pass that counts, one that writes, one buffer. Order, tags and
 * request-id go out as they are given; only the charset and the language of the operation group come first, where
 * section 4.1.4 of RFC 8011 wants them.
 */
import { NethoodError } from '../../protocol/errors.ts';
import { collectionTags, endOfAttributesTag, firstValueTag, resolutionUnits, valueTags } from './ipp-tags.ts';
import {
  groupTags,
  type AttributeGroup,
  type IppDate,
  type IppRequest,
  type IppResponse,
  type IppValue,
} from './ipp-values.ts';

const mostNameBytes = 255;
const mostValueBytes = 0xffff;

/** @throws NethoodError `too-large` for a name or value longer than the format can say; `internal` for one that it cannot say at all */
export function encodeIpp(message: IppRequest | IppResponse): Buffer {
  const counter = new Writer();
  writeMessage(counter, message);
  const buffer = Buffer.allocUnsafe(counter.bytes);
  writeMessage(new Writer(buffer), message);
  return buffer;
}

/** Counts the bytes; writes them too where it has a buffer. A number out of range is a fault of ours and throws. */
class Writer {
  bytes = 0;
  readonly #buffer: Buffer | undefined;

  constructor(buffer?: Buffer) {
    this.#buffer = buffer;
  }

  uint8(value: number): void {
    this.#buffer?.writeUInt8(value, this.bytes);
    this.bytes += 1;
  }

  uint16(value: number): void {
    this.#buffer?.writeUInt16BE(value, this.bytes);
    this.bytes += 2;
  }

  int32(value: number): void {
    this.#buffer?.writeInt32BE(value, this.bytes);
    this.bytes += 4;
  }

  content(value: string | Uint8Array): void {
    if (typeof value === 'string') {
      this.#buffer?.write(value, this.bytes);
      this.bytes += Buffer.byteLength(value);
    } else {
      this.#buffer?.set(value, this.bytes);
      this.bytes += value.length;
    }
  }

  /** What `write` writes, with its length in two bytes before it. */
  measured(write: () => void): void {
    const start = this.bytes + 2;
    this.bytes = start;
    write();
    const length = this.bytes - start;
    if (length > mostValueBytes)
      throw new NethoodError('too-large', `A value of an IPP attribute has ${length} bytes.`);
    this.#buffer?.writeUInt16BE(length, start - 2);
  }

  string(text: string): void {
    this.measured(() => this.content(text));
  }
}

function writeMessage(writer: Writer, message: IppRequest | IppResponse): void {
  writer.uint8(message.version.major);
  writer.uint8(message.version.minor);
  writer.uint16('operation' in message ? message.operation : message.status);
  writer.int32(message.requestId);
  for (const { group, attributes } of message.groups) {
    writer.uint8(groupTags[group]);
    const ordered = group === 'operation' ? charsetFirst(attributes) : attributes;
    for (const [name, values] of ordered) writeAttribute(writer, named(name), values);
  }
  writer.uint8(endOfAttributesTag);
}

const firstNames = ['attributes-charset', 'attributes-natural-language'];

function charsetFirst(group: AttributeGroup): Iterable<readonly [string, readonly IppValue[]]> {
  const all = Array.from(group);
  const first = firstNames.flatMap((name) => all.filter((attribute) => attribute[0] === name));
  return [...first, ...all.filter(([name]) => !firstNames.includes(name))];
}

function named(name: string): string {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0) throw new NethoodError('internal', 'An IPP attribute has no name.');
  if (bytes > mostNameBytes) throw new NethoodError('too-large', `The name of an IPP attribute has ${bytes} bytes.`);
  return name;
}

/** Only the first value of a set carries the name (RFC 8010 section 3.1.5); inside a collection none does. */
function writeAttribute(writer: Writer, name: string, values: readonly IppValue[]): void {
  if (values.length === 0)
    throw new NethoodError('internal', `The IPP attribute ${JSON.stringify(name)} has no value.`);
  for (const [at, value] of values.entries()) {
    writer.uint8(tagOf(value));
    writer.string(at === 0 ? name : '');
    if (value.tag === 'collection') writeMembers(writer, value.members);
    else writer.measured(() => writeSimple(writer, value));
  }
}

function tagOf(value: IppValue): number {
  if (value.tag !== 'raw') return valueTags[value.tag];
  const structure: readonly number[] = Object.values(collectionTags);
  if (value.code < firstValueTag || structure.includes(value.code))
    throw new NethoodError('internal', `A raw IPP value has the tag ${value.code}, which is none of a value.`);
  return value.code;
}

/** RFC 8010 section 3.1.6: an empty value, then each member's name as a value, its values without name, and an end. */
function writeMembers(writer: Writer, members: AttributeGroup): void {
  writer.uint16(0);
  for (const [name, values] of members) {
    writer.uint8(collectionTags.memberName);
    writer.uint16(0);
    writer.string(named(name));
    writeAttribute(writer, '', values);
  }
  writer.uint8(collectionTags.end);
  writer.uint16(0);
  writer.uint16(0);
}

function writeSimple(writer: Writer, value: Exclude<IppValue, { tag: 'collection' }>): void {
  if ('language' in value) {
    writer.string(value.language);
    writer.string(value.value);
  } else if ('unit' in value) {
    writer.int32(value.x);
    writer.int32(value.y);
    writer.uint8(resolutionUnits[value.unit]);
  } else if ('lower' in value) {
    writer.int32(value.lower);
    writer.int32(value.upper);
  } else if ('value' in value) writeContent(writer, value.value);
  // What is left is out of band: no bytes at all.
}

function writeContent(writer: Writer, content: number | boolean | string | Uint8Array | IppDate): void {
  if (typeof content === 'number') writer.int32(content);
  else if (typeof content === 'boolean') writer.uint8(content ? 1 : 0);
  else if (typeof content === 'string' || content instanceof Uint8Array) writer.content(content);
  else writeDate(writer, content);
}

function writeDate(writer: Writer, date: IppDate): void {
  writer.uint16(date.year);
  for (const part of [date.month, date.day, date.hour, date.minute, date.second, date.deciSecond]) writer.uint8(part);
  writer.content(date.zoneSign);
  writer.uint8(date.zoneHour);
  writer.uint8(date.zoneMinute);
}

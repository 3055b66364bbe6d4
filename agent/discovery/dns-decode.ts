/**
 * Bytes from the network to a DnsMessage. What cannot be used (another class, a name that is not UTF-8, data that do
 * not fit their type) is left out by itself; what breaks the frame of the message breaks the message.
 */
import { addressText } from './dns-address.ts';
import { badMessage, DnsReader } from './dns-reader.ts';
import { type DnsMessage, type DnsQuestion, type DnsRecord, type RecordData, recordTypes } from './dns-types.ts';

/** RFC 6762 17. */
export const maxMessageBytes = 9_000;

const classIn = 1;
const classAny = 255;
const leastQuestionBytes = 5;
const leastRecordBytes = 11;

/** @throws NethoodError `bad-message`, and nothing else whatever the bytes */
export function decodeMessage(bytes: Uint8Array): DnsMessage {
  if (bytes.length > maxMessageBytes) throw badMessage('is longer than 9000 bytes');
  const reader = new DnsReader(bytes);
  const id = reader.uint16();
  const flags = reader.uint16();
  // RFC 6762 18.3 and 18.11: messages with another opcode or response code are ignored.
  if ((flags & 0x7800) !== 0) throw badMessage('has another opcode than a query');
  if ((flags & 0x000f) !== 0) throw badMessage('carries an error code');
  const counts = [reader.uint16(), reader.uint16(), reader.uint16(), reader.uint16()] as const;
  const [questions, ...records] = counts;
  const most = questions * leastQuestionBytes + records.reduce((sum, count) => sum + count, 0) * leastRecordBytes;
  if (most > reader.left) throw badMessage('counts more records than it has bytes for');
  return {
    id,
    response: (flags & 0x8000) !== 0,
    truncated: (flags & 0x0200) !== 0,
    questions: readAll(counts[0], () => readQuestion(reader)),
    answers: readAll(counts[1], () => readRecord(reader)),
    authorities: readAll(counts[2], () => readRecord(reader)),
    additionals: readAll(counts[3], () => readRecord(reader)),
  };
}

function readAll<T>(count: number, read: () => T | undefined): T[] {
  const all: T[] = [];
  for (let left = count; left > 0; left--) {
    const one = read();
    if (one !== undefined) all.push(one);
  }
  return all;
}

function readQuestion(reader: DnsReader): DnsQuestion | undefined {
  const name = reader.name();
  const type = reader.uint16();
  const bits = reader.uint16();
  const dnsClass = bits & 0x7fff;
  if (name === undefined || (dnsClass !== classIn && dnsClass !== classAny)) return undefined;
  return { name, type, unicast: (bits & 0x8000) !== 0 };
}

function readRecord(reader: DnsReader): DnsRecord | undefined {
  const name = reader.name();
  const type = reader.uint16();
  const bits = reader.uint16();
  const seconds = reader.uint32();
  const length = reader.uint16();
  if (length > reader.left) throw badMessage('ends in the middle of a record');
  const end = reader.at + length;
  const isUsable = name !== undefined && (bits & 0x7fff) === classIn;
  const data = isUsable ? readData(reader, type, end) : undefined;
  const fits = reader.at === end;
  reader.at = end;
  if (name === undefined || data === undefined || !fits) return undefined;
  // RFC 2181 8: a TTL with its top bit set counts as 0.
  return { name, ttl: seconds > 0x7fffffff ? 0 : seconds, flush: (bits & 0x8000) !== 0, data };
}

function readData(reader: DnsReader, type: number, end: number): RecordData | undefined {
  switch (type) {
    case recordTypes.A:
      return readAddress(reader, 'A', end);
    case recordTypes.AAAA:
      return readAddress(reader, 'AAAA', end);
    case recordTypes.PTR: {
      const target = reader.name();
      return target === undefined ? undefined : { type: 'PTR', target };
    }
    case recordTypes.SRV:
      return readSrv(reader);
    case recordTypes.TXT:
      return readTxt(reader, end);
    case recordTypes.NSEC:
      return readNsec(reader, end);
    default:
      return { type: 'other', code: type, bytes: reader.bytes(end - reader.at) };
  }
}

function readAddress(reader: DnsReader, type: 'A' | 'AAAA', end: number): RecordData | undefined {
  const length = type === 'A' ? 4 : 16;
  if (end - reader.at !== length) return undefined;
  return { type, address: addressText(reader.bytes(length)) };
}

function readSrv(reader: DnsReader): RecordData | undefined {
  const numbers = { priority: reader.uint16(), weight: reader.uint16(), port: reader.uint16() };
  const target = reader.name();
  return target === undefined ? undefined : { type: 'SRV', ...numbers, target };
}

function readTxt(reader: DnsReader, end: number): RecordData | undefined {
  const strings: Uint8Array[] = [];
  while (reader.at < end) {
    const length = reader.uint8();
    if (reader.at + length > end) return undefined;
    strings.push(reader.bytes(length));
  }
  return { type: 'TXT', strings };
}

/** RFC 6762 6.1: the restricted form, whose one block has the types below 256. Other blocks are passed over. */
function readNsec(reader: DnsReader, end: number): RecordData | undefined {
  const next = reader.name();
  const types: number[] = [];
  while (reader.at < end) {
    const block = reader.uint8();
    const length = reader.uint8();
    if (length < 1 || length > 32 || reader.at + length > end) return undefined;
    const bits = reader.bytes(length);
    if (block === 0 && types.length === 0) types.push(...typesOf(bits));
  }
  return next === undefined ? undefined : { type: 'NSEC', next, types };
}

function typesOf(bits: Uint8Array): number[] {
  const types: number[] = [];
  for (let type = 0; type < bits.length * 8; type++)
    if (((bits[type >> 3] ?? 0) & (0x80 >> (type & 7))) !== 0) types.push(type);
  return types;
}

/**
 * Mutated IPP messages against everything that reads them: the decoder, whole and in pieces, and the encoder and the
 * journal's form with what was decoded.
 */
import * as fc from 'fast-check';
import {
  collection,
  dateTime,
  group,
  integer,
  keyword,
  mimeMediaType,
  octetString,
  range,
  requestOf,
  resolution,
  uri,
} from '../../agent/printing/ipp-attributes.ts';
import { decodeIpp, IppDecoder, type IppRole } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import { attributesFromJson, attributesToJson } from '../../agent/printing/ipp-json.ts';
import type { IppRequest, IppResponse } from '../../agent/printing/ipp-values.ts';
import { hasCode } from '../../protocol/errors.ts';
import { anyResponse } from '../printing/ipp-arbitrary.ts';
import { attribute, collectionBytes, hex, message } from '../printing/ipp-bytes.ts';
import { msOf } from './took.ts';

export interface IppFuzzResult {
  readonly messages: number;
  readonly taken: number;
  readonly slowestMs: number;
  /** That message in hexadecimal. */
  readonly slowest: string;
  readonly seconds: number;
}

type Random = (below: number) => number;

/** Small and large, flat and deep, with documents behind; all valid. */
function seeds(): Buffer[] {
  return [
    hex('0101 000b 00000001 03'),
    message(attribute(0x44, 'a', 'x'.repeat(3_000)), attribute(0x7f, 'b', hex('40000001'))),
    message(collectionBytes(16)),
    Buffer.concat([encodeIpp(printJob), Buffer.from('%PDF-1.7 document')]),
    encodeIpp(manyJobs),
    ...fc.sample(anyResponse, { numRuns: 25, seed: 20_261_121 }).map(encodeIpp),
  ];
}

const printJob: IppRequest = requestOf(
  'Print-Job',
  { 'printer-uri': uri('ipp://localhost/printers/laser'), 'document-format': mimeMediaType('application/pdf') },
  group('job', { copies: integer(2), 'media-col': collection({ 'media-size': collection({ x: integer(21_000) }) }) }),
);

const manyJobs: IppResponse = {
  version: { major: 2, minor: 0 },
  status: 0,
  requestId: 1,
  groups: Array.from({ length: 60 }, (_, at) =>
    group('job', {
      'job-id': integer(at),
      'date-time-at-creation': dateTime(1e12),
      'printer-resolution': resolution(300, 600),
      'copies-supported': range(1, 99),
      'printer-supply': octetString('type=toner;level=50;'),
      sides: keyword('one-sided', 'two-sided-long-edge', 'two-sided-short-edge'),
    }),
  ),
};

/** @throws whatever escapes, with the message in hexadecimal */
export function fuzzIpp(messages: number, seed: number): IppFuzzResult {
  const random = xorshift(seed);
  const corpus = seeds();
  const start = performance.now();
  let taken = 0;
  let slowestMs = 0;
  let slowest: Buffer = Buffer.alloc(0);
  for (let count = 0; count < messages; count++) {
    let bytes = corpus[count % corpus.length] ?? Buffer.alloc(0);
    for (let changes = 1 + random(4); changes > 0; changes--) bytes = mutated(bytes, random);
    const work: Work = {
      bytes,
      role: count % 2 === 0 ? 'request' : 'response',
      cut: random(8) === 0 ? random(bytes.length + 1) : undefined,
    };
    try {
      let outcome = false;
      const ms = msOf(() => (outcome = survive(work)));
      if (outcome) taken++;
      if (ms > slowestMs) [slowestMs, slowest] = [ms, bytes];
    } catch (error) {
      throw new Error(`Message ${count} of seed ${seed} broke it: ${bytes.toString('hex')}`, { cause: error });
    }
  }
  const seconds = (performance.now() - start) / 1_000;
  return { messages, taken, slowestMs, slowest: slowest.toString('hex'), seconds };
}

interface Work {
  readonly bytes: Buffer;
  readonly role: IppRole;
  /** Where it comes in two pieces; undefined for a quick look. */
  readonly cut: number | undefined;
}

/** Whether it was taken. What is taken can be sent and kept, and is the same however it was cut. */
function survive({ bytes, role, cut }: Work): boolean {
  const taken = decodeOrNothing(bytes, role);
  if (taken === undefined) return false;
  const sent = encodeIpp(taken);
  if (cut !== undefined) compare({ bytes, role, cut }, sent);
  return true;
}

function compare({ bytes, role, cut }: Work, sent: Buffer): void {
  const decoder = new IppDecoder(role);
  decoder.write(bytes.subarray(0, cut));
  decoder.write(bytes.subarray(cut));
  const cutMessage = decoder.message();
  const groups = cutMessage.groups.map((each) => ({
    group: each.group,
    attributes: attributesFromJson(attributesToJson(each.attributes)),
  }));
  if (!encodeIpp({ ...cutMessage, groups }).equals(sent)) throw new Error('In pieces, or through JSON, it is another.');
  if (!encodeIpp(decodeIpp(sent, role).message).equals(sent)) throw new Error('Sent and read again it is another.');
}

function decodeOrNothing(bytes: Buffer, role: IppRole): IppRequest | IppResponse | undefined {
  try {
    return decodeIpp(bytes, role).message;
  } catch (error) {
    if (hasCode(error, 'bad-message', 'too-large')) return undefined;
    throw error;
  }
}

/** Marsaglia's xorshift: the same messages in every run. */
function xorshift(seed: number): Random {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Tags of groups, of collections and their members, of extensions; lengths at their limits. */
const treasured = [0x00, 0x01, 0x03, 0x34, 0x37, 0x4a, 0x7f, 0x80, 0xff, 0xfa];

/** One of: a byte changed, two bytes that may be a length, cut off, a part doubled, a part taken out. */
function mutated(bytes: Buffer, random: Random): Buffer {
  if (bytes.length === 0) return Buffer.from(treasured);
  const at = random(bytes.length);
  const end = Math.min(bytes.length, at + 1 + random(40));
  const copy = Buffer.from(bytes);
  switch (random(6)) {
    case 0:
      copy[at] = random(256);
      return copy;
    case 1:
      copy[at] = treasured[random(treasured.length)] ?? 0;
      return copy;
    case 2:
      if (at + 2 <= copy.length) copy.writeUInt16BE(random(2) === 0 ? random(0x1_0000) : 0xff00 + random(256), at);
      return copy;
    case 3:
      return copy.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at, end), bytes.subarray(end)]);
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
  }
}

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
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
import { decodeIpp, type IppRole } from '../../agent/printing/ipp-decoder.ts';
import { encodeIpp } from '../../agent/printing/ipp-encoder.ts';
import { hasCode } from '../../protocol/errors.ts';
import { anyResponse } from './ipp-arbitrary.ts';
import { attribute, collectionBytes, hex, message } from './ipp-bytes.ts';
import { count } from '../office/counts.ts';

const runs = count(100_000, 300_000);
const slowestMs = 50;

/** Small and large, flat and deep, with documents behind; all valid. */
const corpus: Buffer[] = [
  hex('0101 000b 00000001 03'),
  message(attribute(0x44, 'a', 'x'.repeat(3_000)), attribute(0x7f, 'b', hex('40000001'))),
  message(collectionBytes(16)),
  Buffer.concat([
    encodeIpp(
      requestOf(
        'Print-Job',
        { 'printer-uri': uri('ipp://localhost/printers/laser'), 'document-format': mimeMediaType('application/pdf') },
        group('job', {
          copies: integer(2),
          'media-col': collection({ 'media-size': collection({ x: integer(21_000) }) }),
        }),
      ),
    ),
    Buffer.from('%PDF-1.7 document'),
  ]),
  encodeIpp({
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
  }),
  ...fc.sample(anyResponse, { numRuns: 25, seed: 20_261_121 }).map(encodeIpp),
];

/** Marsaglia's xorshift: the same messages in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const nastyBytes = [0x00, 0x01, 0x03, 0x34, 0x37, 0x4a, 0x7f, 0x80, 0xff, 0xfa];

/** One of: a byte changed, two bytes that may be a length, cut off, a part doubled, a part taken out. */
function mutated(bytes: Buffer, below: (limit: number) => number): Buffer {
  if (bytes.length === 0) return Buffer.from(nastyBytes);
  const at = below(bytes.length);
  const end = Math.min(bytes.length, at + 1 + below(40));
  const copy = Buffer.from(bytes);
  switch (below(6)) {
    case 0:
      copy[at] = below(256);
      return copy;
    case 1:
      copy[at] = nastyBytes[below(nastyBytes.length)] ?? 0;
      return copy;
    case 2:
      if (at + 2 <= copy.length) copy.writeUInt16BE(below(2) === 0 ? below(0x1_0000) : 0xff00 + below(256), at);
      return copy;
    case 3:
      return copy.subarray(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(at, end), bytes.subarray(end)]);
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
  }
}

test(
  `${runs} mutated messages are each taken or refused, none slowly, and what is taken can be sent again`,
  { timeout: 120_000 },
  () => {
    const below = seeded(0x2f6e2b1);
    const outcome = { taken: 0, refused: 0 };
    let slowest = 0;
    for (let run = 0; run < runs; run++) {
      let bytes = corpus[run % corpus.length] ?? Buffer.alloc(0);
      for (let changes = 1 + below(4); changes > 0; changes--) bytes = mutated(bytes, below);
      const role = run % 2 === 0 ? 'request' : 'response';
      const start = performance.now();
      outcome[decoded(bytes, role)]++;
      let elapsed = performance.now() - start;
      // Another program may have had the processor: a message that is slow is slow again.
      if (elapsed > slowestMs / 5) elapsed = Math.min(elapsed, timeOf(bytes, role), timeOf(bytes, role));
      slowest = Math.max(slowest, elapsed);
    }
    expect(slowest).toBeLessThan(slowestMs);
    // Both ways are well travelled.
    expect(Math.min(outcome.taken, outcome.refused)).toBeGreaterThan(runs / 10);
  },
);

function timeOf(bytes: Buffer, role: IppRole): number {
  const start = performance.now();
  decoded(bytes, role);
  return performance.now() - start;
}

function decoded(bytes: Buffer, role: IppRole): 'taken' | 'refused' {
  let taken;
  try {
    taken = decodeIpp(bytes, role).message;
  } catch (error) {
    if (!hasCode(error, 'bad-message', 'too-large')) throw error;
    return 'refused';
  }
  encodeIpp(taken);
  return 'taken';
}

/**
 * Mutated DNS packets against everything that reads packets: the decoder, a querier that browses, and the encoder with
 * what was decoded.
 */
import { decodeMessage } from '../../agent/discovery/dns-decode.ts';
import { encodeMessage, splitMessage } from '../../agent/discovery/dns-encode.ts';
import type { DnsMessage } from '../../agent/discovery/dns-types.ts';
import { Querier } from '../../agent/discovery/querier.ts';
import { hasCode } from '../../protocol/errors.ts';
import {
  address,
  agents,
  ptr,
  query,
  question,
  response,
  seeded,
  srv,
  txt,
  whole,
} from '../discovery/querier-support.ts';
import { msOf } from './took.ts';

export interface FuzzResult {
  readonly packets: number;
  readonly decoded: number;
  readonly slowestMs: number;
  /** That packet in hexadecimal. */
  readonly slowest: string;
  readonly seconds: number;
}

type Random = (below: number) => number;

/** Frames that attackers know: pointers, lengths and counts at their limits. */
const treasured = [0x00, 0x01, 0x0c, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xff] as const;

/** @throws whatever escapes, with the packet in hexadecimal */
export function fuzzDns(packets: number, seed: number): FuzzResult {
  const numbers = seeded(seed);
  const random: Random = (below) => Math.floor(numbers() * below);
  const corpus = seeds();
  const querier = new Querier({ random: numbers });
  querier.browse(agents, 0, { mayUnicast: true });
  const start = performance.now();
  let decoded = 0;
  let slowestMs = 0;
  let slowest: Uint8Array = new Uint8Array();
  for (let count = 0; count < packets; count++) {
    const bytes = mutated(corpus[random(corpus.length)] ?? new Uint8Array(), corpus, random);
    try {
      let outcome = false;
      const ms = msOf(() => (outcome = survive(bytes, querier, count)));
      if (outcome) decoded++;
      if (ms > slowestMs) [slowestMs, slowest] = [ms, bytes];
    } catch (error) {
      throw new Error(`Packet ${count} of seed ${seed} broke it: ${Buffer.from(bytes).toString('hex')}`, {
        cause: error,
      });
    }
  }
  return {
    packets,
    decoded,
    slowestMs,
    slowest: Buffer.from(slowest).toString('hex'),
    seconds: (performance.now() - start) / 1_000,
  };
}

function survive(bytes: Uint8Array, querier: Querier, now: number): boolean {
  const message = decodeOrNothing(bytes);
  if (message === undefined) return false;
  const from = `10.0.${bytes[0] ?? 0}.${bytes[1] ?? 0}`;
  querier.receive({ message, from, port: 5353, now });
  for (const effect of now % 64 === 0 ? querier.tick(now) : [])
    if (effect.type === 'send') for (const part of splitMessage(effect.message, 1_440)) encodeMessage(part);
  // What could be read can be written, and read again.
  decodeMessage(encodeMessage({ ...message, additionals: message.additionals.slice(0, 50) }));
  return true;
}

function decodeOrNothing(bytes: Uint8Array): DnsMessage | undefined {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (hasCode(error, 'bad-message')) return undefined;
    throw error;
  }
}

function seeds(): Uint8Array[] {
  const nsec = { type: 'NSEC', next: ['nh-ann', 'local'], types: [1, 28] } as const;
  const many = Array.from({ length: 6 }, (_, at) => whole(`Colleague ${at}`, `10.0.0.${at}`)).flat();
  return [
    query([question(agents, 12, true)]),
    query([question(agents, 12), question(['ann', ...agents], 33)], {
      answers: [ptr('ann'), ptr('Dr. Ärger')],
      truncated: true,
    }),
    query([question(['ann', ...agents], 255)], { authorities: [srv('ann'), txt('ann')] }),
    response(whole('ann'), [
      address('nh-ann', 'fe80::1'),
      { name: ['nh-ann', 'local'], ttl: 120, flush: true, data: nsec },
    ]),
    response([ptr('Dr. A. Muster'), srv('Dr. A. Muster'), txt('Dr. A. Muster', { text: 'flag' })]),
    response([{ name: [], ttl: 1, flush: false, data: { type: 'other', code: 41, bytes: new Uint8Array(11) } }]),
    response(whole('ann', '10.0.0.1', { ttl: 0 })),
    response(many),
  ].map(encodeMessage);
}

/** One to six changes of the kinds that break parsers. */
function mutated(seed: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Uint8Array = Uint8Array.from(seed);
  for (let changes = 1 + random(6); changes > 0; changes--) bytes = changed(bytes, corpus, random);
  return bytes;
}

function changed(bytes: Uint8Array, corpus: readonly Uint8Array[], random: Random): Uint8Array {
  const at = random(bytes.length);
  switch (random(8)) {
    case 0:
      return set(bytes, at, random(256));
    case 1:
      return set(bytes, at, treasured[random(treasured.length)] ?? 0);
    case 2:
      return set(bytes, at, (bytes[at] ?? 0) ^ (1 << random(8)));
    case 3:
      // A pointer to anywhere.
      return set(set(bytes, at, 0xc0 | random(2)), at + 1, random(256));
    case 4:
      return set(bytes, 4 + random(8), random(4) === 0 ? random(256) : random(8));
    case 5:
      return bytes.slice(0, at);
    case 6:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(bytes.length + 1))]).subarray(0, 9_000);
    default: {
      const other = corpus[random(corpus.length)] ?? bytes;
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length))]);
    }
  }
}

function set(bytes: Uint8Array, at: number, value: number): Uint8Array {
  if (at < bytes.length) bytes[at] = value;
  return bytes;
}

/** Any DNS message that can be, for property tests, and the same as dns-packet understands it. */
import * as fc from 'fast-check';
import { isDnsName } from '../../agent/discovery/dns-name.ts';
import type { DnsMessage, DnsName, DnsQuestion, DnsRecord, RecordData } from '../../agent/discovery/dns-types.ts';

const label = fc.oneof(
  fc.constantFrom('local', '_tcp', '_ipp', '_nethood', 'nh-k3q7x2mf', 'Dr. A. Muster', 'Ärger & Co. (1)'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 15 }),
);
export const anyName: fc.Arbitrary<DnsName> = fc.array(label, { maxLength: 6 }).filter(isDnsName);
const uint16 = fc.integer({ min: 0, max: 0xffff });
const bytes = fc.uint8Array({ maxLength: 40 });

const anyData: fc.Arbitrary<RecordData> = fc.oneof(
  fc.record({ type: fc.constant('A'), address: fc.ipV4() }),
  fc.record({
    type: fc.constant('AAAA'),
    address: fc.constantFrom('::', '::1', 'fe80::1', '1:2:3:4:5:6:7:8', 'fd00::1:0:0:2'),
  }),
  fc.record({ type: fc.constant('PTR'), target: anyName }),
  fc.record({ type: fc.constant('SRV'), priority: uint16, weight: uint16, port: uint16, target: anyName }),
  fc.record({ type: fc.constant('TXT'), strings: fc.array(bytes, { minLength: 1, maxLength: 4 }) }),
  fc.record({
    type: fc.constant('NSEC'),
    next: anyName,
    types: fc
      .uniqueArray(fc.integer({ min: 1, max: 255 }), { minLength: 1 })
      .map((types) => types.toSorted((a, b) => a - b)),
  }),
  fc.record({ type: fc.constant('other'), code: fc.constantFrom(13, 41, 65, 999), bytes }),
);

const anyRecord: fc.Arbitrary<DnsRecord> = fc.record({
  name: anyName,
  ttl: fc.integer({ min: 0, max: 0x7fffffff }),
  flush: fc.boolean(),
  data: anyData,
});
const anyQuestion: fc.Arbitrary<DnsQuestion> = fc.record({ name: anyName, type: uint16, unicast: fc.boolean() });
const records = fc.array(anyRecord, { maxLength: 6 });

export const anyMessage: fc.Arbitrary<DnsMessage> = fc.record({
  id: uint16,
  response: fc.boolean(),
  truncated: fc.boolean(),
  questions: fc.array(anyQuestion, { maxLength: 4 }),
  answers: records,
  authorities: records,
  additionals: records,
});

/** The same with lists of numbers for bytes, because a Buffer is not equal to a Uint8Array. */
export function plain<T>(value: T): T {
  return (bytesAsLists(value) ?? value) as T;
}

function bytesAsLists(value: unknown): unknown {
  if (value instanceof Uint8Array) return Array.from(value);
  if (Array.isArray(value)) return value.map(bytesAsLists);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]: [string, unknown]) => [key, bytesAsLists(part)]));
}

/** What makes two records the same, and which of two sets wins a tie. */
import { dataBytes, dataKey, typeCode } from './dns-data.ts';
import { nameKey } from './dns-name.ts';
import type { DnsRecord } from './dns-types.ts';

/** Records are never changed; a list of known answers is looked through for several reasons. */
const keys = new WeakMap<DnsRecord, string>();

/** Two records are the same when their keys are: name, type and data; not their TTL. */
export function recordKey(record: DnsRecord): string {
  const known = keys.get(record);
  if (known !== undefined) return known;
  const key = keyOf(record);
  keys.set(record, key);
  return key;
}

function keyOf({ name, data }: DnsRecord): string {
  // The parts of unknown length are told apart by the length of the first.
  const key = nameKey(name);
  return `${typeCode(data)} ${key.length} ${key} ${dataKey(data)}`;
}

/**
 * RFC 6762 8.2.1: both lists sorted, then compared record by record, by type and by the raw bytes of the data (the
 * class is always IN); the list that ends first is the lesser. Negative: `ours` loses.
 */
export function compareProposals(ours: readonly DnsRecord[], theirs: readonly DnsRecord[]): number {
  const [mine, others] = [sorted(ours), sorted(theirs)];
  for (const [at, record] of mine.entries()) {
    const other = others[at];
    if (other === undefined) return 1;
    const order = compare(record, other);
    if (order !== 0) return order;
  }
  return mine.length - others.length;
}

interface Comparable {
  readonly type: number;
  readonly bytes: Uint8Array;
}

function sorted(records: readonly DnsRecord[]): Comparable[] {
  return records.map(({ data }) => ({ type: typeCode(data), bytes: dataBytes(data) })).toSorted(compare);
}

function compare(a: Comparable, b: Comparable): number {
  return a.type - b.type || Buffer.compare(a.bytes, b.bytes);
}

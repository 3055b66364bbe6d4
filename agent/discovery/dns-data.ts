/** Record data: their type, their bytes, and when two are the same. */
import { addressBytes } from './dns-address.ts';
import { nameKey } from './dns-name.ts';
import { type DnsName, type RecordData, recordTypes } from './dns-types.ts';

/** As on the wire. */
export function typeCode(data: RecordData): number {
  return data.type === 'other' ? data.code : recordTypes[data.type];
}

/** Data are never changed; those of bytes cost something to compare. */
const byteKeys = new WeakMap<RecordData, string>();

/** One string for data that count as the same within one name and type: names without regard to case (RFC 6762 16). */
export function dataKey(data: RecordData): string {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return data.address;
    case 'PTR':
      return nameKey(data.target);
    case 'SRV':
      return `${data.priority} ${data.weight} ${data.port} ${nameKey(data.target)}`;
    case 'TXT':
    case 'NSEC':
    case 'other':
      return byteKey(data);
  }
}

function byteKey(data: RecordData): string {
  const known = byteKeys.get(data);
  if (known !== undefined) return known;
  const key = Buffer.from(dataBytes(data)).toString('latin1');
  byteKeys.set(data, key);
  return key;
}

/** Uncompressed, as they are compared in a tie-break (RFC 6762 8.2). Addresses that are none give no bytes. */
export function dataBytes(data: RecordData): Uint8Array {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return addressBytes(data.address, data.type) ?? new Uint8Array();
    case 'PTR':
      return nameBytes(data.target);
    case 'SRV':
      return Buffer.concat([srvNumbers(data), nameBytes(data.target)]);
    case 'TXT':
      return txtBytes(data.strings);
    case 'NSEC':
      return Buffer.concat([nameBytes(data.next), typeBits(data.types)]);
    case 'other':
      return data.bytes;
  }
}

function nameBytes(name: DnsName): Uint8Array {
  const labels = name.map((label) => Buffer.from(label));
  return Buffer.concat([...labels.flatMap((label) => [Buffer.from([label.length & 63]), label]), Buffer.alloc(1)]);
}

export function srvNumbers({ priority, weight, port }: Extract<RecordData, { type: 'SRV' }>): Uint8Array {
  return Uint8Array.from([priority >> 8, priority, weight >> 8, weight, port >> 8, port]);
}

/** A string has at most 255 bytes (RFC 1035 3.3); longer ones are cut. No string at all is one empty string (RFC 6763 6.1). */
export function txtBytes(strings: readonly Uint8Array[]): Uint8Array {
  const all = strings.length === 0 ? [new Uint8Array()] : strings;
  return Buffer.concat(
    all.flatMap((string) => {
      const cut = string.subarray(0, 255);
      return [Uint8Array.of(cut.length), cut];
    }),
  );
}

/** How many bytes `txtBytes` gives. */
export function txtLength(strings: readonly Uint8Array[]): number {
  return strings.reduce((sum, { length }) => sum + 1 + Math.min(length, 255), 0) || 1;
}

/** The one block of an NSEC record in its restricted form (RFC 6762 6.1). */
export function typeBits(types: readonly number[]): Uint8Array {
  const low = types.filter((type) => type < 256);
  if (low.length === 0) return new Uint8Array();
  const bits = new Uint8Array((Math.max(...low) >> 3) + 1);
  for (const type of low) bits[type >> 3] = (bits[type >> 3] ?? 0) | (0x80 >> (type & 7));
  return Buffer.concat([Uint8Array.of(0, bits.length), bits]);
}

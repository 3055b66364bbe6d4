/** The pairs of a TXT record (RFC 6763 section 6). */
import { cutToBytes } from './instance-names.ts';

export type TxtValue = Uint8Array | true;

const stringBytes = 255;
const equals = 0x3d;

/**
 * Keys in lower case, in their order. `flag` without `=` is true; the first of a key counts; what has no key, or one
 * that is not printable ASCII, is passed over (6.4). A Map, so that `__proto__` is a key like others.
 */
export function parseTxt(strings: readonly Uint8Array[]): Map<string, TxtValue> {
  const pairs = new Map<string, TxtValue>();
  for (const string of strings) {
    const at = string.indexOf(equals);
    const key = Buffer.from(at < 0 ? string : string.subarray(0, at))
      .toString('latin1')
      .toLowerCase();
    if (!/^[\x20-\x7e]+$/.test(key) || pairs.has(key)) continue;
    pairs.set(key, at < 0 ? true : string.subarray(at + 1));
  }
  return pairs;
}

/** Each pair as one string of at most 255 bytes; a longer text is cut between characters. */
export function txtStrings(pairs: Iterable<readonly [string, string | TxtValue]>): Uint8Array[] {
  return Array.from(pairs, ([key, value]) => {
    if (value === true) return Buffer.from(key);
    const head = Buffer.from(`${key}=`);
    const room = stringBytes - head.length;
    const tail = typeof value === 'string' ? Buffer.from(cutToBytes(value, room)) : value.subarray(0, room);
    return Buffer.concat([head, tail]);
  });
}

/** A value as UTF-8 text; nothing where it is none, or a flag. */
export function txtText(value: TxtValue | undefined): string | undefined {
  if (value === undefined || value === true) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value);
  } catch {
    // Binary, which RFC 6763 6.5 allows: there is no text to it.
    return undefined;
  }
}

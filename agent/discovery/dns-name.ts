/** Domain names of multicast DNS: lists of labels in UTF-8 (RFC 6762 16), compared without regard to ASCII case. */
import type { DnsName } from './dns-types.ts';

export const maxLabelBytes = 63;
/** RFC 6762 appendix C: 255 bytes and the zero that ends the name. */
export const maxNameBytes = 256;

const loneSurrogate = /\p{Surrogate}/u;

/** Whether it can be written: labels of 1 to 63 bytes, 256 in all. The root (no labels) can. */
export function isDnsName(name: DnsName): boolean {
  let bytes = 1;
  for (const label of name) {
    const size = Buffer.byteLength(label);
    if (size < 1 || size > maxLabelBytes || loneSurrogate.test(label)) return false;
    bytes += 1 + size;
  }
  return bytes <= maxNameBytes;
}

/** Names are never changed, and compared often. */
const keys = new WeakMap<DnsName, string>();

/** One string for each name, the same for names that count as the same; no two others share one. */
export function nameKey(name: DnsName): string {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = keyOf(name);
  keys.set(name, key);
  return key;
}

function keyOf(name: DnsName): string {
  let key = '';
  for (const label of name) {
    if (key !== '') key += '.';
    // Most labels are their own key.
    key += /[\\.A-Z]/.test(label) ? escaped(label).replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : label;
  }
  return key;
}

export function sameName(a: DnsName, b: DnsName): boolean {
  return a.length === b.length && (a === b || nameKey(a) === nameKey(b));
}

/** For people: dots and backslashes inside of a label are escaped (RFC 6763 4.3). */
export function nameText(name: DnsName): string {
  return name.map(escaped).join('.');
}

function escaped(label: string): string {
  return label.replace(/[\\.]/g, '\\$&');
}

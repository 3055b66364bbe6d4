/** IP addresses as the bytes of A and AAAA records, and as text (IPv6 by RFC 5952, so that equal ones are equal strings). */
import { isIPv4, isIPv6 } from 'node:net';

/** 4 or 16 bytes as text. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0));
  const { start, length } = longestZeros(groups);
  if (length < 2) return groupText(groups);
  return `${groupText(groups.slice(0, start))}::${groupText(groups.slice(start + length))}`;
}

/** Nothing where the text is no address of that family (`A` or `AAAA`), or has a zone. */
export function addressBytes(text: string, type: 'A' | 'AAAA'): Uint8Array | undefined {
  if (type === 'A') return isIPv4(text) ? Uint8Array.from(text.split('.'), Number) : undefined;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const [head = '', tail] = text.split('::');
  const front = groupBytes(head);
  const back = groupBytes(tail ?? '');
  return Uint8Array.from([...front, ...Array<number>(16 - front.length - back.length).fill(0), ...back]);
}

function groupText(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(':');
}

function groupBytes(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 255];
  });
}

/** The first of the longest runs (RFC 5952 4.2.3). */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [at, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: at - length + 1, length };
  }
  return best;
}

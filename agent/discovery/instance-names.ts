/** Names of our DNS-SD instances (RFC 6763 4.1.1), and what they become when another has them. Pure. */
import { type DeviceId, shortId } from '../../protocol/ids.ts';

const labelBytes = 63;
/** The last attempt: the name carries the device's id, and nobody has it by chance. */
export const lastAttempt = 10;

/** At most so many bytes of UTF-8, cut between characters. */
export function cutToBytes(text: string, most: number): string {
  let bytes = 0;
  let cut = '';
  for (const char of text) {
    bytes += Buffer.byteLength(char);
    if (bytes > most) return cut.trimEnd();
    cut += char;
  }
  return cut;
}

/** The label of the nth attempt: the name itself, `name (2)`, … and at last `name (k3q7-x2mf)`. */
export function instanceLabel(name: string, attempt: number, self: DeviceId): string {
  const suffix = attempt <= 1 ? '' : ` (${attempt < lastAttempt ? attempt : shortId(self)})`;
  return cutToBytes(name, labelBytes - Buffer.byteLength(suffix)) + suffix;
}

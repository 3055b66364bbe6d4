/** Names of our DNS-SD instances (RFC 6763 4.1.1), and what happens when two want the same. Pure. */
import { type DeviceId, shortId } from '../../protocol/ids.ts';

const labelBytes = 63;
/** The last attempt: the name carries the device's id and is kept whatever others say. */
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

/**
 * The label of the nth attempt: the name itself, `name (2)`, … and at last `name (k3q7-x2mf)`. dns-packet takes every
 * dot for the end of a label, so a dot becomes a hyphen; the name with its dots is in the TXT record.
 */
export function instanceLabel(name: string, attempt: number, self: DeviceId): string {
  const plain = name.replaceAll('.', '-');
  const suffix = attempt <= 1 ? '' : ` (${attempt < lastAttempt ? attempt : shortId(self)})`;
  return cutToBytes(plain, labelBytes - Buffer.byteLength(suffix)) + suffix;
}

export interface SrvData {
  readonly port: number;
  readonly target: string;
}

/** RFC 6762 8.2: the lexicographically later data wins; both sides come to the same end. Negative: `ours` loses. */
export function compareSrv(ours: SrvData, theirs: SrvData): number {
  return Buffer.compare(srvBytes(ours), srvBytes(theirs));
}

/** Priority and weight are 0 in what we announce, and with whom we compare. */
function srvBytes({ port, target }: SrvData): Buffer {
  const labels = target.split('.').map((label) => Buffer.from([label.length & 63, ...Buffer.from(label)]));
  return Buffer.concat([Buffer.from([port >> 8, port & 255]), ...labels]);
}

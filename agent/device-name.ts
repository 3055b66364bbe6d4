import { DisplayName } from '../protocol/ids.ts';

/** `<user> on <host>`, without a domain, cut to what a DNS-SD instance can hold. */
export function defaultDeviceName(user: string, host: string): string {
  const [first = ''] = host.split('.');
  const name = Array.from(`${user} on ${first}`)
    .filter((char) => DisplayName.safeParse(`x${char}x`).success)
    .join('')
    .trim();
  return cutToBytes(name, 63) || 'nethood';
}

function cutToBytes(text: string, most: number): string {
  let cut = '';
  for (const char of text) {
    if (Buffer.byteLength(cut + char) > most) break;
    cut += char;
  }
  return cut.trim();
}

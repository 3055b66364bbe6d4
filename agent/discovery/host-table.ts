/** The addresses of the hosts that instances name, as heard on each card. Pure and bounded. */
import type { MdnsRecord } from './mdns-records.ts';

export type AddressRecord = Extract<MdnsRecord, { type: 'A' | 'AAAA' }>;

interface Heard {
  readonly heard: number;
  readonly expires: number;
}

const mostAddresses = 16;
/** RFC 6762 10.2: records of one announcement may be spread over a second. */
const graceMs = 1_000;

export class HostTable {
  /** How many instances name the host, and its addresses. */
  readonly #hosts = new Map<string, { uses: number; readonly addresses: Map<string, Heard> }>();
  readonly #changed = new Set<string>();

  /** An instance names it: only now its addresses are kept. */
  use(key: string): void {
    const host = this.#hosts.get(key) ?? { uses: 0, addresses: new Map<string, Heard>() };
    this.#hosts.set(key, host);
    host.uses++;
  }

  release(key: string): void {
    const host = this.#hosts.get(key);
    if (host !== undefined && --host.uses === 0) this.#hosts.delete(key);
  }

  take(key: string, record: AddressRecord, now: number): void {
    const addresses = this.#hosts.get(key)?.addresses;
    if (addresses === undefined) return;
    this.#changed.add(key);
    if (record.ttl === 0) {
      addresses.delete(record.address);
      return;
    }
    if (record.flush) flush(addresses, record, now);
    if (addresses.size < mostAddresses || addresses.has(record.address))
      addresses.set(record.address, { heard: now, expires: now + record.ttl * 1000 });
  }

  /** Those that count now; where all ran out, those known last: an address is dropped only for a fresher one. */
  addresses(key: string, now: number): string[] {
    const all = Array.from(this.#hosts.get(key)?.addresses ?? []);
    const fresh = all.filter(([, { expires }]) => expires > now);
    return (fresh.length > 0 ? fresh : all).map(([address]) => address);
  }

  /** The hosts that changed since the last call. */
  takeChanged(): ReadonlySet<string> {
    const changed = new Set(this.#changed);
    this.#changed.clear();
    return changed;
  }
}

/** RFC 6762 10.2: the flush bit ends what was heard of the same type more than a second ago. */
function flush(addresses: Map<string, Heard>, record: AddressRecord, now: number): void {
  for (const [address, { heard }] of Array.from(addresses)) {
    const sameType = address.includes(':') === (record.type === 'AAAA');
    if (sameType && heard < now - graceMs) addresses.delete(address);
  }
}

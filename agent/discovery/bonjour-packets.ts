/**
 * What bonjour-service would send, put right before it leaves: only this card's addresses, the cache-flush bit on what
 * is ours alone, usual lifetimes, goodbyes for our own instance only, packets that fit a frame. Pure.
 */
import type { Card } from './cards.ts';

/** As bonjour-service makes it and dns-packet encodes it. */
export interface OutRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl?: number;
  readonly flush?: boolean;
  readonly data: unknown;
}
export interface OutPacket {
  readonly answers: readonly OutRecord[];
  readonly additionals: readonly OutRecord[];
}

/** Seconds (RFC 6762 section 10). */
const hostTtl = 120;
const otherTtl = 4_500;
/** Bytes of records in a packet: an Ethernet frame less headers. */
const packetBytes = 1_400;

/** The address records of our host on this card. */
export function hostRecords(card: Card, hostName: string, ttl = hostTtl): OutRecord[] {
  return card.addresses.map(({ address, family }) => ({
    name: hostName,
    type: family === 4 ? 'A' : 'AAAA',
    ttl,
    flush: ttl > 0,
    data: address,
  }));
}

/** What to send in place of `packet`; nothing where all of it is better not said. */
export function corrected(packet: OutPacket, card: Card, hostName: string): OutPacket[] {
  const keep = (records: readonly OutRecord[]): OutRecord[] =>
    records.filter((record) => mayBeSaid(record, card, hostName)).map(withUsualTtl);
  const answers = keep(packet.answers);
  const additionals = keep(packet.additionals);
  const all = [...answers, ...additionals];
  const needsHost = all.some(({ type, ttl }) => type === 'SRV' && ttl !== 0) && !all.some(isAddress);
  // bonjour-service leaves out loopback's addresses, though loopback may be all there is.
  return split(answers, needsHost ? [...additionals, ...hostRecords(card, hostName)] : additionals);
}

/** The list of types belongs to the whole link, the host's addresses to all our services: neither says goodbye with one of them. */
function mayBeSaid(record: OutRecord, card: Card, hostName: string): boolean {
  if (record.ttl === 0) return !isAddress(record) && !record.name.startsWith('_services.');
  if (!isAddress(record) || record.name !== hostName) return true;
  return card.addresses.some(({ address }) => address === record.data);
}

/** The flush bit (RFC 6762 10.2) goes on what is ours alone: everything but shared PTR records. */
function withUsualTtl(record: OutRecord): OutRecord {
  const { name, type, data } = record;
  const shared = type === 'PTR';
  const usual = shared || type === 'TXT' ? otherTtl : hostTtl;
  return { name, type, data, flush: !shared, ttl: record.ttl === 0 ? 0 : usual };
}

function isAddress({ type }: OutRecord): boolean {
  return type === 'A' || type === 'AAAA';
}

/** Answers in as many packets as they need; additionals as far as they fit into the last (they are a courtesy). */
function split(answers: readonly OutRecord[], additionals: readonly OutRecord[]): OutPacket[] {
  const packets: { answers: OutRecord[]; additionals: OutRecord[]; bytes: number }[] = [];
  const place = (record: OutRecord): (typeof packets)[number] => {
    const last = packets.at(-1);
    if (last !== undefined && last.bytes + sizeOf(record) <= packetBytes) return last;
    const fresh = { answers: [], additionals: [], bytes: 0 };
    packets.push(fresh);
    return fresh;
  };
  for (const record of answers) {
    const packet = place(record);
    packet.answers.push(record);
    packet.bytes += sizeOf(record);
  }
  const last = packets.at(-1);
  for (const record of additionals) {
    if (last === undefined || last.bytes + sizeOf(record) > packetBytes) break;
    last.additionals.push(record);
    last.bytes += sizeOf(record);
  }
  return packets.map((packet) => ({ answers: packet.answers, additionals: packet.additionals }));
}

/** Bytes on the wire, without compression, at most a few too many. */
function sizeOf({ name, data }: OutRecord): number {
  const header = Buffer.byteLength(name) + 12;
  if (typeof data === 'string') return header + Buffer.byteLength(data) + 2;
  if (Array.isArray(data)) return header + data.reduce((sum: number, part: Uint8Array) => sum + part.length + 1, 0);
  const target = (data as { target?: string }).target ?? '';
  return header + Buffer.byteLength(target) + 8;
}

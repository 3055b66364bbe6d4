/** The records of multicast DNS that discovery understands, checked once where a packet comes in. Pure. */
import { isIP } from 'node:net';

/** As dns-packet decodes it; nothing about it is certain. */
export interface RawRecord {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly ttl?: unknown;
  readonly flush?: unknown;
  readonly data?: unknown;
}
export interface RawPacket {
  readonly questions?: readonly RawRecord[];
  readonly answers?: readonly RawRecord[];
  readonly authorities?: readonly RawRecord[];
  readonly additionals?: readonly RawRecord[];
}

interface Common {
  /** Lower case: names are compared so (RFC 6762 section 16). */
  readonly name: string;
  /** Seconds; 0 is a goodbye (RFC 6762 10.1). */
  readonly ttl: number;
  /** It replaces what was known (RFC 6762 10.2). */
  readonly flush: boolean;
}
export type MdnsRecord =
  | (Common & { readonly type: 'PTR'; readonly target: string })
  | (Common & { readonly type: 'SRV'; readonly target: string; readonly port: number })
  | (Common & { readonly type: 'TXT'; readonly strings: readonly Uint8Array[] })
  | (Common & { readonly type: 'A' | 'AAAA'; readonly address: string });

/** More than fits in any honest packet. */
const mostRecords = 500;
const mostStrings = 100;

/** What of these records is understood; the rest is dropped. */
export function readRecords(raw: readonly RawRecord[]): MdnsRecord[] {
  return raw
    .slice(0, mostRecords)
    .map(readRecord)
    .filter((record) => record !== undefined);
}

function readRecord({ name, type, ttl, flush, data }: RawRecord): MdnsRecord | undefined {
  if (typeof name !== 'string' || typeof ttl !== 'number') return undefined;
  const common: Common = { name: name.toLowerCase(), ttl, flush: flush === true };
  switch (type) {
    case 'PTR':
      return typeof data === 'string' ? { ...common, type, target: data.toLowerCase() } : undefined;
    case 'SRV':
      return readSrv(common, data);
    case 'TXT':
      return readTxt(common, data);
    case 'A':
    case 'AAAA':
      return readAddress(common, type, data);
    default:
      return undefined;
  }
}

function readSrv(common: Common, data: unknown): MdnsRecord | undefined {
  if (typeof data !== 'object' || data === null || !('target' in data) || !('port' in data)) return undefined;
  const { target, port } = data;
  if (typeof target !== 'string' || typeof port !== 'number' || port < 1 || port > 65_535) return undefined;
  return { ...common, type: 'SRV', target: target.toLowerCase(), port };
}

function readTxt(common: Common, data: unknown): MdnsRecord | undefined {
  const strings: unknown[] = Array.isArray(data) ? data : [data];
  const bytes = strings.slice(0, mostStrings).filter((part) => part instanceof Uint8Array);
  return { ...common, type: 'TXT', strings: bytes };
}

function readAddress(common: Common, type: 'A' | 'AAAA', data: unknown): MdnsRecord | undefined {
  const fits = typeof data === 'string' && isIP(data) === (type === 'A' ? 4 : 6);
  return fits ? { ...common, type, address: data } : undefined;
}

/**
 * Addresses as text, and the two header fields that tell an agent or a print client from a web page in somebody's
 * browser: pages always send `Origin` with what could do harm, and a page that rebinds its own name to our address
 * sends that name as `Host`.
 */
import type { IncomingMessage } from 'node:http';
import { isIP, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { NethoodError } from '../../protocol/errors.ts';

/** One text for one address: no zone, IPv4 where it is IPv4 inside IPv6 (RFC 4291 2.5.5.2), IPv6 as RFC 5952 writes it. */
export function plainAddress(text: string): string {
  const [address = ''] = text.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  return isIPv6(address) ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address;
}

/** As a socket gives it and as people see it: with the zone where there is one. */
export function shownAddress(text: string | undefined): string {
  const [address = '', zone] = (text ?? '').split('%');
  return zone === undefined ? plainAddress(address) : `${plainAddress(address)}%${zone}`;
}

/** The name or address of a `Host` field without port and zone, in lower case; undefined where it is none (RFC 9110 7.2). */
export function hostOf(field: string): string | undefined {
  const bracketed = /^\[([0-9a-f:.]+)(?:%[^\]\s]{1,64})?\](?::\d{1,5})?$/i.exec(field)?.[1];
  if (bracketed !== undefined) return isIPv6(bracketed) ? plainAddress(bracketed) : undefined;
  // A bare IPv6 address is no valid Host, but some print clients send one.
  if (isIP(field.split('%')[0] ?? '') === 6) return plainAddress(field);
  const name = /^([^\s:@/?#[\]]{1,255})(?::\d{1,5})?$/.exec(field)?.[1]?.toLowerCase();
  return name?.endsWith('.') === true ? name.slice(0, -1) : name;
}

export interface OwnNames {
  /** `nh-<8>.local`, or what a conflict made of it: by the name that another has, nobody means us. */
  readonly hostName: () => string;
  /** Addresses of this PC's cards; asked only where the connection's own address is not the one named. */
  readonly addresses: () => readonly string[];
}

/** All addresses of this PC's cards, as text. */
export function cardAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((card) => (card ?? []).map(({ address }) => address));
}

/** Why a request is refused before anybody looks at its path; undefined where it is not. */
export function refusalOf(request: IncomingMessage, own: OwnNames): NethoodError | undefined {
  if (request.headers.origin !== undefined)
    return new NethoodError('not-permitted', 'Web pages may not ask an agent: the request has an Origin.');
  const fields = request.headersDistinct['host'] ?? [];
  const host = fields.length === 1 && fields[0] !== undefined ? hostOf(fields[0]) : undefined;
  if (host !== undefined && isOurs(host, request.socket.localAddress, own)) return undefined;
  return new NethoodError('bad-request', 'The Host of the request is neither an address nor the name of this agent.');
}

function isOurs(host: string, local: string | undefined, { hostName, addresses }: OwnNames): boolean {
  if (host === hostName()) return true;
  const arrivedAt = local === undefined ? '' : plainAddress(local);
  // CUPS calls 127.0.0.1 so; the name never leaves the PC (RFC 6761 6.3).
  if (host === 'localhost') return arrivedAt === '::1' || arrivedAt.startsWith('127.');
  if (isIP(host) === 0) return false;
  if (arrivedAt === host) return true;
  return addresses().some((address) => plainAddress(address) === host);
}

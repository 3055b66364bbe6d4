/** Addresses of neighbours as text, and which of those that a rumour names may be dialled at all. */
import { BlockList, isIP } from 'node:net';
import { NethoodError } from '../../protocol/errors.ts';
import type { Address } from '../discovery/discovery.ts';

export const defaultPeersPort = 6631;

/** `[IPv6%card]` with or without port; bare IPv6; a name or IPv4 with or without port. */
const forms = [
  /^\[(?<host>[0-9a-fA-F.]*:[0-9a-fA-F:.]*)(?:%(?<zone>[^\]]+))?\](?::(?<port>\d{1,5}))?$/,
  /^(?<host>[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*)(?:%(?<zone>\S+))?$/,
  /^(?<host>[\p{L}\p{N}._-]{1,253})(?::(?<port>\d{1,5}))?$/u,
];

/** `host`, `host:port`, `address`, `[address%zone]:port`. @throws NethoodError `usage` */
export function parseHostAndPort(text: string): { host: string; zone: string | undefined; port: number } {
  const groups = forms.map((form) => form.exec(text.trim())?.groups).find((found) => found !== undefined);
  const { host, zone, port } = { host: '', zone: undefined, port: String(defaultPeersPort), ...defined(groups) };
  if (host === '' || (host.includes(':') && isIP(host) === 0) || !isPort(Number(port))) {
    const shown = text.slice(0, 200);
    throw new NethoodError('usage', `"${shown}" is not an address; write host, host:port or [IPv6%card]:port.`);
  }
  return { host, zone, port: Number(port) };
}

/** A group that took no part in the match is there with the value undefined. */
function defined(groups: Record<string, string | undefined> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(groups).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

/** As people and logs see it: with zone, without brackets. */
export function addressText({ address, zone }: Address): string {
  return zone === undefined ? address : `${address}%${zone}`;
}

/** The inverse, for the address of an accepted socket. */
export function addressFromText(text: string): Address {
  const [address = '', zone] = text.split('%', 2);
  return zone === undefined ? { address } : { address, zone };
}

/** For a Host header (RFC 9112 3.2). A zone means something on this PC only and is left out (RFC 6874 section 4). */
export function hostHeader({ address }: Address, port: number): string {
  return `${isIP(address) === 6 ? `[${address}]` : address}:${port}`;
}

/**
 * Of a connection that is there: where a neighbour is that has moved, it knows nothing of the address that was known
 * when it was asked. Undefined where the connection tells of none.
 */
export function connectedHost({ remoteAddress, remotePort }: ConnectedSocket): string | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return hostHeader(addressFromText(remoteAddress), remotePort);
}

interface ConnectedSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

/** Groups, everyone, and where clouds keep their secrets: a rumour that points there is a forgery or a mistake. */
const never = new BlockList();
never.addSubnet('0.0.0.0', 8);
never.addAddress('169.254.169.254');
never.addSubnet('224.0.0.0', 3);
never.addAddress('::', 'ipv6');
never.addSubnet('ff00::', 8, 'ipv6');
never.addAddress('fd00:ec2::254', 'ipv6');

/** This host itself: likewise, but for a PC on no network, whose users' agents find each other by loopback. */
const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

export function mayBeDialled({ address }: Address, loopbackServes = false): boolean {
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) === 0 || never.check(address, family)) return false;
  return loopbackServes || !loopback.check(address, family);
}

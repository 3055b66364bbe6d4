/**
 * The sockets of multicast DNS (RFC 6762 sections 3, 5 and 11): one for each card and family, all bound to port 5353 of
 * any address, because one that is bound to a card's own address receives no multicast on Linux. multicast-dns joins the
 * group and keeps it joined; its codec is not used: it ends labels at every dot and compresses nothing.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import multicastDns from 'multicast-dns';
import type { LinkListener, LinkPlace, LinkSocket } from './link-socket.ts';
import { senderTest } from './link-socket.ts';

const mdnsPort = 5353;
const groups = { 4: '224.0.0.251', 6: 'ff02::fb' } as const;
/** RFC 6762 section 11: whoever checks finds out that the packet crossed no router. */
const hops = 255;
/** A burst of an office that starts at once waits here. */
const receiveBytes = 1 << 20;

export function openMdnsSocket(place: LinkPlace, listener: LinkListener): LinkSocket {
  return new MdnsSocket(place, listener);
}

class MdnsSocket implements LinkSocket {
  readonly #place: LinkPlace;
  readonly #listener: LinkListener;
  readonly #socket: Socket;
  readonly #mdns: multicastDns.MulticastDNS;
  readonly #zone: string;
  #ready = false;
  #leaving = 0;
  #left: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(place: LinkPlace, listener: LinkListener) {
    this.#place = place;
    this.#listener = listener;
    this.#zone = place.card.addresses.find(({ zone }) => zone !== undefined)?.zone ?? place.card.name;
    const { family } = place;
    this.#socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', reuseAddr: true, ipv6Only: family === 6 });
    this.#mdns = multicastDns({
      socket: this.#socket,
      type: family === 4 ? 'udp4' : 'udp6',
      ip: groups[family],
      interface: this.#interface(),
      bind: family === 4 ? '0.0.0.0' : '::',
      port: mdnsPort,
      ttl: hops,
      // Several agents of several users on one PC hear each other so.
      loopback: true,
    });
    // Its listener decodes with dns-packet; ours hands on the bytes.
    this.#socket.removeAllListeners('message');
    const onLink = senderTest(place);
    this.#socket.on('message', (bytes, sender) => {
      if (onLink(sender.address)) this.#received(bytes, sender);
    });
    this.#mdns.on('error', (error: Error) => this.#failed(error));
    // Mostly that the group cannot be joined. It tries again every 5 s, and so long nothing is ready.
    this.#mdns.on('warning', (error: Error) => listener.unsent(error));
    this.#mdns.on('networkInterface', () => this.#joined());
  }

  send(bytes: Uint8Array, to?: { readonly address: string; readonly port: number }): void {
    if (!this.#ready || this.#closed !== undefined) return;
    const address = to === undefined ? groups[this.#place.family] : this.#zoned(to.address);
    this.#leaving++;
    this.#socket.send(bytes, to?.port ?? mdnsPort, address, (error) => {
      this.#leaving--;
      this.#left?.();
      // One asker who cannot be reached says nothing of the link.
      if (error !== null && to === undefined && this.#closed === undefined) this.#listener.unsent(error);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** A socket that closes takes along what it has not sent yet, such as a goodbye. */
  async #close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#left = () => this.#leaving === 0 && resolve();
      this.#left();
    });
    await new Promise<void>((resolve) => this.#mdns.destroy(resolve));
  }

  #interface(): string {
    const { card, family } = this.#place;
    const own = card.addresses.find((address) => address.family === family)?.address ?? '';
    return family === 4 ? own : `::%${this.#zone}`;
  }

  #joined(): void {
    try {
      this.#socket.setTTL(hops);
      this.#socket.setRecvBufferSize(receiveBytes);
    } catch {
      // Refinements, which a system may refuse.
    }
    if (this.#ready || this.#closed !== undefined) return;
    this.#ready = true;
    this.#listener.ready();
  }

  #received(bytes: Uint8Array, { address, port }: RemoteInfo): void {
    if (this.#ready && this.#closed === undefined) this.#listener.received(bytes, address.split('%')[0] ?? '', port);
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (this.#closed === undefined) this.#listener.failed(error);
  }

  #zoned(address: string): string {
    return /^fe[89ab][0-9a-f]:/i.test(address) ? `${address}%${this.#zone}` : address;
  }
}

/**
 * Whether no other program has port 5353: only then unicast answers surely come to us (RFC 6762 15.1). Linux lists its
 * sockets; elsewhere the system's own responder has the port always. Trying to bind it exclusively would tell as well,
 * but whoever starts in that moment would find the port taken.
 */
export function isAloneOnPort(ownSockets: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return (
      countBound(readFileSync('/proc/net/udp', 'latin1')) + countBound(readIfThere('/proc/net/udp6')) <= ownSockets
    );
  } catch {
    // No /proc: not known, so not relied on.
    return false;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // A system without IPv6.
    return '';
  }
}

/** Lines of /proc/net/udp: `sl local_address rem_address …`, addresses and ports in hexadecimal. */
function countBound(table: string): number {
  const port = mdnsPort.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').filter((line) => line.trim().split(/\s+/)[1]?.endsWith(`:${port}`)).length;
}

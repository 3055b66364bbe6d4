/**
 * The peers port: agents only. A front server counts sockets before anything is spent on them, TLS 1.3 proves the key
 * of the other side, and only then is HTTP spoken. The device is read off the socket once, when it is secure, and kept
 * beside it: no header and no later question decides who asks.
 */
import type { IncomingMessage } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { type DeviceId, shortId } from '../../protocol/ids.ts';
import { peerSubprotocol } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Identity } from '../trust/identity.ts';
import type { TrustStore } from '../trust/trust-store.ts';
import { bodyLimits, type BodyLimits } from './body-watch.ts';
import { cardAddresses, shownAddress } from './host-header.ts';
import { HttpDoor, httpTimeouts, type HttpTimeouts, type HttpVisitor } from './http-door.ts';
import type { HttpRoute } from './neighbours.ts';
import type { IsOwn } from './own-addresses.ts';
import { peerTlsOptions, readDeviceId } from './peer-tls.ts';
import { type GateLimits, peerGateLimits, SocketGate } from './socket-gate.ts';

/** A request for a session by a device whose key has been checked. */
export interface PeerUpgrade {
  readonly id: DeviceId;
  readonly address: string;
  readonly localAddress: string;
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** All with defaults, for tests. */
export interface PortSettings {
  readonly gate: GateLimits;
  readonly timeouts: HttpTimeouts;
  readonly handshakeMs: number;
  readonly bodies: BodyLimits;
  readonly addresses: () => readonly string[];
}

export const portSettings: PortSettings = {
  gate: peerGateLimits,
  timeouts: httpTimeouts,
  handshakeMs: 10_000,
  bodies: bodyLimits,
  addresses: cardAddresses,
};

export interface PeerPortDeps {
  /** Listening; its connections are ours until we are disposed. */
  readonly server: Server;
  readonly identity: Identity;
  /** As we are announced now. Default: as the identity says. */
  readonly hostName?: (() => string) | undefined;
  readonly trust: Pick<TrustStore, 'trustOf' | 'events'>;
  readonly routes: readonly HttpRoute[];
  /** Takes over the socket of a request for `/peer`. */
  readonly accept: (upgrade: PeerUpgrade) => void;
  /** Whether an address (with zone) is on a network of ours. */
  readonly onLink: (address: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings?: Partial<PortSettings>;
}

interface Peer {
  readonly id: DeviceId;
  readonly address: string;
  readonly localAddress: string;
}

export interface PeerDoor extends AsyncDisposable {
  /** Ends what came in by an address that is gone: the other side cannot be told, and would be waited for. */
  readdressed(isOwn: IsOwn): void;
}

/** Serves until disposed. */
export function openPeerPort(deps: PeerPortDeps): PeerDoor {
  return new PeerPort(deps, { ...portSettings, ...deps.settings });
}

class PeerPort implements PeerDoor {
  readonly #deps: PeerPortDeps;
  readonly #gate: SocketGate;
  readonly #door: HttpDoor;
  readonly #secure: HttpsServer;
  readonly #peers = new WeakMap<Duplex, Peer>();
  /** Before TLS and with it: all that must be gone when the port is. */
  readonly #sockets = new Set<Socket>();
  readonly #ofDevice = new Map<DeviceId, Set<TLSSocket>>();
  readonly #trustChanges: Disposable;
  readonly #connected = (socket: Socket): void => this.#onConnection(socket);

  constructor(deps: PeerPortDeps, settings: PortSettings) {
    const { clock, log, routes, identity, hostName = () => identity.hostName } = deps;
    this.#deps = deps;
    this.#gate = new SocketGate({ limits: settings.gate, clock, log });
    const own = { hostName, addresses: settings.addresses };
    this.#door = new HttpDoor({ routes, own, clock, log, bodyLimits: settings.bodies });
    this.#secure = createHttpsServer({
      ...peerTlsOptions,
      ...settings.timeouts,
      key: identity.keyPem,
      cert: identity.certificatePem,
      requestCert: true,
      handshakeTimeout: settings.handshakeMs,
    });
    // See `httpTimeouts`: without it no header would ever be too slow.
    this.#secure.emit('listening');
    this.#secure.on('secureConnection', (socket) => this.#onSecure(socket));
    this.#secure.on('request', (request, response) => {
      const visitor = this.#visitor(request);
      if (visitor === undefined) request.socket.destroy();
      else void this.#door.handle(visitor, request, response);
    });
    this.#secure.on('upgrade', (request, socket, head) => this.#onUpgrade({ request, socket, head }));
    this.#trustChanges = deps.trust.events.on('changed', (id) => {
      if (deps.trust.trustOf(id) === 'blocked') this.#drop(id);
    });
    deps.server.on('connection', this.#connected);
  }

  readdressed(isOwn: IsOwn): void {
    for (const socket of this.#sockets) if (!isOwn(socket.localAddress)) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#deps.server.off('connection', this.#connected);
    this.#trustChanges[Symbol.dispose]();
    this.#door[Symbol.dispose]();
    const closed = Array.from(this.#sockets, (socket) => new Promise((resolve) => void socket.once('close', resolve)));
    for (const socket of this.#sockets) socket.destroy();
    // It never listened; this ends its check of time-outs.
    this.#secure.close(() => undefined);
    await Promise.all(closed);
  }

  #onConnection(socket: Socket): void {
    // Whatever breaks the connection closes it; there is nobody else to tell before TLS.
    socket.on('error', () => undefined);
    if (!this.#gate.admit(socket)) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#secure.emit('connection', socket);
  }

  #onSecure(socket: TLSSocket): void {
    const { identity, trust, log } = this.#deps;
    const address = shownAddress(socket.remoteAddress);
    const id = readDeviceId(socket);
    // Our own id from outside is a copied disk, or a dial that came back.
    const refused = id === undefined || id === identity.id || trust.trustOf(id) === 'blocked';
    if (id === undefined || refused) {
      log.debug({ address, id: id && shortId(id) }, 'A connection without a key, or of a blocked device, was refused.');
      socket.destroy();
      return;
    }
    this.#peers.set(socket, { id, address, localAddress: shownAddress(socket.localAddress) });
    const sockets = this.#ofDevice.get(id) ?? new Set();
    this.#ofDevice.set(id, sockets.add(socket));
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0 && this.#ofDevice.get(id) === sockets) this.#ofDevice.delete(id);
    });
  }

  #drop(id: DeviceId): void {
    for (const socket of this.#ofDevice.get(id) ?? []) socket.destroy();
  }

  #visitor({ socket }: IncomingMessage): HttpVisitor | undefined {
    const peer = this.#peers.get(socket);
    if (peer === undefined) return undefined;
    const { trust, onLink } = this.#deps;
    const asker = { kind: 'device', id: peer.id, trust: trust.trustOf(peer.id), onLink: onLink(peer.address) } as const;
    return { asker, address: peer.address };
  }

  #onUpgrade({ request, socket, head }: Omit<PeerUpgrade, keyof Peer>): void {
    // ws, or nobody, hears of errors; either way the socket closes.
    socket.on('error', () => undefined);
    const peer = this.#peers.get(socket);
    if (peer === undefined) socket.destroy();
    else if (this.#door.refusalOf(request) !== undefined) refuse(socket, '403 Forbidden');
    else if (request.url !== '/peer') refuse(socket, '404 Not Found');
    else if (!offersSubprotocol(request)) refuse(socket, '400 Bad Request');
    else this.#deps.accept({ ...peer, request, socket, head });
  }
}

function offersSubprotocol({ headers }: IncomingMessage): boolean {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',');
  return offered.some((name) => name.trim() === peerSubprotocol);
}

function refuse(socket: Duplex, status: string): void {
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

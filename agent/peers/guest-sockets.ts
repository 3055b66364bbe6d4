/**
 * The guests' connections while their port is open. The first byte tells what a client speaks: 0x16 is a TLS handshake
 * record (RFC 8446 5.1), anything else plain HTTP, which may still be upgraded to TLS (RFC 2817).
 */
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { constants } from 'node:crypto';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Identity } from '../trust/identity.ts';
import { shownAddress } from './host-header.ts';
import { fedHttpServer, HttpDoor } from './http-door.ts';
import type { HttpRoute } from './neighbours.ts';
import type { PortSettings } from './peer-port.ts';
import { SocketGate } from './socket-gate.ts';
import { plainHead, upgradeToTls, wantsTls } from './tls-upgrade.ts';

export interface GuestDeps {
  readonly identity: Identity;
  /** As we are announced now. Default: as the identity says. */
  readonly hostName?: (() => string) | undefined;
  readonly routes: readonly HttpRoute[];
  /** Whether an address (with zone) is on a network of ours. */
  readonly onLink: (address: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

const tlsRecordHandshake = 0x16;
/** Milliseconds in which an answer under way may end when the port closes. */
const graceMs = 2000;

/** Serves the sockets of one opening of the port. */
export class GuestSockets implements AsyncDisposable {
  readonly #deps: GuestDeps;
  readonly #settings: PortSettings;
  readonly #gate: SocketGate;
  readonly #door: HttpDoor;
  readonly #plain: HttpServer;
  readonly #secure: HttpsServer;
  readonly #context: SecureContext;
  readonly #sockets = new Set<Socket>();
  readonly #addresses = new WeakMap<Socket, string>();

  constructor(deps: GuestDeps, settings: PortSettings) {
    const { clock, log, routes, identity, hostName = () => identity.hostName } = deps;
    this.#deps = deps;
    this.#settings = settings;
    this.#gate = new SocketGate({ limits: settings.gate, clock, log });
    const own = { hostName, addresses: settings.addresses };
    this.#door = new HttpDoor({ routes, own, clock, log, bodyLimits: settings.bodies });
    const tls = guestTls(identity);
    this.#context = createSecureContext(tls);
    this.#secure = createHttpsServer({ ...tls, ...settings.timeouts, handshakeTimeout: settings.handshakeMs });
    // See `httpTimeouts`.
    this.#secure.emit('listening');
    this.#plain = fedHttpServer(settings.timeouts);
    for (const server of [this.#secure, this.#plain])
      server.on('request', (request, response) => this.#onRequest(request, response));
    this.#plain.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket as Socket, head));
    this.#secure.on('secureConnection', (socket) => this.#addresses.set(socket, shownAddress(socket.remoteAddress)));
  }

  /** The server's listener for `connection`. */
  readonly take = (socket: Socket): void => {
    // Whatever breaks the connection closes it; there is nobody else to tell.
    socket.on('error', () => undefined);
    if (!this.#gate.admit(socket)) return;
    this.#sockets.add(socket);
    this.#addresses.set(socket, shownAddress(socket.remoteAddress));
    const timer = this.#deps.clock.timer(this.#settings.handshakeMs, () => socket.destroy());
    socket.once('close', () => {
      this.#sockets.delete(socket);
      timer[Symbol.dispose]();
    });
    socket.once('readable', () => {
      timer[Symbol.dispose]();
      this.#sort(socket);
    });
  };

  /** Politely: what is idle ends now, answers under way within the grace; then all of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = Array.from(this.#sockets, (socket) => new Promise((resolve) => void socket.once('close', resolve)));
    for (const server of [this.#secure, this.#plain]) {
      // They never listened; this ends idle connections and the check of time-outs.
      server.close(() => undefined);
      server.closeIdleConnections();
    }
    this.#door.whenIdle(() => this.#destroyAll());
    const timer = this.#deps.clock.timer(graceMs, () => this.#destroyAll());
    await Promise.all(closed);
    timer[Symbol.dispose]();
    this.#door[Symbol.dispose]();
  }

  #destroyAll(): void {
    this.#door.abort();
    for (const socket of this.#sockets) socket.destroy();
  }

  #sort(socket: Socket): void {
    const first = socket.read() as Buffer | null;
    if (first === null) {
      socket.destroy();
      return;
    }
    socket.unshift(first);
    const server = first[0] === tlsRecordHandshake ? this.#secure : this.#plain;
    server.emit('connection', socket);
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    if (wantsTls(request)) {
      const { clock } = this.#deps;
      const { handshakeMs } = this.#settings;
      upgradeToTls({ request, socket, head, context: this.#context, clock, handshakeMs }, (secure) =>
        this.#secure.emit('secureConnection', secure),
      );
      return;
    }
    // Any other protocol is not spoken here: the request is read again as if it had not asked (RFC 9110 7.8).
    socket.unshift(Buffer.concat([plainHead(request), head]));
    this.#plain.emit('connection', socket);
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const address = this.#addresses.get(request.socket) ?? '';
    const asker = { kind: 'guest', onLink: this.#deps.onLink(address) } as const;
    void this.#door.handle({ asker, address }, request, response);
  }
}

/** TLS 1.2 for printers' and phones' sake, and no tickets: nothing is to be resumed that another key began. */
function guestTls({ keyPem, certificatePem }: Identity): SecureContextOptions {
  return {
    key: keyPem,
    cert: certificatePem,
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/**
 * HTTP Upgrade to TLS (RFC 2817), as CUPS asks for it when encryption is required: `OPTIONS *` with `Upgrade: TLS/1.2`
 * is answered 101, the handshake follows on the same connection, and the first answer inside it is the one to that
 * request.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import type { Clock } from '../base/clock.ts';

/** Only where no body follows in the clear: a server is free to ignore any other wish (RFC 2817 3.1). */
export function wantsTls({ headers }: IncomingMessage): boolean {
  const bodyless = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  const offered = (headers.upgrade ?? '').split(',');
  return bodyless && offered.some((name) => /^TLS\/1\.\d$/i.test(name.trim()));
}

/** The head of a request as it was on the wire, without its wish to upgrade: what a server parses again. */
export function plainHead({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (!/^(upgrade|connection|http2-settings)$/i.test(name)) lines.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

interface TlsUpgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  /** What the client sent behind the request: nothing, or its first TLS bytes. */
  readonly head: Buffer;
  readonly context: SecureContext;
  readonly clock: Clock;
  readonly handshakeMs: number;
}

/** Calls back once the handshake is done, with the request to be read first; a handshake that fails ends the socket. */
export function upgradeToTls(upgrade: TlsUpgrade, secured: (socket: TLSSocket) => void): void {
  const { request, socket, head, context, clock, handshakeMs } = upgrade;
  if (head.length > 0) socket.unshift(head);
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n\r\n');
  const secure = new TLSSocket(socket, { isServer: true, secureContext: context, requestCert: false });
  const timer = clock.timer(handshakeMs, () => secure.destroy());
  secure.once('close', () => timer[Symbol.dispose]());
  // A failed handshake closes the socket; nobody waits for more.
  secure.on('error', () => secure.destroy());
  secure.once('secure', () => {
    timer[Symbol.dispose]();
    secure.unshift(plainHead(request));
    secured(secure);
  });
}

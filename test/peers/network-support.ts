/** Identities, ports and clients on loopback for the tests of the network half of peers. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequestArgs, type IncomingMessage, request as httpRequest } from 'node:http';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import type { Trust } from '../../protocol/control.ts';
import { type DeviceId, hostNameOf } from '../../protocol/ids.ts';
import { systemClock } from '../../agent/base/clock.ts';
import { Emitter } from '../../agent/base/emitter.ts';
import { silentLog } from '../../agent/base/log.ts';
import type { Scope } from '../../agent/base/scope.ts';
import { openPeerPort, type PeerDoor, type PeerPortDeps } from '../../agent/peers/peer-port.ts';
import type { PeerSocket } from '../../agent/peers/peer-socket.ts';
import { createTransport, type Transport } from '../../agent/peers/transport.ts';
import { deviceIdOf, makeCertificate } from '../../agent/trust/certificate.ts';
import type { Identity } from '../../agent/trust/identity.ts';

export const loopback = { address: '127.0.0.1' };

export function makeIdentity(): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const id = deviceIdOf(publicKey.export({ type: 'spki', format: 'der' }));
  const hostName = hostNameOf(id);
  return {
    id,
    hostName,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificatePem: makeCertificate({ key: privateKey, hostNames: [hostName], now: Date.now() }),
  };
}

export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

export async function listening(scope: Scope, host = '127.0.0.1'): Promise<Server> {
  const server = createServer();
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, host);
  await once(server, 'listening');
  scope.defer(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return server;
}

export interface TestAgent {
  readonly identity: Identity;
  readonly transport: Transport;
  readonly server: Server;
  readonly port: number;
  readonly incoming: PeerSocket[];
  readonly door: PeerDoor;
  readonly trust: Map<DeviceId, Trust>;
  readonly trustEvents: Emitter<{ changed: [DeviceId] }>;
}

/** A peers port with its transport on a free port of loopback, for as long as the scope. */
export async function startAgent(scope: Scope, deps: Partial<PeerPortDeps> = {}): Promise<TestAgent> {
  const identity = makeIdentity();
  const server = await listening(scope);
  const transport = scope.use(createTransport({ identity, clock: systemClock }));
  const trust = new Map<DeviceId, Trust>();
  const trustEvents = new Emitter<{ changed: [DeviceId] }>();
  const incoming: PeerSocket[] = [];
  transport.events.on('incoming', (socket) => incoming.push(socket));
  const door = scope.use(
    openPeerPort({
      server,
      identity,
      trust: { trustOf: (id) => trust.get(id) ?? 'stranger', events: trustEvents },
      routes: [],
      accept: (upgrade) => transport.accept(upgrade),
      onLink: () => true,
      clock: systemClock,
      log: silentLog,
      ...deps,
    }),
  );
  return { identity, transport, server, port: portOf(server), incoming, door, trust, trustEvents };
}

/** A TLS client with our options or others, connected and secure. */
export async function tlsTo(
  port: number,
  identity: Identity | undefined,
  more: ConnectionOptions = {},
): Promise<TLSSocket> {
  const own = identity === undefined ? {} : { key: identity.keyPem, cert: identity.certificatePem };
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...own, ...more });
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

export async function tcpTo(port: number): Promise<Socket> {
  const socket = connectTcp({ host: '127.0.0.1', port });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** All text until the other side closes. */
export async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  if (!socket.closed) await once(socket, 'close');
  return text;
}

/** Text until it fits. */
export async function readUntil(socket: Socket, pattern: RegExp): Promise<string> {
  let text = '';
  return await new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('latin1');
      if (!pattern.test(text)) return;
      socket.off('data', onData);
      resolve(text);
    };
    socket.on('data', onData);
    socket.once('close', () => reject(new Error(`Closed after: ${text}`)));
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** One request by node:http on a socket of the test's making. */
export async function ask(
  socket: Socket,
  { body, ...options }: ClientRequestArgs & { body?: string } = {},
): Promise<Answer> {
  const request = httpRequest({ createConnection: () => socket, host: '127.0.0.1', ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, body: text };
}

export async function closedWithin(socket: Socket, ms: number): Promise<boolean> {
  if (socket.closed) return true;
  socket.resume();
  return await Promise.race([
    once(socket, 'close').then(() => true),
    new Promise<boolean>((resolve) => void setTimeout(() => resolve(false), ms).unref()),
  ]);
}

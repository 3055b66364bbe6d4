/** Listening, with its failures told apart: a port that is taken, and a kind of address that this PC does not have. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A server that listens, and the end of it and of the sockets that nobody took. */
export interface Listener extends AsyncDisposable {
  readonly server: Server;
}

const takenCodes = new Set<unknown>(['EADDRINUSE', 'EACCES']);
const absentCodes = new Set<unknown>(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL']);

/** EACCES too: Windows keeps whole ranges of ports for itself and answers so. */
export function isTaken(error: unknown): boolean {
  return takenCodes.has((error as NodeJS.ErrnoException).code);
}

/** @throws what `listen` reports, see `isTaken`; undefined where the PC has no such address */
export async function listenOn(port: number, host: string): Promise<Listener | undefined> {
  // Keep-alive probes find a guest that vanished while an answer was being made; Nagle only delays.
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Nobody has taken this server yet, or nobody any longer: an open door with no one behind it helps no one.
    if (server.listenerCount('connection') === 1) socket.destroy();
  });
  server.listen({ port, host, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    if (absentCodes.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
  return { server, [Symbol.asyncDispose]: () => closeListener(server, sockets) };
}

/** All addresses of both families; IPv4 alone where the PC has no IPv6. @throws as `listenOn` */
export async function listenOnAll(port: number): Promise<Listener> {
  const listener = (await listenOn(port, '::')) ?? (await listenOn(port, '0.0.0.0'));
  if (listener !== undefined) return listener;
  throw Object.assign(new Error('This PC has no network addresses at all.'), { code: 'EADDRNOTAVAIL' });
}

async function closeListener(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  for (const socket of sockets) socket.destroy();
  await closed;
}

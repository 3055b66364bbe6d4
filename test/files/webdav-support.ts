/** A WebDAV handler behind a real HTTP server on loopback. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../agent/base/clock.ts';
import type { Scope } from '../../agent/base/scope.ts';
import type { DavDoor } from '../../agent/files/webdav-door.ts';
import { createDavHandler } from '../../agent/files/webdav.ts';
import { NethoodError } from '../../protocol/errors.ts';

export interface DavServer {
  /** With a slash at its end. */
  readonly url: string;
  /** What the handler threw: faults of its own, and what broke in the middle of an answer. */
  readonly thrown: unknown[];
}

export async function serveDav(scope: Scope, door: Omit<DavDoor, 'prefix' | 'title' | 'clock'> & Partial<DavDoor>) {
  const prefix = door.prefix ?? '/dav/';
  const handle = createDavHandler({ title: 'Drive', clock: systemClock, prefix, ...door });
  const thrown: unknown[] = [];
  const http = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const gone = new AbortController();
    response.once('close', () => gone.abort(new NethoodError('cancelled', 'gone')));
    if (!path.startsWith(prefix)) return void response.writeHead(404).end();
    handle({ request, response, path: path.slice(prefix.length), signal: gone.signal }).catch((error: unknown) => {
      thrown.push(error);
      response.destroy();
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  scope.defer(() => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}${prefix}`, thrown } satisfies DavServer;
}

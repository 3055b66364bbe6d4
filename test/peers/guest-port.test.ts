import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { createGuestPort, type GuestPort, type GuestPortDeps } from '../../agent/peers/guest-port.ts';
import { httpTimeouts } from '../../agent/peers/http-door.ts';
import type { HttpExchange, HttpRoute } from '../../agent/peers/neighbours.ts';
import { portSettings } from '../../agent/peers/peer-port.ts';
import {
  ask,
  closedWithin,
  listening,
  makeIdentity,
  portOf,
  readAll,
  readUntil,
  tcpTo,
  tlsTo,
} from './network-support.ts';

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const seen: HttpExchange[] = [];
const hello: HttpRoute = {
  prefix: '/ipp/print/',
  handle: async (exchange) => {
    seen.push(exchange);
    let body = '';
    for await (const chunk of exchange.request) body += String(chunk);
    exchange.response.end(`${exchange.path} ${body}`);
  },
};

async function freePort(): Promise<number> {
  const other = new Scope();
  const port = portOf(await listening(other, '::'));
  await other[Symbol.asyncDispose]();
  return port;
}

async function openPort(
  deps: Partial<GuestPortDeps> = {},
): Promise<{ guests: GuestPort; port: number; hostName: string }> {
  const port = await freePort();
  const identity = makeIdentity();
  const guests = createGuestPort({
    port,
    identity,
    routes: [hello],
    onLink: (address) => address === '127.0.0.1',
    clock: systemClock,
    log: silentLog,
    ...deps,
  });
  scope.use(guests);
  seen.length = 0;
  await guests.setOpen(true);
  return { guests, port, hostName: identity.hostName };
}

describe('the guests port', () => {
  test('speaks plain HTTP to a guest, who is known by the address alone', async () => {
    const { port } = await openPort();
    const answer = await ask(await tcpTo(port), { port, path: '/ipp/print/PDF', method: 'POST', body: 'document' });
    expect(answer).toMatchObject({ status: 200, body: 'PDF document' });
    expect(seen[0]).toMatchObject({ asker: { kind: 'guest', onLink: true }, address: '127.0.0.1', path: 'PDF' });
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('speaks %s with our certificate and asks for none', async (version) => {
    const { port, hostName } = await openPort();
    const socket = await tlsTo(port, undefined, { minVersion: version, maxVersion: version });
    expect(socket.getPeerX509Certificate()?.checkHost(hostName)).toBe(hostName);
    const answer = await ask(socket, { port, path: '/ipp/print/PDF', method: 'POST', body: 'x' });
    expect(answer).toMatchObject({ status: 200, body: 'PDF x' });
    expect(seen[0]).toMatchObject({ asker: { kind: 'guest', onLink: true }, address: '127.0.0.1' });
  });

  test('refuses TLS 1.1', async () => {
    const { port } = await openPort();
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    await expect(tlsTo(port, undefined, old)).rejects.toThrow(/version|alert/i);
  });

  test('waits for the first byte in pieces of one', async () => {
    const { port } = await openPort();
    const socket = await tcpTo(port);
    const answer = readAll(socket);
    for (const letter of 'GET /ipp/print/PDF HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')
      await new Promise<void>((resolve) => void socket.write(letter, () => setImmediate(resolve)));
    expect(await answer).toMatch(/^HTTP\/1.1 200 OK[\s\S]*PDF $/);
  });

  test('refuses an Origin, a foreign host and an unknown path, plain and with TLS', async () => {
    const { port } = await openPort();
    const cases: [Record<string, string>, string, number][] = [
      [{ origin: 'https://evil.example' }, '/ipp/print/PDF', 403],
      [{ host: 'evil.example' }, '/ipp/print/PDF', 400],
      [{}, '/files/x', 404],
      [{}, '/', 404],
    ];
    for (const [headers, path, status] of cases) {
      expect((await ask(await tcpTo(port), { port, path, headers })).status).toBe(status);
      expect((await ask(await tlsTo(port, undefined), { port, path, headers })).status).toBe(status);
    }
    expect(seen).toEqual([]);
  });

  test('ends a connection without a byte, and one whose headers drip', async () => {
    const timeouts = { ...httpTimeouts, headersTimeout: 300, connectionsCheckingInterval: 50 };
    const { port } = await openPort({ settings: { handshakeMs: 200, timeouts } });
    expect(await closedWithin(await tcpTo(port), 3000)).toBe(true);
    const dripping = await tcpTo(port);
    const drip = setInterval(() => dripping.write('G'), 20);
    dripping.write('GET / HTTP/1.1\r\nX: ');
    expect(await closedWithin(dripping, 3000)).toBe(true);
    clearInterval(drip);
  });

  test('caps the connections of one address', async () => {
    const gate = { ...portSettings.gate, perAddress: 2 };
    const { port } = await openPort({ settings: { gate } });
    const held = [await tcpTo(port), await tcpTo(port)];
    expect(await closedWithin(await tcpTo(port), 2000)).toBe(true);
    expect(held.map(({ closed }) => closed)).toEqual([false, false]);
  });
});

function options(upgrade: string): string {
  return `OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n\r\n`;
}

describe('HTTP Upgrade', () => {
  test('to TLS is answered 101, then inside TLS; requests follow there (RFC 2817)', async () => {
    const { port } = await openPort();
    const socket = await tcpTo(port);
    socket.write(options('TLS/1.2,TLS/1.1,TLS/1.0'));
    const switched = await readUntil(socket, /\r\n\r\n$/);
    expect(switched).toMatch(/^HTTP\/1.1 101 /);
    expect(switched).toMatch(/\r\nConnection: Upgrade\r\n/);
    expect(switched).toMatch(/\r\nUpgrade: TLS\/1.2, HTTP\/1.1\r\n/);
    const secure = connectTls({ socket, rejectUnauthorized: false });
    const first = readUntil(secure, /\r\n\r\n/);
    await once(secure, 'secureConnect');
    expect(await first).toMatch(/^HTTP\/1.1 200 OK/);
    secure.write('GET /ipp/print/PDF HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    expect(await readUntil(secure, /PDF/)).toMatch(/^HTTP\/1.1 200 OK/);
    expect(seen[0]).toMatchObject({ asker: { kind: 'guest', onLink: true }, address: '127.0.0.1' });
    secure.destroy();
  });

  test('to TLS without a handshake ends', async () => {
    const { port } = await openPort({ settings: { handshakeMs: 200 } });
    const silent = await tcpTo(port);
    silent.write(options('TLS/1.2'));
    expect(await closedWithin(silent, 3000)).toBe(true);
    const wrong = await tcpTo(port);
    wrong.write(options('TLS/1.2'));
    await readUntil(wrong, /\r\n\r\n$/);
    wrong.write('this is no handshake at all');
    expect(await closedWithin(wrong, 3000)).toBe(true);
  });

  test.each([
    ['to another protocol', 'h2c', ''],
    ['to TLS of a request with a body', 'TLS/1.2', 'document'],
  ])('%s is not made: the request is answered as it is', async (_, upgrade, body) => {
    const { port } = await openPort();
    const socket = await tcpTo(port);
    const answer = readAll(socket);
    socket.write(
      `POST /ipp/print/PDF HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 3)}`,
    );
    await vi.waitFor(() => expect(seen.length).toBe(1));
    socket.end(body.slice(3));
    expect(await answer).toMatch(new RegExp(`^HTTP/1.1 200 OK[\\s\\S]*PDF ${body}`));
    expect(seen.length).toBe(1);
  });
});

describe('opening and closing', () => {
  test('happens on demand, and the last wish counts', async () => {
    const { guests, port } = await openPort();
    expect(guests.port).toBe(port);
    await guests.setOpen(false);
    expect(guests.port).toBeNull();
    await expect(tcpTo(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await Promise.all([guests.setOpen(true), guests.setOpen(false), guests.setOpen(true)]);
    expect(guests.port).toBe(port);
    expect((await ask(await tcpTo(port), { port, path: '/ipp/print/PDF' })).status).toBe(200);
    await guests[Symbol.asyncDispose]();
    await guests.setOpen(true);
    expect(guests.port).toBeNull();
  });

  test('names the port where another program has taken it, and works when it is free again', async () => {
    const { guests, port } = await openPort();
    await guests.setOpen(false);
    const other = createServer().listen(port, '::');
    await once(other, 'listening');
    await expect(guests.setOpen(true)).rejects.toMatchObject({ code: 'no-port', message: new RegExp(String(port)) });
    expect(guests.port).toBeNull();
    other.close();
    await once(other, 'close');
    await guests.setOpen(true);
    expect(guests.port).toBe(port);
  });

  test('lets an answer under way end before its connection does', async () => {
    const responses: ServerResponse[] = [];
    const slow: HttpRoute = {
      prefix: '/slow',
      handle: async ({ response }) => {
        response.write('first ');
        responses.push(response);
        await once(response, 'close');
      },
    };
    const { guests, port } = await openPort({ routes: [slow] });
    const idle = await tcpTo(port);
    const busy = await tcpTo(port);
    const answer = ask(busy, { port, path: '/slow', headers: { connection: 'keep-alive' } });
    await vi.waitFor(() => expect(responses.length).toBe(1));
    const begun = performance.now();
    const closed = guests.setOpen(false);
    await expect(tcpTo(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    responses[0]?.end('last');
    expect((await answer).body).toBe('first last');
    await closed;
    expect(performance.now() - begun).toBeLessThan(1500);
    for (const socket of [idle, busy]) expect(await closedWithin(socket, 1000)).toBe(true);
  });

  test('cuts off an answer that does not end within two seconds, and tells its route', async () => {
    const signals: AbortSignal[] = [];
    const endless: HttpRoute = {
      prefix: '/endless',
      handle: ({ signal }) => new Promise(() => void signals.push(signal)),
    };
    const { guests, port } = await openPort({ routes: [endless] });
    const socket = await tcpTo(port);
    socket.write('GET /endless HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await vi.waitFor(() => expect(signals.length).toBe(1));
    const begun = performance.now();
    await guests.setOpen(false);
    expect(performance.now() - begun).toBeLessThan(4000);
    expect(signals[0]?.aborted).toBe(true);
    expect(await closedWithin(socket, 1000)).toBe(true);
  });
});

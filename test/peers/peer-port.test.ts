import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NethoodError } from '../../protocol/errors.ts';
import { type Log, silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { httpTimeouts } from '../../agent/peers/http-door.ts';
import type { HttpExchange, HttpRoute } from '../../agent/peers/neighbours.ts';
import { portSettings } from '../../agent/peers/peer-port.ts';
import { ask, closedWithin, makeIdentity, readAll, startAgent, tcpTo, tlsTo } from './network-support.ts';

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

function route(handle: (exchange: HttpExchange) => Promise<void> | void, prefix = '/files/'): HttpRoute {
  return { prefix, handle: async (exchange) => await handle(exchange) };
}

const hello = route(({ response, path }) => void response.end(`hello ${path}`));

describe('who asks', () => {
  test('is the device of the key on the socket, with its address and path', async () => {
    const seen: HttpExchange[] = [];
    const onLink = vi.fn(() => false);
    const handle = (exchange: HttpExchange): void => {
      seen.push(exchange);
      exchange.response.end();
    };
    const { port } = await startAgent(scope, { routes: [route(handle)], onLink });
    const ann = makeIdentity();
    const { status } = await ask(await tlsTo(port, ann), { port, path: '/files/a%20b/c?x=1' });
    expect(status).toBe(200);
    expect(seen[0]?.asker).toEqual({ kind: 'device', id: ann.id, trust: 'stranger', onLink: false });
    expect(seen[0]).toMatchObject({ address: '127.0.0.1', path: 'a%20b/c' });
    expect(onLink).toHaveBeenCalledWith('127.0.0.1');
  });

  test('must have a certificate: without one the connection ends unanswered', async () => {
    const { port } = await startAgent(scope, { routes: [hello] });
    const socket = await tlsTo(port, undefined);
    socket.write(`GET /files/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    expect(await readAll(socket)).toBe('');
  });

  test('must speak TLS 1.3', async () => {
    const { port } = await startAgent(scope);
    await expect(tlsTo(port, makeIdentity(), { maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert|version/i);
  });

  test('must not be this device itself, as a copied disk is', async () => {
    const { port, identity } = await startAgent(scope);
    expect(await readAll(await tlsTo(port, identity))).toBe('');
  });

  test('is never taken from a resumed session, whose ticket another key may have stolen', async () => {
    const seen: HttpExchange[] = [];
    const noting = route((exchange) => {
      seen.push(exchange);
      exchange.response.end();
    });
    const { port } = await startAgent(scope, { routes: [noting] });
    const first = await tlsTo(port, makeIdentity());
    const offered = once(first, 'session') as Promise<[Buffer]>;
    await ask(first, { port, path: '/files/' });
    const [session] = await offered;
    const thief = makeIdentity();
    const second = await tlsTo(port, thief, { session });
    expect(second.isSessionReused()).toBe(false);
    await ask(second, { port, path: '/files/' });
    expect(seen[1]?.asker).toMatchObject({ id: thief.id });
    const nobody = await tlsTo(port, undefined, { session });
    expect(await readAll(nobody)).toBe('');
  });

  test('is refused at once while it is blocked, and cut off when it is blocked later', async () => {
    const { port, trust, trustEvents } = await startAgent(scope, { routes: [hello] });
    const ann = makeIdentity();
    const socket = await tlsTo(port, ann);
    const idle = await tlsTo(port, ann);
    const other = await tlsTo(port, makeIdentity());
    expect((await ask(idle, { port, path: '/files/', headers: { connection: 'keep-alive' } })).status).toBe(200);
    trust.set(ann.id, 'blocked');
    trustEvents.emit('changed', ann.id);
    expect(await closedWithin(socket, 2000)).toBe(true);
    expect(await closedWithin(idle, 2000)).toBe(true);
    expect(await readAll(await tlsTo(port, ann))).toBe('');
    expect((await ask(other, { port, path: '/files/' })).status).toBe(200);
  });
});

async function statusOf(headers: Record<string, string>, path = '/files/'): Promise<number> {
  const { port } = await startAgent(scope, {
    routes: [hello],
    settings: { addresses: () => ['10.1.2.3', 'fe80::1'] },
  });
  return (await ask(await tlsTo(port, makeIdentity()), { port, path, headers })).status;
}

describe('a request', () => {
  test.each(['https://evil.example', 'null', ''])('with the Origin "%s" is refused', async (origin) => {
    expect(await statusOf({ origin })).toBe(403);
  });

  test.each([
    ['127.0.0.1:6631', 200],
    ['10.1.2.3', 200],
    ['[fe80::1]:6631', 200],
    ['[fe80::1%25eth0]:6631', 200],
    ['[FE80:0:0::1%eth0]', 200],
    ['evil.example', 400],
    ['localhost:6631', 200],
    ['localhost.evil.example', 400],
    ['10.1.2.4', 400],
    ['nh-aaaaaaaa.local', 400],
  ])('for the host %s is answered %i', async (host, expected) => {
    expect(await statusOf({ host })).toBe(expected);
  });

  test('for our .local name is answered, with or without a final dot, in any case', async () => {
    const { port, identity } = await startAgent(scope, { routes: [hello] });
    for (const host of [identity.hostName, `${identity.hostName.toUpperCase()}:1`, `${identity.hostName}.`]) {
      const answer = await ask(await tlsTo(port, makeIdentity()), { port, path: '/files/', headers: { host } });
      expect(answer.status, host).toBe(200);
    }
  });

  test('for the .local name that another has got from us is refused, for the new one answered', async () => {
    const names = { own: 'nh-k3q7x2mf.local' };
    const { port } = await startAgent(scope, { routes: [hello], hostName: () => names.own });
    const askFor = async (host: string): Promise<number | undefined> =>
      (await ask(await tlsTo(port, makeIdentity()), { port, path: '/files/', headers: { host } })).status;
    expect(await askFor('nh-k3q7x2mf-2.local')).toBe(400);
    names.own = 'nh-k3q7x2mf-2.local';
    expect([await askFor('nh-k3q7x2mf-2.local'), await askFor('nh-k3q7x2mf.local')]).toEqual([200, 400]);
  });

  test('to an unknown path is not found', async () => {
    expect(await statusOf({}, '/')).toBe(404);
    expect(await statusOf({}, '/file')).toBe(404);
  });

  test('whose route fails is told the code, or only that we failed', async () => {
    const routes = [
      route(() => Promise.reject(new NethoodError('busy', 'Later.', { retryAfterMs: 1500 })), '/busy'),
      route(() => Promise.reject(new Error('secret of the house')), '/fault'),
      route(() => undefined, '/silent'),
    ];
    const { port } = await startAgent(scope, { routes });
    const get = async (path: string) => ask(await tlsTo(port, makeIdentity()), { port, path });
    const busy = await get('/busy');
    expect(busy.status).toBe(429);
    expect(busy.headers['retry-after']).toBe('2');
    expect(busy.headers['content-type']).toBe('application/json');
    expect(JSON.parse(busy.body)).toEqual({ error: { code: 'busy', message: 'Later.' } });
    const fault = await get('/fault');
    expect(fault.status).toBe(500);
    expect(fault.body).not.toContain('secret');
    expect((await get('/silent')).status).toBe(500);
  });

  test('whose route fails in the middle of the body gets a broken connection, not a short body', async () => {
    const failing = route(({ response }) => {
      response.setHeader('content-length', 8);
      response.write('half');
      throw new NethoodError('read-failed', 'The disk failed.');
    });
    const { port } = await startAgent(scope, { routes: [failing] });
    await expect(ask(await tlsTo(port, makeIdentity()), { port, path: '/files/' })).rejects.toThrow(
      /aborted|hang up|RESET/,
    );
  });

  test('aborts the signal of its exchange when the client goes away, and only then', async () => {
    const signals: AbortSignal[] = [];
    const routes: HttpRoute[] = [
      { prefix: '/wait', handle: ({ signal }) => new Promise(() => void signals.push(signal)) },
      route(({ signal, response }) => {
        signals.push(signal);
        response.end();
      }, '/done'),
    ];
    const { port } = await startAgent(scope, { routes });
    const done = await tlsTo(port, makeIdentity());
    await ask(done, { port, path: '/done' });
    const leaving = await tlsTo(port, makeIdentity());
    leaving.write(`GET /wait HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await vi.waitFor(() => expect(signals.length).toBe(2));
    leaving.destroy();
    await vi.waitFor(() => expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]));
  });
});

async function upgrade(path: string, headers: Record<string, string>): Promise<number> {
  const { port, incoming } = await startAgent(scope);
  const socket = await tlsTo(port, makeIdentity());
  const request = httpRequest({
    createConnection: () => socket,
    path,
    headers: {
      host: `127.0.0.1:${port}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-protocol': 'nethood.v1',
      ...headers,
    },
  });
  request.on('error', () => undefined);
  request.end();
  const [response] = (await Promise.race([once(request, 'response'), once(request, 'upgrade')])) as [
    { statusCode: number },
  ];
  expect(incoming.length).toBe(response.statusCode === 101 ? 1 : 0);
  return response.statusCode;
}

describe('the request for a session', () => {
  test.each<[string, string, Record<string, string>, number]>([
    ['is accepted', '/peer', {}, 101],
    ['is accepted among other subprotocols', '/peer', { 'sec-websocket-protocol': 'other, nethood.v1' }, 101],
    ['is refused with an Origin', '/peer', { origin: 'https://evil.example' }, 403],
    ['is refused for a foreign host', '/peer', { host: 'evil.example' }, 403],
    ['is refused at another path', '/peers', {}, 404],
    ['is refused without our subprotocol', '/peer', { 'sec-websocket-protocol': 'nethood.v2' }, 400],
    ['is refused for another protocol', '/peer', { upgrade: 'h2c' }, 400],
    ['is refused without a good key', '/peer', { 'sec-websocket-key': 'short' }, 400],
  ])('%s', async (_, path, headers, expected) => {
    expect(await upgrade(path, headers)).toBe(expected);
  });
});

describe('limits', () => {
  test('close what one address opens too much before any TLS, and make room when one closes', async () => {
    const gate = { ...portSettings.gate, perAddress: 3 };
    const { port } = await startAgent(scope, { settings: { gate } });
    const held = await Promise.all([tcpTo(port), tcpTo(port), tcpTo(port)]);
    const refused = await tcpTo(port);
    const begun = performance.now();
    expect(await closedWithin(refused, 2000)).toBe(true);
    expect(performance.now() - begun).toBeLessThan(500);
    expect(held.map(({ closed }) => closed)).toEqual([false, false, false]);
    held[0]?.destroy();
    await vi.waitFor(async () => expect((await tlsTo(port, makeIdentity())).authorized).toBe(false));
  });

  test('end a connection that never begins TLS', async () => {
    const { port } = await startAgent(scope, { settings: { handshakeMs: 100 } });
    expect(await closedWithin(await tcpTo(port), 3000)).toBe(true);
  });

  test('end a connection whose headers drip, and one that says nothing', async () => {
    const timeouts = { ...httpTimeouts, headersTimeout: 300, connectionsCheckingInterval: 50 };
    const { port } = await startAgent(scope, { settings: { timeouts } });
    const silent = await tlsTo(port, makeIdentity());
    const dripping = await tlsTo(port, makeIdentity());
    const head = `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(1000)}`;
    let at = 0;
    const drip = setInterval(() => dripping.write(head.charAt(at++)), 20);
    scope.defer(() => clearInterval(drip));
    expect(await closedWithin(dripping, 3000)).toBe(true);
    expect(at).toBeLessThan(head.length);
    expect(await closedWithin(silent, 3000)).toBe(true);
  });

  test('refuse headers of more than 16 KiB', async () => {
    const { port } = await startAgent(scope, { routes: [hello] });
    const answer = await ask(await tlsTo(port, makeIdentity()), {
      port,
      path: '/files/',
      headers: { x: 'x'.repeat(17_000) },
    });
    expect(answer.status).toBe(431);
  });

  test('leave a body alone that moves, however long it takes in all', async () => {
    const counting = route(async ({ request, response }) => {
      let bytes = 0;
      for await (const chunk of request) bytes += (chunk as Buffer).length;
      response.end(String(bytes));
    });
    const timeouts = { ...httpTimeouts, headersTimeout: 100, connectionsCheckingInterval: 20 };
    const { port } = await startAgent(scope, { routes: [counting], settings: { timeouts } });
    const socket = await tlsTo(port, makeIdentity());
    socket.write(`PUT /files/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: 10\r\n\r\n`);
    for (let n = 0; n < 10; n++) {
      await new Promise((resolve) => void setTimeout(resolve, 50));
      socket.write('x');
    }
    expect(await readAll(socket)).toMatch(/^HTTP\/1.1 200 OK[\s\S]*10$/);
  });
});

test('closing the port ends its sockets and exchanges, and leaves the server to its owner', async () => {
  const inner = new Scope();
  const signals: AbortSignal[] = [];
  const waiting: HttpRoute = { prefix: '/', handle: ({ signal }) => new Promise(() => void signals.push(signal)) };
  const { port } = await startAgent(inner, { routes: [waiting] });
  const sockets: TLSSocket[] = [await tlsTo(port, makeIdentity()), await tlsTo(port, makeIdentity())];
  sockets[0]?.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await vi.waitFor(() => expect(signals.length).toBe(1));
  await inner[Symbol.asyncDispose]();
  expect(signals[0]?.aborted).toBe(true);
  for (const socket of sockets) expect(await closedWithin(socket, 2000)).toBe(true);
});

test('a caller who goes away in the middle is no fault of ours: the log said so at each cancelled get', async () => {
  const error = vi.fn();
  const [began, ended] = [vi.fn(), vi.fn()];
  const broken = route(async ({ request, signal }) => {
    began();
    // As a stream ends that was given the signal: by an error that is none of ours.
    await once(request, 'never', { signal }).finally(ended);
  });
  const log: Log = { ...silentLog, error, child: () => log };
  const { port } = await startAgent(scope, { routes: [broken], log });
  const socket = await tlsTo(port, makeIdentity());
  socket.write(`GET /files/x HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  await vi.waitFor(() => expect(began).toHaveBeenCalled());
  socket.destroy();
  await vi.waitFor(() => expect(ended).toHaveBeenCalled());
  await scope[Symbol.asyncDispose]();
  expect(error).not.toHaveBeenCalled();
});

test('what came in by an address of ours that is gone is ended, whatever it is at', async () => {
  const { port, door } = await startAgent(scope, { routes: [hello] });
  const sockets = [await tcpTo(port), await tlsTo(port, makeIdentity())];
  door.readdressed((local) => local === '127.0.0.1');
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false, false]);
  door.readdressed(() => false);
  for (const socket of sockets) expect(await closedWithin(socket, 5_000)).toBe(true);
});

import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { PeerSocket } from '../../agent/peers/peer-socket.ts';
import { createTransport } from '../../agent/peers/transport.ts';
import { closedWithin, listening, loopback, makeIdentity, portOf, startAgent, tlsTo } from './network-support.ts';

const never = new AbortController().signal;
let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

function nextMessage(socket: PeerSocket): Promise<string> {
  return new Promise((resolve) => {
    const registration = socket.events.on('message', (text) => {
      registration[Symbol.dispose]();
      resolve(text);
    });
  });
}

function closeOf(socket: PeerSocket): Promise<[number, string]> {
  return new Promise((resolve) => void socket.events.on('close', (code, reason) => resolve([code, reason])));
}

async function pairOfAgents(): Promise<{ dialled: PeerSocket; accepted: PeerSocket }> {
  const ann = await startAgent(scope);
  const bob = await startAgent(scope);
  const dialled = await ann.transport.dial(bob.identity.id, loopback, bob.port, never);
  const accepted = bob.incoming[0];
  if (accepted === undefined) throw new Error('The dial was not accepted.');
  expect(dialled).toMatchObject({ id: bob.identity.id, address: '127.0.0.1', dialled: true });
  expect(accepted).toMatchObject({ id: ann.identity.id, address: '127.0.0.1', dialled: false });
  return { dialled, accepted };
}

describe('a session between two agents', () => {
  test('carries text both ways and tells the close at both ends', async () => {
    const { dialled, accepted } = await pairOfAgents();
    accepted.send('from Bob ✓');
    expect(await nextMessage(dialled)).toBe('from Bob ✓');
    dialled.send('from Ann');
    expect(await nextMessage(accepted)).toBe('from Ann');
    const closes = Promise.all([closeOf(dialled), closeOf(accepted)]);
    dialled.close(4003, 'replaced');
    expect(await closes).toEqual([
      [4003, 'replaced'],
      [4003, 'replaced'],
    ]);
  });

  test('keeps what arrives before anybody listens', async () => {
    const { dialled, accepted } = await pairOfAgents();
    for (let n = 0; n < 100; n++) accepted.send(String(n));
    await vi.waitFor(() => expect(accepted.bufferedBytes).toBe(0));
    const texts: string[] = [];
    dialled.events.on('message', (text) => texts.push(text));
    await vi.waitFor(() => expect(texts).toEqual(Array.from({ length: 100 }, (_, n) => String(n))));
  });

  test('tells a close also to who listens later', async () => {
    const { dialled, accepted } = await pairOfAgents();
    accepted.events.on('message', () => undefined);
    const closed = closeOf(dialled);
    dialled.close(1001, 'bye');
    await closed;
    expect(await closeOf(dialled)).toEqual([1001, 'bye']);
    expect((await closeOf(accepted))[0]).toBe(1001);
    dialled.send('too late');
    dialled.close(1000, 'again');
  });

  test('ends within a second where the other side does not answer the close', async () => {
    const { dialled } = await pairOfAgents();
    // The accepted one is never read: nobody listens to it.
    const begun = performance.now();
    dialled.close(4005, 'dead');
    expect(await closeOf(dialled)).toEqual([1006, '']);
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  test('cuts a close reason to 123 bytes between characters', async () => {
    const { dialled, accepted } = await pairOfAgents();
    accepted.events.on('message', () => undefined);
    const closed = closeOf(accepted);
    dialled.close(4000, 'ä'.repeat(200));
    expect(await closed).toEqual([4000, 'ä'.repeat(61)]);
  });

  test('breaks as 1006 at the other end when an agent stops', async () => {
    const ann = await startAgent(scope);
    const other = scope.child();
    const bob = await startAgent(other);
    const dialled = await ann.transport.dial(bob.identity.id, loopback, bob.port, never);
    const closed = closeOf(dialled);
    await other[Symbol.asyncDispose]();
    expect((await closed)[0]).toBe(1006);
  });
});

describe('a dial', () => {
  test('without a known id learns who is there', async () => {
    const ann = await startAgent(scope);
    const bob = await startAgent(scope);
    expect((await ann.transport.dialUnknown(loopback, bob.port, never)).id).toBe(bob.identity.id);
  });

  test('sends not one byte to a server with another key', async () => {
    const impostor = makeIdentity();
    const server = createServer({
      key: impostor.keyPem,
      cert: impostor.certificatePem,
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    scope.defer(() => server.close());
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const bytes: Buffer[] = [];
    server.on('secureConnection', (secure) => secure.on('data', (chunk: Buffer) => bytes.push(chunk)));
    server.on('secureConnection', (secure) => secure.on('error', () => undefined));
    const ann = createTransport({ identity: makeIdentity(), clock: systemClock });
    scope.use(ann);
    const dial = ann.dial(makeIdentity().id, loopback, portOf(server), never);
    await expect(dial).rejects.toMatchObject({ code: 'unreachable', message: /^Another device/ });
    const [socket] = await connected;
    if (!socket.closed) await once(socket, 'close');
    expect(bytes).toEqual([]);
  });

  test('of itself is refused', async () => {
    const ann = await startAgent(scope);
    await expect(ann.transport.dialUnknown(loopback, ann.port, never)).rejects.toMatchObject({
      code: 'unreachable',
      message: /^This device itself/,
    });
  });

  test('fails as unreachable where nobody listens, and names the address', async () => {
    const ann = await startAgent(scope);
    const gone = scope.child();
    const port = portOf(await listening(gone));
    await gone[Symbol.asyncDispose]();
    const dial = ann.transport.dial(makeIdentity().id, loopback, port, never);
    await expect(dial).rejects.toMatchObject({
      code: 'unreachable',
      message: `127.0.0.1:${port} cannot be reached (ECONNREFUSED).`,
    });
  });

  test('fails with the reason of its signal, and closes the socket', async () => {
    const ann = await startAgent(scope);
    const silent = await listening(scope);
    const accepted = once(silent, 'connection');
    const controller = new AbortController();
    const dial = ann.transport.dial(makeIdentity().id, loopback, portOf(silent), controller.signal);
    const [socket] = await accepted;
    controller.abort(new Error('changed my mind'));
    await expect(dial).rejects.toThrow('changed my mind');
    expect(await closedWithin(socket, 2000)).toBe(true);
    await expect(ann.transport.dial(makeIdentity().id, loopback, 9, controller.signal)).rejects.toThrow(
      'changed my mind',
    );
  });

  test('times out where the other side is silent after the connection', async () => {
    const silent = await listening(scope);
    let now = 0;
    const timers: { at: number; callback: () => void }[] = [];
    const clock = {
      ...systemClock,
      now: () => now,
      timer: (ms: number, callback: () => void) => {
        const timer = { at: now + ms, callback };
        timers.push(timer);
        return { [Symbol.dispose]: () => void timers.splice(timers.indexOf(timer), 1) };
      },
    };
    const transport = scope.use(createTransport({ identity: makeIdentity(), clock }));
    const accepted = once(silent, 'connection');
    const dial = transport.dial(makeIdentity().id, loopback, portOf(silent), never);
    const [socket] = await accepted;
    socket.resume();
    await once(socket, 'data');
    now = 5000;
    for (const timer of timers.filter(({ at }) => at <= now)) timer.callback();
    await expect(dial).rejects.toMatchObject({ code: 'timeout' });
  });

  test('is refused by an agent that does not speak our subprotocol', async () => {
    const other = makeIdentity();
    const { createServer: createHttps } = await import('node:https');
    const server = createHttps({ key: other.keyPem, cert: other.certificatePem });
    const sockets = new WebSocketServer({ server, handleProtocols: () => false });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    scope.defer(() => {
      sockets.close();
      server.close();
    });
    const ann = scope.use(createTransport({ identity: makeIdentity(), clock: systemClock }));
    const dial = ann.dial(other.id, loopback, portOf(server), never);
    await expect(dial).rejects.toMatchObject({ code: 'unreachable', message: /subprotocol/ });
  });

  test('under way ends when the transport does', async () => {
    const silent = await listening(scope);
    const accepted = once(silent, 'connection');
    const transport = createTransport({ identity: makeIdentity(), clock: systemClock });
    const dial = transport.dial(makeIdentity().id, loopback, portOf(silent), never);
    const failed = expect(dial).rejects.toMatchObject({ code: 'unreachable' });
    await accepted;
    await transport[Symbol.asyncDispose]();
    await failed;
    await expect(transport.dialUnknown(loopback, 9, never)).rejects.toMatchObject({ code: 'unreachable' });
  });
});

async function rawClient(options: ConstructorParameters<typeof WebSocket>[2] = {}) {
  const bob = await startAgent(scope);
  const socket = await tlsTo(bob.port, makeIdentity());
  const client = new WebSocket('ws://peer/peer', 'nethood.v1', {
    createConnection: () => socket,
    headers: { host: `127.0.0.1:${bob.port}` },
    ...options,
  });
  client.on('error', () => undefined);
  scope.defer(() => client.terminate());
  await once(client, 'open');
  const [accepted] = bob.incoming;
  if (accepted === undefined) throw new Error('The WebSocket was not accepted.');
  return { client, accepted };
}

describe('an accepted WebSocket', () => {
  test('does not compress, even where the client offers it', async () => {
    const { client } = await rawClient({ perMessageDeflate: true });
    expect(client.extensions).toBe('');
    expect(client.protocol).toBe('nethood.v1');
  });

  test('is closed with 1009 by a message of more than 1 MiB', async () => {
    const { client, accepted } = await rawClient();
    const messages: string[] = [];
    accepted.events.on('message', (text) => messages.push(text));
    client.send('x'.repeat(1 << 20));
    client.send('x'.repeat((1 << 20) + 1));
    const [code] = (await once(client, 'close')) as [number];
    expect(code).toBe(1009);
    expect(messages.map((text) => text.length)).toEqual([1 << 20]);
  });

  test('is closed by a message in more than 16 fragments', async () => {
    const { client, accepted } = await rawClient();
    accepted.events.on('message', () => undefined);
    for (let n = 0; n < 20; n++) client.send('x', { fin: false });
    const [code] = (await once(client, 'close')) as [number];
    expect(code).toBe(1008);
  });

  test('is closed with 1003 by a binary message, 1007 by invalid UTF-8', async () => {
    const binary = await rawClient();
    binary.accepted.events.on('message', () => undefined);
    binary.client.send(Buffer.from([1]));
    expect((await once(binary.client, 'close'))[0]).toBe(1003);
    const broken = await rawClient();
    broken.accepted.events.on('message', () => undefined);
    broken.client.send(Buffer.from([0xff]), { binary: false });
    expect((await once(broken.client, 'close'))[0]).toBe(1007);
  });

  test('answers pings, and is closed with 1008 by a flood of them', async () => {
    const { client, accepted } = await rawClient();
    accepted.events.on('message', () => undefined);
    client.ping('one');
    expect(String((await once(client, 'pong'))[0])).toBe('one');
    const closed = once(client, 'close');
    for (let n = 0; n < 60; n++) client.ping();
    expect((await closed)[0]).toBe(1008);
  });
});

import { once } from 'node:events';
import { type Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NethoodError } from '../../protocol/errors.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { HttpRoute } from '../../agent/peers/neighbours.ts';
import { createPeerHttpAgent } from '../../agent/peers/peer-http-agent.ts';
import { loopback, startAgent, type TestAgent } from './network-support.ts';

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

async function get(agent: Agent, port: number, body?: string): Promise<string> {
  const request = httpRequest({
    agent,
    host: '127.0.0.1',
    port,
    path: '/files/x',
    method: body === undefined ? 'GET' : 'PUT',
  });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return `${response.statusCode} ${text}`;
}

async function pair(route: HttpRoute) {
  const ann = await startAgent(scope);
  const bob = await startAgent(scope, { routes: [route] });
  const sockets: TLSSocket[] = [];
  const connect = async (signal: AbortSignal): Promise<TLSSocket> => {
    const socket = await ann.transport.connectTls(bob.identity.id, loopback, bob.port, signal);
    sockets.push(socket);
    return socket;
  };
  return { ann, bob, sockets, connect };
}

const echo: HttpRoute = {
  prefix: '/files/',
  handle: async ({ request, response, asker }) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    response.end(`${asker.kind === 'device' ? asker.id : ''} ${body}`);
  },
};

function idOf({ identity }: TestAgent): string {
  return identity.id;
}

describe('node:http to a neighbour', () => {
  test('goes over sockets with our key, one after the other over the same', async () => {
    const { ann, bob, sockets, connect } = await pair(echo);
    const agent = scope.use(createPeerHttpAgent(connect));
    for (const body of ['one', 'two', 'three'])
      expect(await get(agent, bob.port, body)).toBe(`200 ${idOf(ann)} ${body}`);
    expect(sockets.length).toBe(1);
  });

  test('never runs more requests, nor dials more sockets, than its limit: a hundred at once were a hundred dials', async () => {
    let running = 0;
    let most = 0;
    const busy: HttpRoute = {
      prefix: '/files/',
      handle: async ({ response }) => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        response.end('done');
      },
    };
    const { bob, sockets, connect } = await pair(busy);
    const agent = scope.use(createPeerHttpAgent(connect, { requests: 3 }));
    const answers = await Promise.all(Array.from({ length: 100 }, () => get(agent, bob.port)));
    expect(new Set(answers)).toEqual(new Set(['200 done']));
    expect(most).toBeLessThanOrEqual(3);
    expect(sockets.length).toBeLessThanOrEqual(6);
  });

  test('fails with the error of the dial, and the waiting requests dial anew', async () => {
    const { bob, connect } = await pair(echo);
    let dials = 0;
    const agent = scope.use(
      createPeerHttpAgent(
        (signal) => {
          dials++;
          if (dials > 2) return connect(signal);
          return Promise.reject(new NethoodError('unreachable', 'Nobody is there.'));
        },
        { requests: 1 },
      ),
    );
    const results = await Promise.allSettled([get(agent, bob.port), get(agent, bob.port), get(agent, bob.port)]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(results[0]).toMatchObject({ reason: { code: 'unreachable' } });
  });

  test('dials anew where the other side closed an idle socket', async () => {
    const { bob, sockets, connect } = await pair(echo);
    const agent = scope.use(createPeerHttpAgent(connect));
    await get(agent, bob.port);
    const closed = once(sockets[0] ?? expect.fail('no socket'), 'close');
    sockets[0]?.destroy();
    await closed;
    expect(await get(agent, bob.port)).toMatch(/^200/);
    expect(sockets.length).toBe(2);
  });

  test('closes idle sockets after a while', async () => {
    const { bob, sockets, connect } = await pair(echo);
    const agent = scope.use(createPeerHttpAgent(connect, { idleMs: 50 }));
    await get(agent, bob.port);
    await vi.waitFor(() => expect(sockets[0]?.closed).toBe(true), 3000);
  });

  test('ends the sockets that lead nowhere any more, idle ones and those of requests, and dials anew', async () => {
    const { bob, sockets, connect } = await pair(echo);
    const agent = scope.use(createPeerHttpAgent(connect));
    const hanging = get(agent, bob.port, 'x'.repeat(1 << 20));
    await vi.waitFor(() => expect(sockets.length).toBe(1));
    agent.end(({ remoteAddress }) => remoteAddress === '10.0.0.9');
    expect(sockets[0]?.destroyed).toBe(false);
    await hanging;
    agent.end(({ remoteAddress }) => remoteAddress === '127.0.0.1');
    expect(sockets[0]?.destroyed).toBe(true);
    expect(await get(agent, bob.port)).toMatch(/^200/);
    expect(sockets.length).toBe(2);
  });

  test('ends everything when disposed: requests under way, waiting ones and dials', async () => {
    const silent: HttpRoute = {
      prefix: '/files/',
      handle: ({ signal }) => once(signal, 'abort').then(() => undefined),
    };
    const { bob, sockets, connect } = await pair(silent);
    const agent = createPeerHttpAgent(connect, { requests: 2 });
    const results = Promise.allSettled(Array.from({ length: 4 }, () => get(agent, bob.port)));
    await vi.waitFor(() => expect(sockets.length).toBe(2));
    agent[Symbol.dispose]();
    expect((await results).map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'rejected'));
    await vi.waitFor(() => expect(sockets.every(({ closed }) => closed)).toBe(true));
  });
});

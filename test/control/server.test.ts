import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { CallName, CallRequest } from '../../protocol/control.ts';
import { EventLine } from '../../protocol/control.ts';
import { ControlClient } from '../../protocol/control-client.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { until } from '../office/until.ts';
import { type FakeAgent, type FakeOptions, startFakeAgent } from './fake-agent.ts';
import { exchanges, job, neighbour, snapshot, transfer } from './samples.ts';

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const start = async (options?: FakeOptions): Promise<FakeAgent> => scope.use(await startFakeAgent(options));

interface Reply {
  readonly status: number | undefined;
  readonly text: string;
}

/** Below fetch, which sets Host and Origin itself. */
async function ask(
  agent: FakeAgent,
  target: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer } = {},
): Promise<Reply> {
  const headers = { authorization: `Bearer ${agent.token}`, ...options.headers };
  const sent = request({
    host: '127.0.0.1',
    port: agent.port,
    path: target,
    method: options.method ?? 'POST',
    headers,
  });
  sent.end(options.body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, text };
}

const errorOf = ({ text }: Reply): unknown => (JSON.parse(text) as { error: { code: string } }).error.code;

describe('the control API', () => {
  it.each(Object.keys(exchanges) as CallName[])('answers the call %s as its schemas say', async (name) => {
    const agent = await start();
    const { request: asked, response } = exchanges[name];
    expect(await agent.client.call(name, asked as CallRequest<typeof name>)).toEqual(response);
    expect(agent.asked).toEqual([{ call: name, request: asked }]);
  });

  it('gives the snapshot', async () => {
    const agent = await start();
    expect(await agent.client.snapshot()).toEqual(snapshot);
  });

  it('answers an error with its code and its HTTP status', async () => {
    const agent = await start({
      calls: { unshare: () => Promise.reject(new NethoodError('not-found', 'No share "x".')) },
    });
    const reply = await ask(agent, '/v1/unshare', { body: '{"name":"x"}' });
    expect(reply).toEqual({ status: 404, text: '{"error":{"code":"not-found","message":"No share \\"x\\"."}}\n' });
    await expect(agent.client.call('unshare', { name: 'x' })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('refuses what the guard refuses, and does nothing', async () => {
    const agent = await start();
    const host = { host: 'evil.test' };
    const evil = { origin: 'http://evil.test', 'content-type': 'text/plain' };
    const body = '{}';
    expect((await ask(agent, '/v1/pause', { headers: host, body })).status).toBe(421);
    expect((await ask(agent, '/', { method: 'GET', headers: host })).status).toBe(421);
    expect((await ask(agent, '/v1/pause', { headers: evil, body })).status).toBe(403);
    expect((await ask(agent, '/v1/pause', { headers: { 'sec-fetch-site': 'cross-site' }, body })).status).toBe(403);
    expect((await ask(agent, '/v1/pause', { headers: { authorization: 'Bearer wrong' }, body })).status).toBe(401);
    expect((await ask(agent, '/v1/snapshot', { method: 'GET', headers: { authorization: '' } })).status).toBe(401);
    expect(agent.asked).toEqual([]);
  });

  it('refuses a WebSocket of a foreign page before any upgrade', async () => {
    const agent = await start();
    for (const origin of ['http://evil.test', 'null']) {
      const headers = {
        origin,
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'x',
      };
      expect((await ask(agent, '/v1/events', { method: 'GET', headers })).status).toBe(403);
    }
  });

  it('says what is wrong with a body, in one sentence', async () => {
    const agent = await start();
    const wrong: [string, string][] = [
      ['{', 'bad-request'],
      ['', 'bad-request'],
      ['[]', 'bad-request'],
      ['{"name": 3}', 'bad-request'],
      ['{"name":"a\\u0007b"}', 'bad-request'],
    ];
    for (const [body, code] of wrong) {
      const reply = await ask(agent, '/v1/rename', { body });
      expect([reply.status, errorOf(reply)]).toEqual([400, code]);
      expect(reply.text.length).toBeLessThan(500);
    }
    expect(agent.asked).toEqual([]);
  });

  it('takes nothing from a body that schemas do not know', async () => {
    const agent = await start();
    await ask(agent, '/v1/unshare', { body: '{"name":"x","__proto__":{"name":"y"},"more":1}' });
    expect(agent.asked).toEqual([{ call: 'unshare', request: { name: 'x' } }]);
  });

  it('takes a body of 1 MiB at most, and the answer to a larger one arrives', async () => {
    const agent = await start();
    const reply = await ask(agent, '/v1/unshare', { body: Buffer.alloc(8 << 20, 32) });
    expect([reply.status, errorOf(reply)]).toEqual([413, 'too-large']);
  });

  it.each([
    ['GET', '/v1/pause'],
    ['POST', '/v1/snapshot'],
    ['POST', '/v1/constructor'],
    ['POST', '/v1/__proto__'],
    ['POST', '/v1/pause/'],
    ['POST', '/v1/%70ause'],
    ['DELETE', '/v1/shares'],
    ['GET', '/favicon.ico'],
    ['GET', '/../v1/snapshot'],
  ])('has nothing at %s %s', async (method, target) => {
    const agent = await start();
    const reply = await ask(agent, target, method === 'POST' ? { body: '{}' } : { method });
    expect([reply.status, errorOf(reply)]).toEqual([404, 'not-found']);
  });

  it('says at / in one sentence that there is no page, to anybody on this PC', async () => {
    const agent = await start();
    const reply = await ask(agent, '/', { method: 'GET', headers: { authorization: '' } });
    expect(reply.status).toBe(404);
    expect(reply.text).toContain('There is no page yet');
  });

  it('hides nothing of a fault of its own, and lives on', async () => {
    const agent = await start({ calls: { pause: () => Promise.reject(new Error('a bug')) } });
    await expect(agent.client.call('pause', {})).rejects.toMatchObject({ code: 'internal', message: 'a bug' });
    await agent.client.call('resume', {});
  });

  it('closes a connection whose headers drip', async () => {
    const agent = await start({ headersTimeoutMs: 200 });
    const socket = connect(agent.port, '127.0.0.1');
    socket.on('error', () => {});
    scope.defer(() => socket.destroy());
    socket.write('GET /v1/snapshot HTTP/1.1\r\nHost: x');
    socket.resume();
    const began = performance.now();
    await once(socket, 'close');
    expect(performance.now() - began).toBeLessThan(3000);
  });

  it('stops the work of an asker who went away', async () => {
    let stopped: unknown;
    let began = false;
    const agent = await start({
      calls: {
        list: (_request, signal) =>
          new Promise((_resolve, reject) => {
            began = true;
            signal.addEventListener('abort', () => {
              stopped = signal.reason;
              reject(signal.reason as Error);
            });
          }),
      },
    });
    const left = new AbortController();
    const call = agent.client.call('list', exchanges.list.request, left.signal);
    await until(() => began, { what: 'the call', withinMs: 2000, everyMs: 5 });
    left.abort();
    await expect(call).rejects.toMatchObject({ code: 'cancelled' });
    await until(() => stopped !== undefined, { what: 'the signal', withinMs: 2000, everyMs: 5 });
    expect(stopped).toMatchObject({ code: 'cancelled' });
  });
});

describe('streams', () => {
  it('give each state until the last, and end', async () => {
    const agent = await start();
    const states: string[] = [];
    for await (const { state } of agent.client.watch('transfer-watch', { id: transfer.id })) states.push(state);
    for await (const { state } of agent.client.watch('job-watch', { id: job.id })) states.push(state);
    expect(states).toEqual(['running', 'done', 'processing', 'completed']);
  });

  it('tell an unknown thing at once, and a failure half-way as the last line', async () => {
    const agent = await start({
      streams: {
        'transfer-watch': async function* () {
          yield transfer;
          throw new NethoodError('changed', 'The file changed.');
        },
      },
    });
    const seen: string[] = [];
    const read = async (): Promise<void> => {
      for await (const { state } of agent.client.watch('transfer-watch', { id: transfer.id })) seen.push(state);
    };
    await expect(read()).rejects.toMatchObject({ code: 'changed', message: 'The file changed.' });
    expect(seen).toEqual(['running']);
  });

  it('break off as interrupted when the agent dies', async () => {
    const agent = await start({
      streams: {
        'transfer-watch': async function* (_request, signal) {
          yield transfer;
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          throw new Error('never seen');
        },
      },
    });
    const lines = agent.client.watch('transfer-watch', { id: transfer.id });
    await lines.next();
    const next = lines.next();
    await agent.server[Symbol.asyncDispose]();
    await expect(next).rejects.toMatchObject({ code: 'interrupted' });
  });
});

describe('events', () => {
  it('begin with the snapshot, then tell each section that changed', async () => {
    const agent = await start();
    const lines = agent.client.events();
    expect((await lines.next()).value).toEqual({ type: 'snapshot', snapshot });
    agent.set({ neighbours: [{ ...neighbour, state: 'gone' }] });
    expect((await lines.next()).value).toEqual({
      type: 'change',
      sections: { neighbours: [{ ...neighbour, state: 'gone' }] },
    });
    agent.set({ paused: true });
    expect((await lines.next()).value).toEqual({ type: 'change', sections: { paused: true } });
    await lines.return();
  });

  it('end with the agent', async () => {
    const agent = await start();
    const lines = agent.client.events();
    await lines.next();
    await agent.server[Symbol.asyncDispose]();
    expect((await lines.next()).done).toBe(true);
    await expect(agent.client.snapshot()).rejects.toMatchObject({ code: 'no-agent' });
  });

  it('give a slow reader the newest state, and never a queue', async () => {
    const agent = await start();
    const socket = connect(agent.port, '127.0.0.1');
    scope.defer(() => socket.destroy());
    socket.write(
      `GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1:${agent.port}\r\nAuthorization: Bearer ${agent.token}\r\n\r\n`,
    );
    await once(socket, 'readable');
    // Read no further, while 200 neighbours change 100 times: far more than any buffer of a socket holds.
    const crowd = (turn: number): void =>
      agent.set({
        neighbours: Array.from({ length: 200 }, () => ({ ...neighbour, problem: `${turn} `.padEnd(4000, 'x') })),
      });
    let told = 0;
    using _ = agent.store.events.on('changed', () => void told++);
    const before = process.memoryUsage().heapUsed;
    for (let turn = 1; turn <= 100; turn++) {
      const last = told;
      crowd(turn);
      await until(() => told > last, { what: 'the change', withinMs: 2000, everyMs: 1 });
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 << 20);
    const problems = await problemsUntil(socket, '100');
    expect(problems.at(-1)).toBe('100');
    expect(problems.length).toBeLessThan(40);
  }, 30_000);
});

/** Which turns a reader saw, up to the wanted one. */
async function problemsUntil(socket: Socket, wanted: string): Promise<string[]> {
  const seen: string[] = [];
  let rest = '';
  for await (const chunk of socket) {
    rest += String(chunk);
    // Chunked transfer coding (RFC 9112 7.1) may break anywhere; each line of ours is one chunk.
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('{"type":"change"')) continue;
      const change = EventLine.parse(JSON.parse(line));
      const turn = change.type === 'change' ? change.sections.neighbours?.[0]?.problem?.split(' ')[0] : undefined;
      if (turn !== undefined) seen.push(turn);
      if (turn === wanted) return seen;
    }
  }
  return seen;
}

describe('print', () => {
  it('streams the document, and answers with the job', async () => {
    let size = 0;
    const agent = await start({
      async print(query, document) {
        for await (const chunk of document) size += (chunk as Buffer).length;
        return { ...job, printer: query.on, name: `${query.name} x ${query.copies}` };
      },
    });
    const document = new Blob([Buffer.alloc(5 << 20, 'x')]).stream();
    const answer = await agent.client.print({ on: 'Anna/plotter', name: 'ü & co.pdf', copies: 3 }, document);
    expect(answer).toEqual({ ...job, name: 'ü & co.pdf x 3' });
    expect(size).toBe(5 << 20);
  });

  it('answers before the document has ended, where there is no such printer', async () => {
    const agent = await start();
    const document = new Blob([Buffer.alloc(64 << 20, 'x')]).stream();
    const answer = agent.client.print({ on: 'nobody', name: 'big', copies: 1 }, document);
    await expect(answer).rejects.toMatchObject({ code: 'not-found' });
  });

  it('takes a document that broke off as broken, not as short', async () => {
    let ended: unknown;
    const agent = await start({
      async print(_query, document) {
        try {
          for await (const _ of document) continue;
          ended = 'whole';
        } catch (error) {
          ended = error;
          throw error;
        }
        return job;
      },
    });
    const socket = connect(agent.port, '127.0.0.1');
    const head = `POST /v1/print?on=x&name=y HTTP/1.1\r\nHost: 127.0.0.1:${agent.port}\r\nAuthorization: Bearer ${agent.token}\r\n`;
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, () => socket.destroy());
    await until(() => ended !== undefined, { what: 'the end', withinMs: 2000, everyMs: 5 });
    expect(ended).toBeInstanceOf(Error);
  });

  it.each(['on=x', 'name=y', 'on=x&name=y&copies=0', 'on=x&name=y&copies=1e9', 'on=&name=y'])(
    'refuses the query %s',
    async (query) => {
      const agent = await start();
      const reply = await ask(agent, `/v1/print?${query}`, { body: 'x' });
      expect([reply.status, errorOf(reply)]).toEqual([400, 'bad-request']);
    },
  );
});

describe('the client', () => {
  it('says no-agent where nobody listens, and names what is no agent', async () => {
    const agent = await start();
    const wrong = new ControlClient({ url: `http://127.0.0.1:${agent.port}`, token: 'x'.repeat(43) });
    await expect(wrong.snapshot()).rejects.toMatchObject({ code: 'unauthorized' });
    await agent[Symbol.asyncDispose]();
    await expect(agent.client.snapshot()).rejects.toMatchObject({ code: 'no-agent' });
  });
});

describe('the end of the server', () => {
  it('waits for the answer to stop, and drops whoever hangs on', async () => {
    let ended: Promise<void> | undefined;
    const agent = await start({
      calls: {
        async stop() {
          ended = Promise.resolve(agent.server[Symbol.asyncDispose]());
          return {};
        },
      },
    });
    const idle = connect(agent.port, '127.0.0.1');
    idle.on('error', () => {});
    await once(idle, 'connect');
    expect(await agent.client.call('stop', {})).toEqual({});
    idle.resume();
    if (!idle.destroyed) await once(idle, 'close');
    await ended;
  });
});

import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { bodyBegins, bodyLimits, bodyStep } from '../../agent/peers/body-watch.ts';
import type { HttpRoute } from '../../agent/peers/neighbours.ts';
import { closedWithin, makeIdentity, startAgent, tlsTo } from './network-support.ts';

/** Samples every five seconds; the time at which it was too slow, in seconds. */
function endOf(seconds: number, sample: (second: number) => { moved: number; owed: boolean }): number | undefined {
  let state = bodyBegins({ now: 0, ...sample(0) });
  for (let second = 5; second <= seconds; second += 5) {
    const next = bodyStep(state, { now: second * 1000, ...sample(second) }, bodyLimits);
    if (next.tooSlow) return second;
    state = next.state;
  }
  return undefined;
}

describe('a body', () => {
  test('that stalls ends after 60 s', () => {
    expect(endOf(600, () => ({ moved: 1000, owed: true }))).toBe(60);
    expect(endOf(600, (second) => ({ moved: Math.min(second, 100) * 1_000_000, owed: true }))).toBe(160);
  });

  test('that crawls ends, though never quite still', () => {
    expect(endOf(3600, (second) => ({ moved: second, owed: true }))).toBe(60);
  });

  test('that moves slowly but steadily goes on for hours', () => {
    expect(endOf(36_000, (second) => ({ moved: second * 64, owed: true }))).toBeUndefined();
  });

  test('that waits for us is nobody’s fault', () => {
    expect(endOf(36_000, () => ({ moved: 0, owed: false }))).toBeUndefined();
  });

  test('gets a round of grace after a sleep of the PC', () => {
    let state = bodyBegins({ now: 0, moved: 0, owed: true });
    const afterSleep = bodyStep(state, { now: 3_600_000, moved: 0, owed: true }, bodyLimits);
    expect(afterSleep.tooSlow).toBe(false);
    ({ state } = afterSleep);
    expect(bodyStep(state, { now: 3_605_000, moved: 10, owed: true }, bodyLimits).tooSlow).toBe(false);
  });
});

describe('on a port', () => {
  let scope: Scope;
  beforeEach(() => {
    scope = new Scope();
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  async function start(route: HttpRoute) {
    let now = 0;
    const waiting: { at: number; callback: () => void }[] = [];
    const clock = {
      now: () => now,
      wall: () => now,
      timer: (ms: number, callback: () => void) => {
        const timer = { at: now + ms, callback };
        waiting.push(timer);
        return { [Symbol.dispose]: () => void (timer.callback = () => undefined) };
      },
    };
    const agent = await startAgent(scope, { routes: [route], clock });
    const pass = (ms: number): void => {
      for (const end = now + ms; now < end;) {
        now += 5000;
        for (const timer of waiting.filter(({ at }) => at <= now)) {
          waiting.splice(waiting.indexOf(timer), 1);
          timer.callback();
        }
      }
    };
    return { agent, pass };
  }

  test('an upload that stops and a download that nobody reads are cut off, and their routes told', async () => {
    const signals: AbortSignal[] = [];
    let written = 0;
    const sink: HttpRoute = {
      prefix: '/',
      handle: async ({ request, response, signal }) => {
        signals.push(signal);
        if (request.method === 'PUT') for await (const chunk of request) expect(chunk).toBeDefined();
        else
          for (;;) {
            written++;
            if (!response.write(Buffer.alloc(65_536))) await once(response, 'drain', { signal });
          }
        await once(signal, 'abort');
      },
    };
    const { agent, pass } = await start(sink);
    const put = await tlsTo(agent.port, makeIdentity());
    put.write('PUT / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\nsome');
    const get = await tlsTo(agent.port, makeIdentity());
    get.pause();
    get.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await vi.waitFor(() => expect(signals.length).toBe(2));
    // Until the system's buffers between the two are full.
    let before = -1;
    await vi.waitFor(
      () => {
        const same = written === before;
        before = written;
        expect(same).toBe(true);
      },
      { interval: 200, timeout: 5000 },
    );
    pass(55_000);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false]);
    pass(60_000);
    await vi.waitFor(() => expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]));
    expect(await closedWithin(put, 2000)).toBe(true);
  });

  test('an answer that takes its time is waited for', async () => {
    const answers: (() => void)[] = [];
    const slow: HttpRoute = {
      prefix: '/',
      handle: ({ response }) => new Promise((resolve) => void answers.push(() => resolve(void response.end('done')))),
    };
    const { agent, pass } = await start(slow);
    const socket = await tlsTo(agent.port, makeIdentity());
    socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await vi.waitFor(() => expect(answers.length).toBe(1));
    pass(600_000);
    answers[0]?.();
    expect(String((await once(socket, 'data'))[0])).toContain('200 OK');
  });

  test('a body that its reader left, and destroyed by that, is answered and watched as others are', async () => {
    const leaves: HttpRoute = {
      prefix: '/',
      handle: async ({ request }) => {
        for await (const _ of request) throw new Error('enough');
      },
    };
    const { agent, pass } = await start(leaves);
    const socket = await tlsTo(agent.port, makeIdentity());
    socket.write('PUT / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nsome');
    expect(String((await once(socket, 'data'))[0])).toContain('500 Internal');
    pass(5000);
    expect(await closedWithin(socket, 2000)).toBe(true);
  });

  test('a body that was refused is read for five seconds more, so that the answer arrives', async () => {
    const { agent, pass } = await start({ prefix: '/files/', handle: () => Promise.resolve() });
    const socket = await tlsTo(agent.port, makeIdentity());
    socket.write('PUT /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nsome');
    expect(String((await once(socket, 'data'))[0])).toContain('404 Not Found');
    expect(socket.closed).toBe(false);
    pass(5000);
    expect(await closedWithin(socket, 2000)).toBe(true);
  });

  test('a connection whose refused body came whole goes on, though its route read only the begin', async () => {
    const refusing: HttpRoute = {
      prefix: '/',
      handle: async ({ request, response }) => {
        await once(request, 'readable');
        request.read();
        response.end('no');
      },
    };
    const { agent, pass } = await start(refusing);
    const socket = await tlsTo(agent.port, makeIdentity());
    for (let time = 0; time < 2; time++) {
      socket.write('PUT / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nso');
      expect(String((await once(socket, 'data'))[0])).toMatch(/ 200 OK[^]*no$/);
      socket.write('me');
      await new Promise((resolve) => setTimeout(resolve, 100));
      pass(5000);
      expect(await closedWithin(socket, 100)).toBe(false);
    }
  });
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerHandlers } from '../../agent/peers/neighbours.ts';
import type { Asker } from '../../agent/trust/access.ts';
import type { Trust } from '../../protocol/control.ts';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { JobUuid, ShareId } from '../../protocol/ids.ts';
import type { ListResult } from '../../protocol/peer.ts';
import { noResources, type Resources } from '../../protocol/resources.ts';
import { rootPath } from '../../protocol/wire-path.ts';
import { deviceId, startAgent, type SimAgentOptions } from '../sim/agent.ts';
import { settle } from '../sim/clock.ts';
import { SimOffice } from '../sim/office.ts';

let folder: string;
let office: SimOffice;
const share = ShareId.parse('a'.repeat(26));
const ask = { share, path: rootPath };
const entry = { path: rootPath, kind: 'folder', size: 0, modified: 1 } as const;
const page: ListResult = { entries: [], skipped: 0 };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nethood-service-'));
});

afterEach(async () => {
  await office.stop();
  await rm(folder, { recursive: true, maxRetries: 10 });
});

async function pair(agent: (at: number) => Partial<SimAgentOptions> = () => ({})): Promise<void> {
  office = new SimOffice(folder, 2, { agent });
  await office.startAll();
  await office.readyIn(100);
}

function handlers(changes: Partial<PeerHandlers>): (at: number) => Partial<SimAgentOptions> {
  return () => ({ handlers: changes });
}

/** What becomes of a promise, as text where it fails. */
async function after<T>(ms: number, promise: Promise<T>): Promise<T | string> {
  const outcome = promise.catch((error: unknown) => (error instanceof NethoodError ? error.code : String(error)));
  await office.clock.advance(ms);
  return await Promise.race([outcome, settle().then(() => 'nothing yet')]);
}

describe('a request', () => {
  it('is answered by the handler of the other side, which is told who asks', async () => {
    const askers: Asker[] = [];
    await pair(
      handlers({
        stat: (asker, { path }) => {
          askers.push(asker);
          return Promise.resolve({ entry: { ...entry, path } });
        },
      }),
    );
    expect(await after(10, office.agent(0).request(office.host(1).id, 'stat', ask))).toEqual({ entry });
    expect(askers).toEqual([{ kind: 'device', id: office.host(0).id, trust: 'stranger', onLink: true }]);
  });

  it('fails with the code and sentence of the other side', async () => {
    await pair(handlers({ list: () => Promise.reject(new NethoodError('not-found', 'There is no such share.')) }));
    const failure = office.agent(0).request(office.host(1).id, 'list', ask);
    await Promise.all([
      expect(failure).rejects.toMatchObject({ code: 'not-found', message: 'There is no such share.' }),
      office.clock.advance(10),
    ]);
  });

  it('learns nothing of a fault of the other side but that it was one', async () => {
    await pair(handlers({ list: () => Promise.reject(new Error('/home/maria/secret')) }));
    const failure = office.agent(0).request(office.host(1).id, 'list', ask);
    await Promise.all([
      expect(failure).rejects.toMatchObject({ code: 'internal', message: expect.not.stringContaining('maria') }),
      office.clock.advance(10),
    ]);
  });

  it('that is aborted stops the work at the other side, as does the end of the session', async () => {
    const stopped: string[] = [];
    const list: PeerHandlers['list'] = (_asker, _ask, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          stopped.push('stopped');
          reject(signal.reason as Error);
        });
      });
    await pair(handlers({ list }));
    const controller = new AbortController();
    const first = office.agent(0).request(office.host(1).id, 'list', ask, controller.signal);
    first.catch(() => undefined);
    await office.clock.advance(10);
    controller.abort(new Error('enough'));
    expect(await after(10, first)).toBe('Error: enough');
    expect(stopped).toHaveLength(1);
    const second = office.agent(0).request(office.host(1).id, 'list', ask);
    await after(10, second);
    office.host(0).kill();
    await office.clock.advance(10);
    expect(stopped).toHaveLength(2);
  });

  it('waits for a session, and dials for it at once', async () => {
    office = new SimOffice(folder, 2);
    await office.start(0);
    await office.start(1);
    office.host(1).discovery.events.emit('seen', office.host(0).sighting());
    expect(await after(50, office.agent(1).request(office.host(0).id, 'ping', {}))).toEqual({});
  });

  it('to nobody known, to a dead one, and to a silent one fails with a code of its own', async () => {
    await pair();
    expect(await after(1, office.agent(0).request(deviceId(99), 'ping', {}))).toBe('not-found');
    office.host(1).kill();
    await office.clock.advance(100);
    const dead = office.agent(0).request(office.host(1).id, 'ping', {});
    const said = dead.catch((error: Error) => error.message);
    expect(await after(100, dead)).toBe('unreachable');
    expect(await said).toMatch(/^"[^"]+" does not answer: /);
    office.host(1).powerOff();
    const silent = after(5_100, office.agent(0).request(office.host(1).id, 'ping', {}));
    expect(['timeout', 'unreachable']).toContain(await silent);
  });

  it('is asked again where two dials crossed and its session was the one that ended', async () => {
    office = new SimOffice(folder, 2, { agent: handlers({ list: () => Promise.resolve(page) }) });
    await office.startAll();
    await office.clock.advance(1);
    const answers = [0, 1].map((at) =>
      Array.from({ length: 10 }, () => office.agent(at).request(office.host(1 - at).id, 'list', ask)),
    );
    expect(await after(200, Promise.all(answers.flat()))).toEqual(Array.from({ length: 20 }, () => page));
  });

  it('is answered too-large instead of with a message beyond the limit', async () => {
    const long = { ...page, cursor: 'x'.repeat(2 << 20) };
    await pair(handlers({ list: () => Promise.resolve(long) }));
    expect(await after(10, office.agent(0).request(office.host(1).id, 'list', ask))).toBe('too-large');
    expect(office.bothReady()).toBe(true);
  });

  it('of a peer that does not read is busy', async () => {
    const big = { ...page, cursor: 'x'.repeat(1 << 19) };
    await pair(handlers({ list: () => Promise.resolve(big) }));
    office.lan.cutOneWay(office.host(1), office.host(0));
    for (let count = 0; count < 40; count++) {
      office
        .agent(0)
        .request(office.host(1).id, 'list', ask)
        .catch(() => undefined);
      await office.clock.advance(10);
    }
    const buffered = Array.from(office.host(1).sockets, ({ bufferedBytes }) => bufferedBytes);
    expect(Math.max(...buffered)).toBeLessThan(2 << 20);
  });

  it('of a peer that asked for much and never reads ends its session before memory does', async () => {
    const big = { ...page, cursor: 'x'.repeat(1 << 19) };
    const release = new AbortController();
    const released = new Promise((resolve) => release.signal.addEventListener('abort', resolve));
    await pair(handlers({ list: () => released.then(() => big) }));
    const asked = Array.from({ length: 60 }, () => office.agent(0).request(office.host(1).id, 'list', ask));
    for (const each of asked) each.catch(() => undefined);
    await office.clock.advance(10);
    office.lan.cutOneWay(office.host(1), office.host(0));
    release.abort();
    await office.clock.advance(10);
    expect(office.state(1, 0)).not.toBe('ready');
    expect(office.serials(1)).toEqual([]);
  });
});

describe('what neighbours tell', () => {
  const resources: Resources = { shares: [{ id: share, name: 'Public', rights: 'read' }], printers: [] };

  it('are resources at hello and at each change, filtered for each', async () => {
    let offered = noResources;
    await pair((at) => (at === 1 ? { resourcesFor: () => offered } : {}));
    expect(office.agent(0).get(office.host(1).id)?.resources).toEqual(noResources);
    offered = resources;
    office.agent(1).resourcesChanged();
    await office.clock.advance(10);
    expect(office.agent(0).get(office.host(1).id)?.resources).toEqual(resources);
  });

  it('says nothing where nothing changed for that neighbour', async () => {
    await pair();
    let heard = 0;
    const [socket] = office.host(0).sockets;
    socket?.events.on('message', () => (heard += 1));
    office.agent(1).resourcesChanged();
    await office.clock.advance(10);
    expect(heard).toBe(0);
  });

  it('is a new name', async () => {
    await pair();
    office.agent(1).rename('maria on pc8');
    await office.clock.advance(10);
    expect(office.agent(0).find('maria on').id).toBe(office.host(1).id);
  });

  it('are jobs, where both know of them', async () => {
    await pair();
    const jobs: unknown[] = [];
    office.agent(0).events.on('job', (id, { uuid, state }) => jobs.push([id, uuid, state]));
    const uuid = JobUuid.parse('urn:uuid:00000000-0000-4000-8000-000000000000');
    office.agent(1).sendJobEvent(office.host(0).id, { type: 'job', uuid, state: 'completed', stateReasons: [] });
    office.agent(1).sendJobEvent(deviceId(99), { type: 'job', uuid, state: 'aborted', stateReasons: [] });
    await office.clock.advance(10);
    expect(jobs).toEqual([[office.host(1).id, uuid, 'completed']]);
  });
});

describe('a neighbour added by hand', () => {
  it('is asked who it is, becomes ready, and is known in the next life', async () => {
    office = new SimOffice(folder, 2);
    await office.start(0);
    await office.start(1);
    const adding = office.agent(1).addByHand('10.0.0.1');
    const added = await Promise.all([adding, office.clock.advance(100)]);
    expect(added[0]).toMatchObject({ id: office.host(0).id, state: 'ready', addresses: [{ address: '10.0.0.1' }] });
    await office.remembers(1, 0);
    office.host(1).kill();
    office.host(1).restart();
    await office.start(1);
    await office.readyIn(1_500);
  });

  it('is told apart from nobody, from this device itself, and from nonsense', async () => {
    await pair();
    expect(await after(6_000, office.agent(0).addByHand('10.9.9.9'))).toBe('timeout');
    expect(await after(6_000, office.agent(0).addByHand('10.0.0.2:1'))).toBe('unreachable');
    expect(await after(100, office.agent(0).addByHand('10.0.0.1'))).toBe('usage');
    expect(await after(100, office.agent(0).addByHand('http://10.0.0.1'))).toBe('usage');
  });

  it('who is in session already stays in that session', async () => {
    await pair();
    const before = office.serials(0);
    const added = await Promise.all([office.agent(0).addByHand('10.0.0.2:6631'), office.clock.advance(100)]);
    expect(added[0].state).toBe('ready');
    expect(office.serials(0)).toEqual(before);
  });
});

describe('forgetting', () => {
  it('removes a neighbour from list and disk, until it calls again', async () => {
    await pair();
    const removed: string[] = [];
    office.agent(0).events.on('removed', (id) => removed.push(id));
    office.host(1).kill();
    await office.clock.advance(100);
    await office.agent(0).forget(office.host(1).id);
    expect(removed).toEqual([office.host(1).id]);
    expect(office.agent(0).list()).toEqual([]);
    expect(await readFile(join(folder, '0', 'neighbours.json'), 'utf8')).not.toContain(office.host(1).id);
    await office.clock.advance(120_000);
    expect(office.agent(0).list()).toEqual([]);
    await office.restart(1);
    await office.readyIn(2_000);
  });

  it('of nobody is not-found', async () => {
    await pair();
    expect(await after(1, office.agent(0).forget(deviceId(99)))).toBe('not-found');
  });
});

describe('trust', () => {
  it('a blocked neighbour is neither dialled nor let in, and cannot be asked', async () => {
    office = new SimOffice(folder, 2, { agent: (at) => (at === 0 ? { trustOf: () => 'blocked' } : {}) });
    await office.startAll();
    await office.clock.advance(10_000);
    expect(office.host(0).transport.dials).toBe(0);
    expect(office.host(0).sockets.size).toBe(0);
    expect(office.agent(1).get(office.host(0).id)).toMatchObject({ state: 'gone', problem: expect.any(String) });
    expect(await after(10, office.agent(0).request(office.host(1).id, 'ping', {}))).toBe('not-permitted');
  });

  it('a block ends the session at once for good, and its end brings it back', async () => {
    let trust: Trust = 'stranger';
    await pair((at) => (at === 0 ? { trustOf: () => trust } : {}));
    await office.clock.advance(40_000);
    trust = 'blocked';
    office.agent(0).trustChanged(office.host(1).id);
    await office.clock.advance(10);
    expect(office.agent(0).get(office.host(1).id)).toMatchObject({ state: 'gone', trust: 'blocked' });
    const { dials } = office.host(0).transport;
    await office.clock.advance(130_000);
    expect([office.host(0).transport.dials, office.host(0).sockets.size]).toEqual([dials, 0]);
    trust = 'paired';
    office.agent(0).trustChanged(office.host(1).id);
    await office.readyIn(1_000);
  });

  it('a device with our own key is turned away', async () => {
    await pair();
    const twin = office.lan.host(office.host(0).id, '10.0.0.77');
    const agent = await startAgent(twin, { folder: join(folder, 'twin') });
    const failure = agent.addByHand('10.0.0.1');
    expect(await after(6_000, failure)).toBe('usage');
    await agent[Symbol.asyncDispose]();
  });
});

describe('finding by name', () => {
  it('takes a whole name, a prefix, an id or its short form, and lists whom it might mean', async () => {
    office = new SimOffice(folder, 4);
    await office.startAll();
    await office.clock.advance(3_000);
    for (const [at, name] of ['', 'Maria on pc1', 'Maria on pc2', 'maria'].entries()) {
      if (at > 0) office.agent(at).rename(name);
    }
    await office.clock.advance(10);
    const agent = office.agent(0);
    const { id } = office.host(2);
    expect(agent.find('maria').id).toBe(office.host(3).id);
    expect(agent.find('MARIA ON PC2').id).toBe(id);
    expect(agent.find(id).id).toBe(id);
    expect(agent.find(`${id.slice(0, 4)}-${id.slice(4, 8)}`).id).toBe(id);
    const thrown = (text: string): unknown => {
      try {
        return agent.find(text);
      } catch (error) {
        return error;
      }
    };
    expect(thrown('Maria on')).toMatchObject({ code: 'ambiguous', message: expect.stringContaining('Maria on pc1') });
    for (const text of ['', '-', 'peter']) expect(hasCode(thrown(text), 'not-found', 'ambiguous')).toBe(true);
    expect(thrown('peter')).toMatchObject({ code: 'not-found', message: expect.stringContaining('peter') });
  });
});

describe('neighbours.json', () => {
  it('that is broken is set aside, and the agent starts', async () => {
    office = new SimOffice(folder, 2);
    await office.start(0);
    await office.agent(0)[Symbol.asyncDispose]();
    const path = join(folder, '0', 'neighbours.json');
    for (const text of [
      '',
      '{"version":1,"neigh',
      '[]',
      JSON.stringify({ version: 1, neighbours: [{ id: '../x' }] }),
    ]) {
      await writeFile(path, text);
      const agent = await office.start(0);
      expect(agent.list()).toEqual([]);
      await agent[Symbol.asyncDispose]();
      expect(await readFile(`${path}.broken`, 'utf8')).toBe(text);
    }
  });

  it('holds proved neighbours only', async () => {
    await pair();
    office.host(0).discovery.events.emit('seen', { ...office.host(1).sighting(), id: deviceId(99) });
    await office.agent(0)[Symbol.asyncDispose]();
    const text = await readFile(join(folder, '0', 'neighbours.json'), 'utf8');
    expect(text).toContain(office.host(1).id);
    expect(text).not.toContain(deviceId(99));
  });
});

describe('stopping', () => {
  it('ends sessions, timers and requests, twice as well as once', async () => {
    await pair(handlers({ list: () => new Promise(() => undefined) }));
    const open = office.agent(0).request(office.host(1).id, 'list', ask);
    await Promise.all([
      expect(open).rejects.toMatchObject({ code: 'interrupted' }),
      (async () => {
        await office.clock.advance(10);
        await office.agent(0)[Symbol.asyncDispose]();
        await office.agent(0)[Symbol.asyncDispose]();
      })(),
    ]);
    await office.agent(1)[Symbol.asyncDispose]();
    await office.clock.advance(100);
    expect(office.clock.pendingTimers).toBe(0);
    expect(office.host(1).sockets.size).toBe(0);
  });
});

it('the address in use is the Host of requests to a neighbour', async () => {
  await pair();
  expect(office.agent(0).httpHost(office.host(1).id)).toBe('10.0.0.2:6631');
  expect(() => office.agent(0).httpHost(deviceId(99))).toThrow(expect.objectContaining({ code: 'not-found' }));
  expect(office.agent(0).httpAgent(office.host(1).id)).toBe(office.agent(0).httpAgent(office.host(1).id));
});

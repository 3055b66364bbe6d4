/** The neighbours service on the real transport: sockets, TLS and WebSockets on loopback. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { createNeighbours, type NeighboursService } from '../../agent/peers/neighbours-service.ts';
import type { HttpRoute } from '../../agent/peers/neighbours.ts';
import { BootId, type DeviceId, ShareId } from '../../protocol/ids.ts';
import { noResources } from '../../protocol/resources.ts';
import { rootPath } from '../../protocol/wire-path.ts';
import { randomId } from '../../agent/base/random-id.ts';
import { noHandlers } from '../sim/agent.ts';
import { SimDiscovery } from '../sim/lan.ts';
import { startAgent } from './network-support.ts';

let scope: Scope;
let folder: string;

beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'nethood-network-'));
  scope.defer(() => rm(folder, { recursive: true, maxRetries: 10 }));
});
afterEach(() => scope[Symbol.asyncDispose]());

interface Agent {
  readonly id: DeviceId;
  readonly port: number;
  readonly neighbours: NeighboursService;
  readonly scope: Scope;
}

const route: HttpRoute = {
  prefix: '/files/',
  handle: ({ response, asker, path }) => {
    response.end(`${path} for ${asker.kind === 'device' ? asker.id : asker.kind}`);
    return Promise.resolve();
  },
};

async function agent(name: string): Promise<Agent> {
  const own = scope.child();
  const { identity, transport, port } = await startAgent(own, { routes: [route] });
  const neighbours = own.use(
    await createNeighbours({
      self: identity.id,
      boot: BootId.parse(randomId()),
      name: () => name,
      port,
      clock: systemClock,
      random: Math.random,
      log: silentLog,
      transport,
      tls: transport,
      discovery: new SimDiscovery(),
      trustOf: () => 'stranger',
      onLink: () => true,
      resourcesFor: () => noResources,
      handlers: {
        ...noHandlers,
        stat: (_asker, { path }) => Promise.resolve({ entry: { path, kind: 'folder', size: 0, modified: 1 } }),
        list: (_asker, _ask, signal) =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
        walk: () => Promise.resolve({ entries: [], skipped: 0 }),
      },
      stateFolder: join(folder, name),
    }),
  );
  return { id: identity.id, port, neighbours, scope: own };
}

async function pair(): Promise<[Agent, Agent]> {
  const [ann, bob] = [await agent('Ann'), await agent('Bob')];
  const found = await ann.neighbours.addByHand(`127.0.0.1:${bob.port}`);
  expect(found).toMatchObject({ id: bob.id, name: 'Bob', state: 'ready', port: bob.port });
  await vi.waitFor(() =>
    expect(bob.neighbours.get(ann.id)).toMatchObject({ name: 'Ann', state: 'ready', port: ann.port }),
  );
  return [ann, bob];
}

it('two agents meet, ask each other, and fetch over the same keys', async () => {
  const [ann, bob] = await pair();
  const share = ShareId.parse('a'.repeat(26));
  const asked = { share, path: rootPath };
  const answers = await Promise.all([
    ann.neighbours.request(bob.id, 'stat', asked),
    bob.neighbours.request(ann.id, 'walk', asked),
  ]);
  expect(answers).toEqual([{ entry: { path: '', kind: 'folder', size: 0, modified: 1 } }, { entries: [], skipped: 0 }]);
  const host = bob.neighbours.httpHost(ann.id);
  const request = get({ agent: bob.neighbours.httpAgent(ann.id), path: '/files/x', headers: { host } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response) body += String(chunk);
  expect(body).toBe(`x for ${bob.id}`);
});

it('a request under way ends on both sides when one agent stops, and the other says gone at once', async () => {
  const [ann, bob] = await pair();
  const asked = ann.neighbours.request(bob.id, 'list', { share: ShareId.parse('a'.repeat(26)), path: rootPath });
  const refused = expect(asked).rejects.toMatchObject({ code: 'interrupted' });
  const begin = performance.now();
  await bob.scope[Symbol.asyncDispose]();
  await refused;
  await vi.waitFor(() => expect(ann.neighbours.get(bob.id)?.state).toBe('gone'), { timeout: 3_000, interval: 10 });
  expect(performance.now() - begin).toBeLessThan(1_100);
});

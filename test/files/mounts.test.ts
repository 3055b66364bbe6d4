import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { MountStore } from '../../agent/files/mount-store.ts';
import { Mounts } from '../../agent/files/mounts.ts';
import type { DavDoor, DavExchange } from '../../agent/files/webdav-door.ts';
import type { Neighbour } from '../../agent/peers/neighbours.ts';
import { toNethoodError } from '../../protocol/errors.ts';
import { DeviceId, ShareId, ShareName } from '../../protocol/ids.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { annaId, ask, bobId, codeOf, never, temporaryFolder } from './files-support.ts';
import { MemoryTree } from './memory-tree.ts';

const docsId = ShareId.parse('d'.repeat(26));
const musicId = ShareId.parse('m'.repeat(26));
const nobody = { addresses: [], port: 1, trust: 'stranger', features: new Set<string>(), problem: undefined } as const;
const anna: Neighbour = {
  ...nobody,
  id: annaId,
  name: 'Anna',
  state: 'ready',
  resources: {
    shares: [
      { id: docsId, name: ShareName.parse('Docs'), rights: 'write' },
      { id: musicId, name: ShareName.parse('Music'), rights: 'read' },
    ],
    printers: [],
  },
  lastSeen: 1,
};
const bob: Neighbour = { ...anna, id: bobId, name: 'Bob', resources: { shares: [], printers: [] } };
const rumour: Neighbour = { ...anna, id: DeviceId.parse('c'.repeat(52)), name: 'Carol', lastSeen: undefined };
const docs = { id: docsId, name: 'Docs' };

let scope: Scope;
let folder: string;
let neighbours: Neighbour[];
let doors: DavDoor[];
let exchanges: DavExchange[];
let answer: (exchange: DavExchange) => Promise<void>;

beforeEach(async () => {
  scope = new Scope();
  folder = await temporaryFolder(scope);
  neighbours = [anna, bob, rumour];
  [doors, exchanges] = [[], []];
  answer = async ({ response }) => void response.end('served');
});
afterEach(() => scope[Symbol.asyncDispose]());

const tree = new MemoryTree();

async function open(): Promise<Mounts & AsyncDisposable> {
  const store = await MountStore.open(folder, silentLog);
  const mounts = new Mounts({
    store,
    neighbours: { list: () => neighbours, get: (id) => neighbours.find((each) => each.id === id) },
    remoteTree: () => tree,
    port: 6630,
    createHandler: (door) => {
      if (door.prefix !== '/') doors.push(door);
      return async (exchange) => {
        exchanges.push(exchange);
        await answer(exchange);
      };
    },
    clock: systemClock,
  });
  return Object.assign(mounts, { [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() });
}

/** What a program of this PC sees. */
async function served(mounts: Mounts): Promise<string> {
  const server = createServer((request, response) => {
    const left = new AbortController();
    response.once('close', () => left.abort());
    mounts.handle(request.url ?? '', { request, response, signal: left.signal }).catch((error: unknown) => {
      response.writeHead(404);
      response.end(toNethoodError(error).code);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  scope.defer(() => server.closeAllConnections());
  scope.defer(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const namesIn = async (door: DavDoor | undefined, path: string): Promise<string[]> =>
  ((await door?.tree.list(wirePathFromPlain(path), undefined, never))?.entries ?? []).map((entry) => entry.path);

const removed = (path: string): Promise<string> =>
  codeOf(doors[0]?.writable?.remove(wirePathFromPlain(path), never) ?? Promise.resolve());

describe('a drive', () => {
  it('of the whole neighbourhood holds who is there and shares something, and was seen by its key', async () => {
    const mounts = await open();
    const { url, neighbour, share } = await mounts.add({});
    expect([neighbour, share]).toEqual([null, null]);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:6630\/dav\/[a-z2-7]{26}\/$/);
    expect(await namesIn(doors[0], '')).toEqual(['Anna']);
    expect(await namesIn(doors[0], 'Anna')).toEqual(['Docs', 'Music']);
    expect(await codeOf(doors[0]?.tree.stat(wirePathFromPlain('Carol'), never) ?? Promise.resolve())).toBe('not-found');
  });

  it('of a neighbour or of one share holds nothing else, and its address names it', async () => {
    const mounts = await open();
    expect((await mounts.add({ neighbour: anna })).url).toMatch(/\/dav\/[a-z2-7]{26}\/Anna\/$/);
    expect((await mounts.add({ neighbour: anna, share: docs })).url).toMatch(/\/Anna\/Docs\/$/);
    expect([await namesIn(doors[0], ''), await namesIn(doors[0], 'Anna')]).toEqual([['Anna'], ['Docs', 'Music']]);
    expect([await namesIn(doors[1], ''), await namesIn(doors[1], 'Anna')]).toEqual([['Anna'], ['Docs']]);
    expect(doors[1]?.title).toBe('Docs');
  });

  it('may be changed where its owner allows it, now', async () => {
    const mounts = await open();
    await mounts.add({});
    expect(await removed('Anna/Music/a.txt')).toBe('not-permitted');
    expect(await removed('Anna/Docs/none')).toBe('not-found');
    neighbours = [{ ...anna, resources: { ...anna.resources, shares: [{ ...docs, rights: 'read' } as never] } }];
    expect(await removed('Anna/Docs/none')).toBe('not-permitted');
  });

  it('has another secret each, and the same place again is the same drive', async () => {
    const mounts = await open();
    const all = await mounts.add({});
    const one = await mounts.add({ neighbour: anna });
    expect(one.url.replace(/Anna\/$/, '')).not.toBe(all.url);
    expect(await mounts.add({ neighbour: anna })).toEqual(one);
    expect(mounts.list()).toEqual([all, one]);
  });

  it('keeps the folder of who is away for those who are in it, and shows it to nobody else', async () => {
    const mounts = await open();
    await mounts.add({});
    neighbours = [{ ...anna, state: 'gone' }];
    expect(await namesIn(doors[0], '')).toEqual([]);
    expect(await namesIn(doors[0], 'Anna')).toEqual(['Docs', 'Music']);
  });

  it('says that who is away cannot be reached where it is not known what is shared: nothing is taken for deleted', async () => {
    const mounts = await open();
    await mounts.add({});
    await mounts.add({ neighbour: anna });
    neighbours = [{ ...anna, state: 'gone', resources: { shares: [], printers: [] } }];
    for (const door of doors)
      for (const path of ['Anna', 'Anna/Docs', 'Anna/Docs/a.txt'])
        expect(await codeOf(door.tree.stat(wirePathFromPlain(path), never))).toBe('unreachable');
    neighbours = [{ ...anna, resources: { shares: [], printers: [] } }];
    for (const door of doors)
      expect(await codeOf(door.tree.stat(wirePathFromPlain('Anna/Docs'), never))).toBe('not-found');
  });
});

describe('over a restart', () => {
  it('drives and names stay, in a file that nobody else can read', async () => {
    const first = await open();
    const { url } = await first.add({});
    await first.add({ neighbour: anna, share: docs });
    expect(await namesIn(doors[0], '')).toEqual(['Anna']);
    await first[Symbol.asyncDispose]();
    expect((await stat(join(folder, 'mounts.json'))).mode & 0o777).toBe(0o600);

    // The other one that calls itself so is there first now.
    neighbours = [{ ...anna, id: bobId }, anna];
    const second = await open();
    expect(second.list()).toHaveLength(2);
    expect(second.list()[0]?.url).toBe(url);
    expect(await namesIn(doors[2], '')).toEqual(['Anna%20%28bbbb-bbbb%29', 'Anna']);
  });

  it('a list that cannot be understood is put aside, and its secrets are not told', async () => {
    await writeFile(join(folder, 'mounts.json'), '{"secret": nonsense');
    const said: unknown[] = [];
    const log = { ...silentLog, error: (...args: unknown[]) => void said.push(args) };
    const store = await MountStore.open(folder, log);
    expect(store.mounts).toEqual([]);
    expect(await readdir(folder)).toEqual(['mounts.json.broken']);
    expect(JSON.stringify(said)).not.toContain('nonsense');
  });
});

describe('at its address', () => {
  it('what follows the secret is the path in the drive', async () => {
    const mounts = await open();
    const { pathname } = new URL((await mounts.add({ neighbour: anna })).url);
    const base = await served(mounts);
    const { status, body } = await ask(`${base}${pathname}Docs/a%20b.txt?C=M`);
    expect([status, body.toString(), exchanges[0]?.path]).toEqual([200, 'served', 'Anna/Docs/a%20b.txt']);
    expect(doors[0]?.prefix).toBe(pathname.replace('Anna/', ''));
  });

  it.each(['a'.repeat(26), 'a'.repeat(26) + '/', '..%2F', 'Anna/'])(
    'nothing is there without the secret: /dav/%s',
    async (secret) => {
      const mounts = await open();
      await mounts.add({});
      const { status, body } = await ask(`${await served(mounts)}/dav/${secret}`);
      expect([status, body.toString()]).toEqual([404, 'not-found']);
      expect(exchanges).toEqual([]);
    },
  );

  it('half an answer that fails breaks the connection', async () => {
    const mounts = await open();
    const { pathname } = new URL((await mounts.add({})).url);
    answer = async ({ response }) => {
      response.writeHead(200, { 'content-length': 8 });
      response.write('half');
      throw new Error('the disk failed');
    };
    await expect(ask(`${await served(mounts)}${pathname}`)).rejects.toThrow();
  });

  it('after it was revoked nothing is there, what goes on ends, and it stays so', async () => {
    const mounts = await open();
    const { pathname } = new URL((await mounts.add({ neighbour: anna })).url);
    const base = await served(mounts);
    const ended = new Promise<string>((resolve) => {
      answer = ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            resolve(toNethoodError(signal.reason).code);
            reject(signal.reason as Error);
          });
          void mounts.revoke('ann', undefined);
        });
    });
    expect((await ask(`${base}${pathname}`)).status).toBe(404);
    expect(await ended).toBe('not-found');
    expect((await ask(`${base}${pathname}`)).status).toBe(404);
    expect(exchanges).toHaveLength(1);
    expect(mounts.list()).toEqual([]);
    expect(await readFile(join(folder, 'mounts.json'), 'utf8')).not.toContain(pathname.split('/')[2]);
  });
});

describe('which drive is revoked', () => {
  it('is said by the names it was made with, whoever is still there', async () => {
    const mounts = await open();
    await mounts.add({});
    await mounts.add({ neighbour: anna });
    await mounts.add({ neighbour: anna, share: docs });
    neighbours = [];
    expect(await mounts.revoke('anna', 'docs')).toMatchObject({ neighbour: 'Anna', share: 'Docs' });
    expect(await mounts.revoke(annaId.slice(0, 8), undefined)).toMatchObject({ neighbour: 'Anna', share: null });
    expect(await mounts.revoke(undefined, undefined)).toMatchObject({ neighbour: null, share: null });
    expect(mounts.list()).toEqual([]);
  });

  it('must be one', async () => {
    const mounts = await open();
    expect(await codeOf(mounts.revoke(undefined, undefined))).toBe('not-found');
    await mounts.add({ neighbour: anna });
    await mounts.add({ neighbour: { ...bob, name: 'Annabel' } });
    expect(await codeOf(mounts.revoke('Anna', 'Docs'))).toBe('not-found');
    expect(await codeOf(mounts.revoke('An', undefined))).toBe('ambiguous');
    expect(await mounts.revoke('Anna', undefined)).toMatchObject({ neighbour: 'Anna' });
  });
});

import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Emitter } from '../../agent/base/emitter.ts';
import { createActions } from '../../agent/control/actions.ts';
import type { ActionDeps, ControlActions, NeighbourTable } from '../../agent/control/control-actions.ts';
import { entryView, isoTime, neighbourView } from '../../agent/control/views.ts';
import type { FileTree, Page } from '../../agent/files/file-tree.ts';
import type { GetOrder, NewShare } from '../../agent/files/files-service.ts';
import type { Neighbour } from '../../agent/peers/neighbours.ts';
import { type Config, defaultConfig } from '../../config/schema.ts';
import { EntryView, NeighbourView } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { ShareId, ShareName } from '../../protocol/ids.ts';
import type { Audience } from '../../protocol/resources.ts';
import { parseWirePath, rootPath, type WirePath } from '../../protocol/wire-path.ts';
import { annaId, bobId, ownId, printer, share, transfer } from './samples.ts';

const never = new AbortController().signal;

const anna: Neighbour = {
  id: annaId,
  name: 'Anna',
  state: 'ready',
  trust: 'stranger',
  addresses: [{ address: 'fe80::7', zone: 'eth0' }],
  port: 6631,
  resources: {
    shares: [
      { id: ShareId.parse('t'.repeat(26)), name: ShareName.parse('Projects'), rights: 'read' },
      { id: ShareId.parse('u'.repeat(26)), name: ShareName.parse('projects'), rights: 'read' },
      { id: ShareId.parse('v'.repeat(26)), name: ShareName.parse('Music'), rights: 'read' },
    ],
    printers: [],
  },
  features: new Set(),
  problem: undefined,
  lastSeen: 0,
};
const bob: Neighbour = { ...anna, id: bobId, name: 'Bob', state: 'found', resources: { shares: [], printers: [] } };

const refuse = (what: string): never => {
  throw new Error(`${what} was not to be asked`);
};

/** Names, then prefixes of ids; enough of the real rule for these tests. */
function tableOf(list: Neighbour[]): NeighbourTable & { pinged: string[]; renamed: string[]; forgotten: string[] } {
  const pinged: string[] = [];
  const renamed: string[] = [];
  const forgotten: string[] = [];
  return {
    pinged,
    renamed,
    forgotten,
    events: new Emitter(),
    list: () => list,
    get: (id) => list.find((neighbour) => neighbour.id === id),
    find(text) {
      const found = list.find(({ name, id }) => name.toLowerCase() === text.toLowerCase() || id.startsWith(text));
      if (found === undefined) throw new NethoodError('not-found', `There is no neighbour "${text}".`);
      return found;
    },
    async request(id, type) {
      pinged.push(`${type} ${id}`);
      const at = list.findIndex((neighbour) => neighbour.id === id);
      const found = list[at];
      if (found === undefined || found.problem !== undefined)
        throw new NethoodError('unreachable', 'It does not answer.');
      list[at] = { ...found, state: 'ready', resources: anna.resources };
      return {} as never;
    },
    httpAgent: () => refuse('httpAgent'),
    httpHost: () => refuse('httpHost'),
    sendJobEvent: () => refuse('sendJobEvent'),
    sendFolderEvent: () => refuse('sendFolderEvent'),
    resourcesChanged: () => refuse('resourcesChanged'),
    addByHand: async (address) => ({ ...anna, addresses: [{ address }] }),
    forget: (id) => void forgotten.push(id),
    rename: (name) => void renamed.push(name),
  };
}

const entries: Record<string, 'file' | 'folder'> = {
  '': 'folder',
  'a%20b': 'folder',
  '100%25.txt': 'file',
  '100%2525.txt': 'file',
};
const asked: string[] = [];

const tree: FileTree = {
  async stat(path) {
    asked.push(`stat ${path}`);
    const kind = entries[path];
    if (kind === undefined) throw new NethoodError('not-found', 'not there');
    return { path, kind, size: 7, modified: 1_700_000_000_000 };
  },
  async list(path, cursor): Promise<Page> {
    asked.push(`list ${path}${cursor === undefined ? '' : ` from ${cursor}`}`);
    if (entries[path] === undefined) throw new NethoodError('not-found', 'not there');
    if (entries[path] === 'file') throw new NethoodError('not-a-folder', 'is a file');
    const entry = { path: parseWirePath('x'), kind: 'file', size: 1, modified: -1 } as const;
    return { entries: [entry], skipped: 2, cursor: cursor === undefined ? 'more' : undefined };
  },
  walk: () => refuse('walk'),
  read: () => refuse('read'),
};

let home: string;
let config: Config;
let added: NewShare[];
let gets: GetOrder[];
let printerShared: Audience[];
let stops: number;
let table: ReturnType<typeof tableOf>;
let actions: ControlActions;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'nh-actions-'));
  config = defaultConfig;
  [added, gets, printerShared, stops] = [[], [], [], 0];
  asked.length = 0;
  table = tableOf([anna, bob]);
  actions = createActions({
    clock: systemClock,
    config: {
      get current() {
        return config;
      },
      events: new Emitter(),
      problem: undefined,
      update: async (change: (config: Config) => Config) => (config = change(config)),
    },
    shares: { add: async (order: NewShare) => (added.push(order), share), remove: async () => share },
    transfers: { get: async (order: GetOrder) => (gets.push(order), transfer), cancel: async () => transfer },
    printing: { share: async (_name: string, audience: Audience) => (printerShared.push(audience), printer) },
    neighbours: table,
    remoteTree: () => tree,
    publicFolder: join(home, 'files', 'Public'),
    user: 'me',
    stop: () => void stops++,
  } as unknown as ActionDeps);
});
afterEach(() => rm(home, { recursive: true, force: true }));

const shareFor = async (...names: string[]): Promise<Audience | undefined> => {
  await actions.calls.share({ folder: '/f', audience: names }, never);
  return added.at(-1)?.audience;
};

async function matching(path: string): Promise<unknown[]> {
  const lines: unknown[] = [];
  for await (const line of actions.streams.matches({ neighbour: 'anna', share: 'Projects', path }, never))
    lines.push(line);
  return lines;
}

const list = (path: string, name = 'Projects', neighbour = 'anna'): ReturnType<ControlActions['calls']['list']> =>
  actions.calls.list({ neighbour, share: name, path }, never);

describe('share', () => {
  it('gives everyone the right to read, unless it is told otherwise', async () => {
    await actions.calls.share({ folder: '/f' }, never);
    await actions.calls.share({ folder: '/f', name: ShareName.parse('N'), write: true, audience: 'colleagues' }, never);
    expect(added).toEqual([
      { folder: '/f', name: undefined, audience: 'everyone', rights: 'read' },
      { folder: '/f', name: 'N', audience: 'colleagues', rights: 'write' },
    ]);
  });

  it('makes the folder Public, but not when the rest of the request is wrong', async () => {
    await expect(actions.calls.share({ public: true, audience: ['zoe'] }, never)).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(stat(join(home, 'files'))).rejects.toThrow('ENOENT');
    await actions.calls.share({ public: true }, never);
    expect((await stat(join(home, 'files', 'Public'))).isDirectory()).toBe(true);
    expect(added).toMatchObject([{ folder: join(home, 'files', 'Public'), audience: 'everyone' }]);
  });

  it('wants one folder, by its absolute path', async () => {
    for (const request of [{}, { folder: 'relative' }, { folder: '' }, { folder: '/f', public: true }])
      await expect(actions.calls.share(request, never)).rejects.toMatchObject({ code: 'bad-request' });
    expect(added).toEqual([]);
  });
});

describe('an audience of devices', () => {
  it('is kept as full ids, each once', async () => {
    expect(await shareFor('anna', annaId, 'k3q7x2mf')).toEqual([annaId]);
    await actions.calls['printer-share']({ name: 'laser', audience: ['Anna'] }, never);
    expect(printerShared).toEqual([[annaId]]);
  });

  it('takes a stranger that is not in session only by 16 characters of its id', async () => {
    await expect(shareFor('Bob')).rejects.toMatchObject({ code: 'not-permitted' });
    await expect(shareFor(bobId.slice(0, 15))).rejects.toMatchObject({ code: 'not-permitted' });
    expect(await shareFor(bobId.slice(0, 16))).toEqual([bobId]);
  });

  it('takes a colleague by name at any time, a blocked one never, a whole id always', async () => {
    table = tableOf([
      { ...bob, trust: 'paired' },
      { ...anna, trust: 'blocked' },
    ]);
    actions = createActions({
      shares: { add: async (order: NewShare) => (added.push(order), share) },
      neighbours: table,
    } as unknown as ActionDeps);
    expect(await shareFor('Bob')).toEqual([bobId]);
    await expect(shareFor('Anna')).rejects.toMatchObject({ code: 'not-permitted' });
    expect(await shareFor(ownId)).toEqual([ownId]);
  });

  it('names the one that it does not know', async () => {
    await expect(shareFor('Anna', 'zoe')).rejects.toThrow('zoe');
  });
});

describe('a path in a share', () => {
  it('is listed with the whole path of each entry, page by page', async () => {
    const first = await list('a b');
    expect(first).toMatchObject({
      entries: [{ name: 'x', path: 'a%20b/x', kind: 'file', size: 1 }],
      cursor: 'more',
      skipped: 2,
    });
    const request = { neighbour: 'anna', share: 'Projects', path: 'a b', cursor: 'more' };
    const last = await actions.calls.list(request, never);
    expect(last).not.toHaveProperty('cursor');
    expect(asked).toEqual(['list a%20b', 'list a%20b from more']);
  });

  it('is tried as a wire path first, then as plain names', async () => {
    expect((await list('a%20b')).entries).toHaveLength(1);
    expect(asked).toEqual(['list a%20b']);
    asked.length = 0;
    await actions.calls.get({ neighbour: 'anna', share: 'Projects', path: '100%25.txt', destination: '/d' }, never);
    expect(gets.at(-1)?.path).toBe('100%25.txt');
    await list('a b/');
    expect(asked).toEqual(['stat 100%25.txt', 'list a%20b']);
  });

  it('falls through to the second reading only where the first is not there', async () => {
    await expect(list('b%20a')).rejects.toMatchObject({ code: 'not-found' });
    expect(asked).toEqual(['list b%20a', 'list b%2520a']);
    asked.length = 0;
    const failing: FileTree = { ...tree, list: () => Promise.reject(new NethoodError('unavailable', 'gone')) };
    actions = createActions({ neighbours: table, remoteTree: () => failing } as unknown as ActionDeps);
    await expect(list('b%20a')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('that names a file is listed as that file', async () => {
    expect(await list('100%.txt')).toMatchObject({
      entries: [{ name: '100%.txt', path: '100%25.txt', kind: 'file', size: 7 }],
      skipped: 0,
    });
  });

  it('that is not there is named as it was typed', async () => {
    await expect(list('no/such file')).rejects.toThrow('"Anna/Projects/no/such file" does not exist.');
  });

  it('is, of a pattern, a stream of what matches', async () => {
    expect(await matching('a b/?')).toMatchObject([
      { entries: [{ name: 'x', path: 'a%20b/x', size: 1 }], skipped: 2 },
      { entries: [{ name: 'x', path: 'a%20b/x' }], skipped: 2 },
    ]);
  });

  it.each([
    ['a b/nothing*', 'not-found', 'Nothing matches "Anna/Projects/a b/nothing*".'],
    ['missing/*', 'not-found', '"Anna/Projects/missing/*" does not exist.'],
    ['a b', 'usage', '"Anna/Projects/a b" is no pattern.'],
  ])('says of %s what is wrong with it as a pattern', async (path, code, message) => {
    await expect(matching(path)).rejects.toMatchObject({ code, message });
  });

  it('that leads out of the share is refused before anybody is asked', async () => {
    await expect(list('../x')).rejects.toMatchObject({ code: 'bad-path' });
    expect(asked).toEqual([]);
  });

  it('is in a share found by its exact name, else by the only one that differs in case', async () => {
    await list('', 'projects');
    await list('', 'MUSIC');
    await expect(list('', 'PROJECTS')).rejects.toThrow('"Anna" shares no folder "PROJECTS" with this device.');
  });
});

describe('get', () => {
  it('orders the transfer of what exists', async () => {
    await actions.calls.get({ neighbour: 'anna', share: 'Music', path: '', destination: '/d' }, never);
    expect(gets).toEqual([
      { neighbour: annaId, share: 'v'.repeat(26), path: rootPath, source: 'Anna/Music', destination: '/d' },
    ]);
  });

  it('takes for a pattern only what nothing is called', async () => {
    const request = { neighbour: 'anna', share: 'Music', destination: '/d' };
    await actions.calls.get({ ...request, path: 'a b/*.pdf' }, never);
    expect(gets).toMatchObject([{ path: 'a%20b', matching: '*.pdf', source: 'Anna/Music/a b/*.pdf' }]);
    await expect(actions.calls.get({ ...request, path: 'missing/*.pdf' }, never)).rejects.toMatchObject({
      code: 'not-found',
    });
  });

  it('begins no transfer of what does not exist, nor to a relative place', async () => {
    const request = { neighbour: 'anna', share: 'Music', path: 'zzz', destination: '/d' };
    await expect(actions.calls.get(request, never)).rejects.toMatchObject({ code: 'not-found' });
    await expect(actions.calls.get({ ...request, path: '', destination: 'd' }, never)).rejects.toMatchObject({
      code: 'bad-request',
    });
    expect(gets).toEqual([]);
  });

  it('asks a neighbour that is not in session for one first, and knows its shares then', async () => {
    await actions.calls.get({ neighbour: 'Bob', share: 'Music', path: '', destination: '/d' }, never);
    expect(table.pinged).toEqual([`ping ${bobId}`]);
    expect(gets).toHaveLength(1);
  });

  it('says unreachable, not that there is no such share, where the neighbour does not answer', async () => {
    table = tableOf([{ ...bob, problem: 'gone' }]);
    actions = createActions({ clock: systemClock, neighbours: table, remoteTree: () => tree } as unknown as ActionDeps);
    const request = { neighbour: 'Bob', share: 'Music', path: '', destination: '/d' };
    await expect(actions.calls.get(request, never)).rejects.toMatchObject({ code: 'unreachable' });
  });
});

describe('this device', () => {
  it('is renamed in its configuration, and tells its neighbours', async () => {
    await actions.calls.rename({ name: 'New' }, never);
    expect(config.name).toBe('New');
    expect(table.renamed).toEqual(['New']);
  });

  it('pauses, resumes and stops', async () => {
    await actions.calls.pause({}, never);
    expect(config.paused).toBe(true);
    await actions.calls.resume({}, never);
    expect(config.paused).toBe(false);
    await actions.calls.stop({}, never);
    expect(stops).toBe(1);
  });
});

describe('neighbours', () => {
  it('are added, forgotten and shown', async () => {
    expect(await actions.calls['neighbour-add']({ address: '10.0.0.9' }, never)).toMatchObject({
      addresses: ['10.0.0.9'],
    });
    await actions.calls['neighbour-forget']({ neighbour: 'Bob' }, never);
    expect(table.forgotten).toEqual([bobId]);
    expect((await actions.calls.neighbour({ neighbour: 'Bob' }, never)).shares).toHaveLength(3);
    await expect(actions.calls['neighbour-forget']({ neighbour: 'zoe' }, never)).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('views', () => {
  it('of a neighbour fit the schema, whatever it calls itself', () => {
    const view = neighbourView({ ...anna, name: '\u001b]0;owned\u0007', problem: 'why' });
    expect(NeighbourView.parse(view)).toEqual(view);
    expect(view).toMatchObject({
      name: 'k3q7-x2mf',
      addresses: ['fe80::7%eth0'],
      problem: 'why',
      lastSeen: '1970-01-01T00:00:00.000Z',
    });
    expect(neighbourView({ ...anna, lastSeen: undefined }).lastSeen).toBeNull();
  });

  it('of entries fit the schema, whatever time a file system holds', () => {
    for (const modified of [-1, 8.64e15, -8.64e15, Number.MAX_SAFE_INTEGER, 0]) {
      const view = entryView('a' as WirePath, { path: parseWirePath('b'), kind: 'file', size: 1, modified });
      expect(EntryView.parse(view)).toEqual(view);
    }
    expect(isoTime(1_600_000_007_000)).toBe('2020-09-13T12:26:47.000Z');
  });
});

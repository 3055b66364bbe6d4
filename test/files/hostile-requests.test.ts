/** What a neighbour can ask to get at what is not shared: every door, every kind of path. Nothing of the canary, nor of where things lie, may ever be in an answer. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import { FolderWatches } from '../../agent/files/folder-watches.ts';
import { createFilesHandlers } from '../../agent/files/peer-handlers.ts';
import type { PeerHandlers } from '../../agent/peers/neighbours.ts';
import { toNethoodError } from '../../protocol/errors.ts';
import { PeerRequest } from '../../protocol/peer.ts';
import { AnnasShare, bob, codeOf, never, temporaryFolder } from './files-support.ts';

const canary = 'CANARY-5f1c0b';
const scope = new Scope();
let anna: AnnasShare;
let outside: string;
let session: Pick<PeerHandlers, 'stat' | 'list' | 'walk' | 'watch'>;

beforeAll(async () => {
  anna = await AnnasShare.open(scope);
  outside = await temporaryFolder(scope);
  await writeFile(join(outside, 'canary'), canary);
  await mkdir(join(anna.folder, 'sub'));
  await writeFile(join(anna.folder, 'sub', 'file'), 'shared');
  await symlink(outside, join(anna.folder, 'linked'));
  await symlink(join(outside, 'canary'), join(anna.folder, 'linked-file'));
  await symlink('../..', join(anna.folder, 'sub', 'up'));
  await symlink('.', join(anna.folder, 'loop'));
  await symlink(join(outside, 'nothing'), join(anna.folder, 'dangling'));
  for (let at = 0; at < 8; at++) execFileSync('mkfifo', [join(anna.folder, `fifo${at}`)]);
  const server = createServer().listen(join(anna.folder, 'socket'));
  scope.defer(() => server.close());
  await once(server, 'listening');
  const watches = scope.use(new FolderWatches({ shares: anna.shares, clock: systemClock, tell: nobodyHears }));
  const uploads = undefined as never; // Nothing here offers files.
  session = { ...createFilesHandlers(anna.shares, uploads), ...watches.handlers };
});
afterAll(() => scope[Symbol.asyncDispose]());

function nobodyHears(): void {}

interface Answered {
  readonly code: string;
  readonly text: string;
}

/** Not through URL, which would resolve the dots. */
function http(method: string, path: string, { headers = {}, body = '' } = {}): Promise<Answered> {
  const { port } = new URL(anna.url);
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', method, path: `/files/${anna.share}/${path}`, headers, agent: false };
    const sent = request(options, (response) => {
      let text = JSON.stringify(response.headers);
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ code: /"code":"([a-z-]+)"/.exec(text)?.[1] ?? String(response.statusCode), text }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject).end(body);
  });
}

async function ask(type: 'stat' | 'list' | 'walk' | 'watch', path: string): Promise<Answered> {
  const asked = PeerRequest.safeParse({ type, id: 1, share: anna.share, path });
  if (!asked.success) return { code: 'bad-path', text: '' };
  try {
    const text = JSON.stringify(await session[type](bob, asked.data as never, never));
    return { code: 'answered', text };
  } catch (thrown) {
    const { code, message } = toNethoodError(thrown);
    return { code, text: message };
  }
}

const doors = {
  GET: (path: string) => http('GET', path),
  HEAD: (path: string) => http('HEAD', path),
  archive: (path: string) => http('POST', 'archive', { body: JSON.stringify(path) }),
  tree: (path: string) => http('POST', `tree/${path}`),
  stat: (path: string) => ask('stat', path),
  list: (path: string) => ask('list', path),
  walk: (path: string) => ask('walk', path),
  watch: (path: string) => ask('watch', path),
};
const doorNames = Object.keys(doors) as (keyof typeof doors)[];

function tellsNothing({ text }: Answered): void {
  expect(text).not.toContain(canary);
  for (const place of [anna.folder, outside, '/proc/', 'node:', '.ts:']) expect(text).not.toContain(place);
}

describe.each(doorNames)('%s', (door) => {
  it.each([
    '../canary',
    '..',
    '.',
    './sub/file',
    'sub/../../canary',
    'sub/./file',
    'sub//file',
    '/etc/passwd',
    '%2E%2E/canary',
    '%2e%2e/canary',
    '..%2Fcanary',
    '%2Fetc%2Fpasswd',
    'sub%2Ffile',
    'sub/file%00',
    '%',
    '%zz',
    'caf%c3%a9',
    'x'.repeat(300),
    Array.from({ length: 1100 }, () => 'd').join('/'),
  ])('says that %s is no path', async (path) => {
    const answered = await doors[door](path);
    tellsNothing(answered);
    if (door === 'HEAD') expect(answered.code).toBe('400');
    else expect(answered.code).toBe('bad-path');
  });

  it.each([
    'linked',
    'linked/canary',
    'linked-file',
    'sub/up',
    'sub/up/canary',
    'loop',
    'loop/loop/sub/file',
    'dangling',
    '..%5C..%5Ccanary',
    'C%3A%5C',
    'sub%5Cfile',
    '%C0%AE%C0%AE/canary',
    'sub/file/..%20',
    'missing',
    '%FF',
  ])('finds nothing at %s', async (path) => {
    const answered = await doors[door](path);
    tellsNothing(answered);
    expect(answered.code).toBe(door === 'HEAD' ? '404' : 'not-found');
  });

  it.each(['fifo0', 'socket'])('never opens %s', async (path) => {
    const answered = await doors[door](path);
    tellsNothing(answered);
    const expected = door === 'GET' || door === 'archive' ? 'not-a-file' : door === 'HEAD' ? '404' : 'not-found';
    expect(answered.code).toBe(expected);
  });
});

it('a listing and a walk show no link and no special file, and count them', async () => {
  const list = await ask('list', '');
  const walk = await ask('walk', '');
  for (const answered of [list, walk]) tellsNothing(answered);
  expect(JSON.parse(list.text)).toMatchObject({ entries: [{ path: 'sub' }], skipped: 13 });
  expect(JSON.parse(walk.text)).toMatchObject({ entries: [{ path: 'sub' }, { path: 'sub/file' }], skipped: 14 });
});

it('eight FIFOs asked for at once keep nobody waiting', async () => {
  const fifos = Array.from({ length: 8 }, (_, at) => doors.GET(`fifo${at}`));
  const file = await doors.GET('sub/file');
  expect(file.text).toContain('shared');
  expect((await Promise.all(fifos)).map(({ code }) => code)).toEqual(Array.from({ length: 8 }, () => 'not-a-file'));
});

describe('a part of a file', () => {
  it.each([
    ['bytes=6-', '416'],
    ['bytes=9007199254740992-', '416'],
    ['bytes=1.5-3', '416'],
    ['bytes=--1', '416'],
    ['bytes=5-2', '416'],
    ['bytes=-0', '416'],
    ['bytes=0-9007199254740993', '206'],
    ['bytes=0-99999999999999999999999', '416'],
    ['bytes=0-0,2-3', '200'],
    ['bytes=\u00e9', '416'],
  ])('%s is %s, and never more than the file', async (range, status) => {
    const { code, text } = await http('GET', 'sub/file', { headers: { range } });
    expect(status === '416' ? [code] : [code, text.endsWith('shared')]).toEqual(
      status === '416' ? ['range'] : [status, true],
    );
  });

  it.each([
    [-1, 3],
    [0, 0],
    [1.5, 3],
    [6, 7],
    [0, Number.NaN],
    [2 ** 53, 2 ** 53 + 2],
  ])('from %s to %s is refused by the tree itself', async (start, end) => {
    const tree = anna.shares.tree(bob, anna.share, 'read');
    const entry = PeerRequest.parse({ type: 'stat', id: 1, share: anna.share, path: 'sub/file' });
    if (entry.type !== 'stat') throw new Error('not a stat');
    expect(await codeOf(tree.read(entry.path, { range: { start, end }, signal: never }))).toBe('range');
  });

  it('of another version is refused', async () => {
    expect(await http('GET', 'sub/file', { headers: { 'if-match': '"another"' } })).toMatchObject({ code: 'changed' });
  });
});

it('a file that its owner linked into the share is the share’s own: two names, one file', async () => {
  await writeFile(join(anna.folder, 'sub', 'twice'), 'twice');
  await link(join(anna.folder, 'sub', 'twice'), join(anna.folder, 'sub', 'thrice'));
  expect((await doors.GET('sub/thrice')).text).toContain('twice');
});

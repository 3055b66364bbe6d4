import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, stat, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { Transfers } from '../../agent/files/files-service.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { TransferView } from '../../protocol/control.ts';
import { features } from '../../protocol/peer.ts';
import { rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, never, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let anna: AnnasShare;
let home: string;
let target: string;
let transfers: Transfers & AsyncDisposable;

async function startAgent(): Promise<void> {
  const deps = { neighbours: anna.neighbours, stateFolder: join(home, 'state'), clock: systemClock };
  transfers = scope.use(await createTransfers({ ...deps, random: () => 1, log: silentLog }));
}

beforeEach(async () => {
  anna = await AnnasShare.open(scope);
  // As one stream: folder-stream.test.ts.
  anna.features = new Set(features.filter((name) => name !== 'tree'));
  home = await temporaryFolder(scope);
  target = join(home, 'target');
  await mkdir(target);
  await startAgent();
});

function begin(path: string, destination = target): Promise<TransferView> {
  const wire = path === '' ? rootPath : wirePathFromPlain(path);
  return transfers.get({
    neighbour: annaId,
    share: anna.share,
    path: wire,
    source: `Anna/Public/${path}`,
    destination,
  });
}

async function ended(view: TransferView): Promise<TransferView> {
  let last = view;
  for await (const next of transfers.watch(view.id, never)) last = next;
  return last;
}

const get = async (path: string, destination = target): Promise<TransferView> => ended(await begin(path, destination));

/** Every path below a folder with its time and content, names as latin1. */
async function contentOf(folder: string | Buffer): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: false, encoding: 'buffer' })) {
    const path = Buffer.concat([Buffer.from(folder), Buffer.from('/'), entry]);
    const stats = await lstat(path);
    const name = entry.toString('latin1');
    if (stats.isSymbolicLink()) continue;
    const time = Math.floor(stats.mtimeMs);
    if (!stats.isDirectory()) found.set(name, `${time} ${(await readFile(path)).toString('latin1')}`);
    else {
      found.set(`${name}/`, String(time));
      for (const [below, what] of await contentOf(path)) found.set(`${name}/${below}`, what);
    }
  }
  return found;
}

async function annaHas(path: string, content: string | Buffer): Promise<void> {
  await mkdir(join(anna.folder, path, '..'), { recursive: true });
  await writeFile(join(anna.folder, path), content);
  await utimes(join(anna.folder, path), 0, 1_600_000_000 + content.length + 0.123_5);
}

async function agedFolders(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    await agedFolders(join(folder, entry.name));
    await utimes(join(folder, entry.name), 0, 1_500_000_000 + entry.name.length + 0.5);
  }
}

const expectSame = async (from: string, to: string): Promise<void> =>
  expect(Object.fromEntries(await contentOf(to))).toEqual(Object.fromEntries(await contentOf(from)));

async function project(files: number): Promise<void> {
  for (let at = 0; at < files; at++)
    await annaHas(`work/part ${at % 7}/file ${at}.txt`, `content of ${at}`.repeat(at % 50));
  await annaHas('work/large.bin', randomBytes(9_000_000));
  await mkdir(join(anna.folder, 'work', 'empty', 'within'), { recursive: true });
  await agedFolders(anna.folder);
}

it('a folder of 1,000 files arrives with all names, contents and times, empty folders too', async () => {
  await project(1000);
  const view = await get('work');
  expect(view).toMatchObject({ state: 'done', files: 1001, filesTotal: 1001, skipped: 0, resumedFrom: 0 });
  expect(view.destination).toBe(join(target, 'work'));
  expect(view.bytes).toBe(view.bytesTotal);
  await expectSame(join(anna.folder, 'work'), join(target, 'work'));
  expect((await stat(join(target, 'work'))).mtimeMs).toBe((await stat(join(anna.folder, 'work'))).mtimeMs);
  expect([await readdir(target), await readdir(home)]).toEqual([['work'], ['state', 'target']]);
});

it('a whole share is called like the share, or as asked', async () => {
  await annaHas('a/b', 'x');
  expect((await get('')).destination).toBe(join(target, 'Public'));
  expect((await get('', join(home, 'mine'))).destination).toBe(join(home, 'mine'));
  expect(await readFile(join(home, 'mine', 'a', 'b'), 'utf8')).toBe('x');
});

it('names that are no text arrive byte for byte', async () => {
  const names = [
    Buffer.from('two\nlines'),
    Buffer.from('\u001B[31m'),
    Buffer.alloc(255, 'x'),
    Buffer.from([0xff, 0xc3]),
  ];
  await mkdir(join(anna.folder, 'odd'));
  for (const name of names) {
    const folder = Buffer.concat([Buffer.from(`${anna.folder}/odd/`), name]);
    await mkdir(folder);
    await writeFile(Buffer.concat([folder, Buffer.from('/'), name]), name);
  }
  expect(await get('odd')).toMatchObject({ state: 'done', files: 4, skipped: 0 });
  await expectSame(join(anna.folder, 'odd'), join(target, 'odd'));
});

it('links and special files are left out and counted', async () => {
  await annaHas('work/file', 'x');
  await symlink('/etc', join(anna.folder, 'work', 'link'));
  expect(await get('work')).toMatchObject({ state: 'done', files: 1, skipped: 1 });
  expect(await readdir(join(target, 'work'))).toEqual(['file']);
});

/** As a user whom rights concern, where the tests run as root. */
async function withoutPrivileges<T>(act: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return act();
  const nobody = 65_534;
  execFileSync('chown', ['-R', String(nobody), home, anna.folder]);
  process.seteuid?.(nobody);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
  }
}

it.each(['one stream', 'archives'])(
  'a file that its owner may not read is named, a folder counted, and all else comes: as %s',
  async (how) => {
    if (how === 'one stream') anna.features = new Set(features);
    for (const path of ['a.txt', 'b/closed.txt', 'c/d.txt', 'e/in.txt', 'z.txt']) await annaHas(`work/${path}`, path);
    for (const path of ['b/closed.txt', 'e']) await chmod(join(anna.folder, 'work', path), 0);
    const view = await withoutPrivileges(() => get('work'));
    expect(view).toMatchObject({
      state: 'failed',
      error: { code: 'not-permitted' },
      files: 3,
      skipped: 1,
    });
    expect(view.error?.message).toMatch(
      /^"work\/b\/closed.txt" could not be fetched \(the system does not let the agent use "work\/b\/closed.txt".*\); everything else was\.$/,
    );
  },
);

it('what is here already is not fetched again, what changed is kept beside it', async () => {
  await annaHas('work/same', 'same');
  await annaHas('work/changed', 'one');
  await get('work');
  await annaHas('work/changed', 'three');
  await annaHas('work/new', 'new');
  for (let round = 0; round < 2; round++) {
    const view = await get('work');
    expect(view).toMatchObject({ state: 'done', files: 3, destination: join(target, 'work') });
    expect(view.resumedFrom).toBe(round === 0 ? 4 : 12);
  }
  expect(await readdir(join(target, 'work'))).toEqual(['changed', 'changed (2)', 'new', 'same']);
});

it('the same command goes on where it was, even into a folder that it named itself', async () => {
  await project(300);
  const named = join(home, 'copy');
  anna.cutAfter = 2_000_000;
  const view = await begin('work', named);
  for await (const next of transfers.watch(view.id, never)) if (next.state === 'waiting') break;
  await transfers[Symbol.asyncDispose]();
  expect(transfers.list()[0]).toMatchObject({ id: view.id, state: 'failed', error: { code: 'interrupted' } });
  await startAgent();
  expect(await get('work', named)).toMatchObject({ state: 'done', files: 301, destination: named });
  await expectSame(join(anna.folder, 'work'), named);
  expect(await readdir(home)).toEqual(['copy', 'state', 'target']);
});

it('a connection that breaks again and again costs only time', async () => {
  await project(1000);
  anna.cutAfter = 300_000;
  const view = await begin('work');
  for await (const next of transfers.watch(view.id, never))
    if (next.state === 'running' && anna.cutAfter > 9_000_000 && next.files < 900) anna.cutAfter = 400_000;
  expect(await ended(view)).toMatchObject({ state: 'done', files: 1001 });
  await expectSame(join(anna.folder, 'work'), join(target, 'work'));
});

it('no file is ever seen in part, and none under a partial name within the folder', async () => {
  await project(400);
  const sizes = new Map([...(await contentOf(anna.folder))].map(([name, what]) => [name, what.length]));
  const view = await begin('work');
  const running = ended(view);
  let looks = 0;
  for (let done = false; !done; looks++) {
    done = await Promise.race([
      running.then(() => true),
      new Promise<false>((resolve) => void setImmediate(resolve, false)),
    ]);
    for (const [name, what] of await contentOf(join(target, 'work')).catch(() => new Map<string, string>())) {
      expect(name).not.toContain('nethood-part');
      if (!name.endsWith('/')) expect([name, what.length]).toEqual([name, sizes.get(`work/${name}`)]);
    }
  }
  expect(looks).toBeGreaterThan(1);
});

it('a link planted under the name of the partial folder leads to no harm', async () => {
  await annaHas('work/a', 'a');
  const elsewhere = join(home, 'elsewhere');
  await mkdir(elsewhere);
  await writeFile(join(elsewhere, 'precious'), 'mine');
  // The name can be guessed: it follows from what is fetched and where to.
  const { request } = anna.neighbours;
  let staging = '';
  Object.assign(anna.neighbours, {
    request: async (...asked: Parameters<typeof request>) => {
      if (asked[1] === 'walk') staging = (await readdir(target)).find((name) => name.endsWith('.nethood-part')) ?? '';
      return request(...asked);
    },
  });
  await get('work');
  expect(staging).not.toBe('');
  await symlink(elsewhere, join(target, staging));
  await annaHas('work/b', 'b');
  expect(await get('work')).toMatchObject({ state: 'failed', error: { code: 'exists' } });
  expect([await readdir(elsewhere), await readdir(join(target, 'work'))]).toEqual([['precious'], ['a']]);
});

it('files that vanish between listing and sending are counted, not missed in silence', async () => {
  await annaHas('work/a', 'a');
  await annaHas('work/b', 'b');
  const { request } = anna.neighbours;
  Object.assign(anna.neighbours, {
    request: async (...asked: Parameters<typeof request>) => {
      const answer = await request(...asked);
      if (asked[1] === 'walk') await unlink(join(anna.folder, 'work', 'b'));
      return answer;
    },
  });
  expect(await get('work')).toMatchObject({ state: 'done', files: 1, skipped: 1 });
});

it('what is cancelled stops, and leaves only whole files', async () => {
  await project(1000);
  const view = await begin('work');
  for await (const next of transfers.watch(view.id, never)) if (next.files > 0) break;
  expect(await transfers.cancel(view.id)).toMatchObject({ state: 'cancelled' });
  const wanted = await contentOf(join(anna.folder, 'work'));
  const got = await contentOf(join(target, 'work'));
  for (const [name, what] of got) if (!name.endsWith('/')) expect(what).toBe(wanted.get(name));
  expect(await get('work')).toMatchObject({ state: 'done', files: 1001 });
});

it('a neighbour without archives is asked for each file', async () => {
  anna.features = new Set(['walk']);
  await annaHas('work/a', 'a');
  await annaHas('work/b', 'b');
  expect(await get('work')).toMatchObject({ state: 'done', files: 2 });
  expect(anna.requests).toEqual(['GET', 'GET']);
});

it.each([
  ['a path out of the folder', [{ path: '..%2Fx', kind: 'file', size: 1, modified: 0 }]],
  ['a file before its folder', [{ path: 'a/b', kind: 'file', size: 1, modified: 0 }]],
  ['a file without a name', [{ path: '', kind: 'file', size: 1, modified: 0 }]],
])('a neighbour that lists %s is refused', async (_what, entries) => {
  await annaHas('work/a', 'a');
  const { request } = anna.neighbours;
  Object.assign(anna.neighbours, {
    request: (...asked: Parameters<typeof request>) =>
      asked[1] === 'walk' ? Promise.resolve({ entries, skipped: 0 }) : request(...asked),
  });
  expect((await get('work')).state).toBe('failed');
  expect([await readdir(home), await readdir(join(target, 'work'))]).toEqual([['state', 'target'], []]);
});

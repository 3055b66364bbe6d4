import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { PutOrder, Transfers } from '../../agent/files/files-service.ts';
import { RateLimit } from '../../agent/files/rate-limit.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { PeerAsk } from '../../agent/peers/neighbours.ts';
import type { TransferView } from '../../protocol/control.ts';
import { features } from '../../protocol/peer.ts';
import { typedPathReadings } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, codeOf, never, sha256, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let anna: AnnasShare;
let home: string;
let transfers: Transfers & AsyncDisposable;

async function startAgent(): Promise<void> {
  const deps = { neighbours: anna.neighbours, stateFolder: join(home, 'state'), clock: systemClock };
  transfers = scope.use(await createTransfers({ ...deps, random: () => 1, log: silentLog }));
}

beforeEach(async () => {
  anna = await AnnasShare.open(scope, { rights: 'write' });
  home = await temporaryFolder(scope);
  await startAgent();
});

const begin = (source: string, path = '', more: Partial<PutOrder> = {}): Promise<TransferView> =>
  transfers.put({
    neighbour: annaId,
    share: anna.share,
    readings: typedPathReadings(path),
    source: join(home, source),
    place: 'Anna/Public',
    into: false,
    keep: false,
    ...more,
  });

async function ended(view: TransferView): Promise<TransferView> {
  let last = view;
  for await (const next of transfers.watch(view.id, never)) last = next;
  return last;
}

const put = async (source: string, path = '', more: Partial<PutOrder> = {}): Promise<TransferView> =>
  ended(await begin(source, path, more));

async function have(path: string, content: string | Buffer): Promise<void> {
  await mkdir(join(home, path, '..'), { recursive: true });
  await writeFile(join(home, path), content);
  await utimes(join(home, path), 0, 1_600_000_000.123_5);
}

const there = (path: string): string => join(anna.folder, path);
const namesThere = async (path = ''): Promise<string[]> => (await readdir(there(path))).toSorted();
const partsThere = async (): Promise<string[]> => (await namesThere()).filter((name) => name.endsWith('.nethood-part'));

async function expectSame(path: string): Promise<void> {
  expect(await sha256(there(path))).toBe(await sha256(join(home, path)));
}

/** Broken off after some megabytes, given up, and begun again. */
async function interrupted(size = 20_000_000): Promise<void> {
  await have('big', randomBytes(size));
  anna.takenAtMost = 12_000_000;
  const view = await begin('big');
  await expect.poll(() => transfers.list()[0]?.state).toBe('waiting');
  await transfers.cancel(view.id);
  expect(await namesThere()).toEqual(await partsThere());
  expect(await partsThere()).toHaveLength(1);
}

describe('a file', () => {
  it('arrives whole, with its time, and leaves nothing else behind', async () => {
    await have('report.pdf', randomBytes(20_000_000));
    const view = await put('report.pdf');
    expect(view).toMatchObject({ state: 'done', destination: 'Anna/Public/report.pdf', files: 1, bytes: 20_000_000 });
    expect(view).toMatchObject({ direction: 'put', source: join(home, 'report.pdf'), resumedFrom: 0 });
    await expectSame('report.pdf');
    expect((await stat(there('report.pdf'))).mtimeMs).toBe(1_600_000_000_123);
    expect(await namesThere()).toEqual(['report.pdf']);
  });

  it('may be empty', async () => {
    await have('empty', '');
    expect(await put('empty')).toMatchObject({ state: 'done', files: 1, bytes: 0 });
    expect((await stat(there('empty'))).size).toBe(0);
  });

  it('cannot be run there, whatever it could be here', async () => {
    await have('tool', '#!/bin/sh');
    await chmod(join(home, 'tool'), 0o4755);
    await put('tool');
    expect((await stat(there('tool'))).mode & 0o7111).toBe(0);
  });

  it('goes into a folder that is there, or under a new name', async () => {
    await have('a.txt', 'a');
    await mkdir(there('sub'));
    expect(await put('a.txt', 'sub')).toMatchObject({ state: 'done', destination: 'Anna/Public/sub/a.txt' });
    expect(await put('a.txt', 'sub/b%20.txt')).toMatchObject({ destination: 'Anna/Public/sub/b%20.txt' });
    expect(await namesThere('sub')).toEqual(['a.txt', 'b%20.txt']);
    expect(await codeOf(begin('a.txt', 'missing/b.txt'))).toBe('not-found');
    expect(await codeOf(begin('a.txt', 'new', { into: true }))).toBe('not-found');
    expect(await codeOf(begin('a.txt', 'sub/a.txt', { into: true }))).toBe('not-a-folder');
  });

  it('that is there already is not sent again', async () => {
    await have('a.bin', randomBytes(9_000_000));
    await put('a.bin');
    const before = anna.taken;
    expect(await put('a.bin')).toMatchObject({ state: 'done', bytes: 9_000_000, resumedFrom: 9_000_000 });
    expect(anna.taken - before).toBeLessThan(10_000);
  });

  it('that is there with the same size and time, but another content, is sent', async () => {
    for (const [name, size] of [
      ['small', 3_000],
      ['large', 9_000_000],
    ] as const) {
      const content = randomBytes(size);
      await have(name, content);
      await put(name);
      content[size >> 1] = (content[size >> 1] ?? 0) ^ 1;
      await have(name, content);
      expect(await put(name)).toMatchObject({ state: 'done', bytes: size, resumedFrom: 0 });
      await expectSame(name);
    }
    expect(await namesThere()).toEqual(['large', 'small']);
  });

  it('that is there is known by size and time alone where the owner cannot tell more', async () => {
    anna.features = new Set(features.filter((feature) => feature !== 'digests'));
    await have('a.txt', 'one');
    await put('a.txt');
    await have('a.txt', 'two');
    expect(await put('a.txt')).toMatchObject({ state: 'done', resumedFrom: 3 });
  });

  it('takes the place of another, whole and at once', async () => {
    await writeFile(there('a.txt'), 'what was there');
    await have('a.txt', 'new');
    expect(await put('a.txt')).toMatchObject({ state: 'done' });
    expect(await readFile(there('a.txt'), 'utf8')).toBe('new');
  });

  it('says which folder is missing, not what was to be in it', async () => {
    await have('a.txt', 'a');
    for (const [path, into] of [
      ['nowhere/b.txt', false],
      ['nowhere', true],
    ] as const)
      await expect(begin('a.txt', path, { into })).rejects.toThrow(
        'There is no folder "Anna/Public/nowhere" to put it in.',
      );
  });

  it('comes beside another where both are kept, and only once', async () => {
    await writeFile(there('a.txt'), 'what was there');
    await have('a.txt', 'new');
    const kept = { state: 'done', destination: 'Anna/Public/a (2).txt' };
    expect(await put('a.txt', '', { keep: true })).toMatchObject(kept);
    expect(await put('a.txt', '', { keep: true })).toMatchObject({ ...kept, resumedFrom: 3 });
    expect(await namesThere()).toEqual(['a (2).txt', 'a.txt']);
    expect(await readFile(there('a.txt'), 'utf8')).toBe('what was there');
  });

  it('comes beside one of the same size and time too, where its content is another', async () => {
    for (const size of [3_000, 9_000_000]) {
      const [one, two] = [randomBytes(size), randomBytes(size)];
      for (const content of [one, two, one, two]) {
        await have(`${size}.bin`, content);
        expect(await put(`${size}.bin`, '', { keep: true })).toMatchObject({ state: 'done' });
      }
      expect((await readFile(there(`${size}.bin`))).equals(one)).toBe(true);
      expect((await readFile(there(`${size} (2).bin`))).equals(two)).toBe(true);
    }
    expect(await namesThere()).toHaveLength(4);
  });

  it.each([
    ['a folder of that name', 'not-a-file', () => mkdir(there('sub/x'), { recursive: true }), 'x'],
    ['a twin in another case', 'exists', () => writeFile(there('sub/X'), ''), 'x'],
    ['a name that Windows cannot hold', 'bad-path', () => Promise.resolve(), 'NUL.txt'],
    ['a name of our own parts', 'bad-path', () => Promise.resolve(), '.0123abcd.nethood-part'],
  ] as const)('is refused for %s', async (_why, code, prepare, name) => {
    await mkdir(there('sub'));
    await prepare();
    await have('x', randomBytes(9_000_000));
    const view = begin('x', `sub/${name}`);
    if (name === 'x' && code === 'not-a-file') return expect((await view).destination).toBe('Anna/Public/sub/x/x');
    expect((await ended(await view)).error?.code).toBe(code);
    expect(await partsThere()).toEqual([]);
  });

  it('and another to the same place do not mix, nor disturb each other', async () => {
    await have('one/x', Buffer.alloc(16_000_000, 'a'));
    await have('other/x', Buffer.alloc(16_000_000, 'b'));
    const ends = await Promise.all([put('one/x'), put('other/x')]);
    expect(ends).toMatchObject([{ state: 'done' }, { state: 'done' }]);
    const hashes = await Promise.all([sha256(join(home, 'one/x')), sha256(join(home, 'other/x'))]);
    expect(hashes).toContain(await sha256(there('x')));
    expect(await namesThere()).toEqual(['x']);
    expect(anna.taken).toBeLessThan(48_000_000);
  });

  it('that is a link is sent as what it leads to, under its own name', async () => {
    await have('real', 'content');
    await symlink(join(home, 'real'), join(home, 'link'));
    expect(await put('link')).toMatchObject({ destination: 'Anna/Public/link' });
    expect(await readFile(there('link'), 'utf8')).toBe('content');
  });

  it('that is none, or is not there, is an error before anything begins', async () => {
    expect(await codeOf(begin('missing'))).toBe('not-found');
    expect(await codeOf(begin('x', '', { source: '/dev/null' }))).toBe('not-a-file');
    expect(transfers.list()).toEqual([]);
  });

  it('cannot be put into a share that is read-only, nor to an agent that does not know how', async () => {
    await have('a.txt', 'a');
    const reader = await AnnasShare.open(scope);
    anna = reader;
    await startAgent();
    expect(await put('a.txt')).toMatchObject({ state: 'failed', error: { code: 'not-permitted' } });
    reader.features = new Set(['walk']);
    expect(await codeOf(begin('a.txt'))).toBe('unsupported');
  });
});

it('keeps to the limit that the user has set, a file and a folder', async () => {
  const deps = { neighbours: anna.neighbours, stateFolder: join(home, 'state'), clock: systemClock };
  const limit = new RateLimit(systemClock, () => 2_000_000);
  transfers = scope.use(await createTransfers({ ...deps, random: () => 1, log: silentLog, limit }));
  await have('work/small', randomBytes(1_500_000));
  await have('large', randomBytes(1_500_000));
  const begun = performance.now();
  const ends = await Promise.all([put('work'), put('large')]);
  expect(ends).toMatchObject([{ state: 'done' }, { state: 'done' }]);
  expect(performance.now() - begun).toBeGreaterThan(1_300);
});

describe('a file that broke off', () => {
  it('goes on by itself with the bytes that are missing', async () => {
    await have('big', randomBytes(20_000_000));
    anna.takenAtMost = 12_000_000;
    expect(await put('big')).toMatchObject({ state: 'done', bytes: 20_000_000, resumedFrom: 0 });
    await expectSame('big');
    expect(await namesThere()).toEqual(['big']);
    expect(anna.taken).toBeLessThan(22_000_000);
  });

  it('is resumed by the same order, and tells what was there', async () => {
    await interrupted();
    await startAgent();
    const before = anna.taken;
    const view = await put('big');
    expect(view).toMatchObject({ state: 'done', bytes: 20_000_000 });
    expect(view.resumedFrom).toBeGreaterThan(8_000_000);
    expect(anna.taken - before).toBeLessThan(12_500_000);
    await expectSame('big');
    expect(await namesThere()).toEqual(['big']);
  });

  it('is compared, not trusted: a part that was damaged is sent again from there', async () => {
    await interrupted();
    const [part = ''] = await partsThere();
    const bytes = await readFile(there(part));
    bytes.writeUInt8(bytes.readUInt8(3_000_000) ^ 1, 3_000_000);
    await writeFile(there(part), bytes);
    const view = await put('big');
    expect(view).toMatchObject({ state: 'done', resumedFrom: 2 << 20 });
    await expectSame('big');
  });

  it.each([300, 500, 700, 900, 1_100])(
    'goes on although what is told of its part breaks off, after %i bytes',
    async (cut) => {
      await interrupted();
      anna.cutAfter = cut;
      expect(await put('big')).toMatchObject({ state: 'done', bytes: 20_000_000, error: null });
      await expectSame('big');
    },
  );

  it('is compared with what the file is by now', async () => {
    await interrupted();
    const changed = await readFile(join(home, 'big'));
    changed.write('another beginning');
    await writeFile(join(home, 'big'), changed);
    expect(await put('big')).toMatchObject({ state: 'done', resumedFrom: 0 });
    await expectSame('big');
    await truncate(join(home, 'big'), 5_000_000);
    expect(await put('big')).toMatchObject({ state: 'done', bytes: 5_000_000 });
    await expectSame('big');
  });

  it('begins anew where its part is another file by now', async () => {
    await interrupted();
    const [part = ''] = await partsThere();
    await rm(there(part));
    await symlink(join(home, 'big'), there(part));
    const before = await sha256(join(home, 'big'));
    expect(await put('big')).toMatchObject({ state: 'done', resumedFrom: 0 });
    await expectSame('big');
    expect(await sha256(join(home, 'big'))).toBe(before);
  });

  it('waits for a neighbour that is away', async () => {
    await have('big', randomBytes(20_000_000));
    anna.takenAtMost = 12_000_000;
    const view = await begin('big');
    await expect.poll(() => transfers.list()[0]?.state).toBe('waiting');
    anna.away = true;
    anna.away = false;
    expect(await ended(view)).toMatchObject({ state: 'done', bytes: 20_000_000 });
    await expectSame('big');
  });
});

describe('a file that changes while it is sent', () => {
  it('is never a mixture', async () => {
    const size = 24_000_000;
    await have('log', Buffer.alloc(size, 'a'));
    const view = await begin('log');
    await expect.poll(() => anna.taken).toBeGreaterThan(0);
    await writeFile(join(home, 'log'), Buffer.alloc(size, 'b'));
    expect((await ended(view)).state).toBe('done');
    await expectSame('log');
  });
});

async function project(files: number): Promise<void> {
  for (let at = 0; at < files; at++)
    await have(`work/part ${at % 7}/file ${at}.txt`, `content of ${at}`.repeat(at % 50));
  await have('work/large.bin', randomBytes(9_000_000));
  await have('work/Ünïcode ☂', 'x');
  await mkdir(join(home, 'work', 'empty', 'within'), { recursive: true });
  for (const folder of ['work/empty/within', 'work/empty', 'work/part 0', 'work'])
    await utimes(join(home, folder), 0, 1_500_000_000.25);
}

/** Every path below with its time and content. */
async function contentOf(folder: string, below = ''): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = join(below, entry.name);
    const time = Math.floor((await stat(join(folder, path))).mtimeMs);
    if (entry.isDirectory()) Object.assign(found, { [`${path}/`]: String(time) }, await contentOf(folder, path));
    else if (entry.isFile()) found[path] = `${time} ${(await readFile(join(folder, path))).toString('latin1')}`;
  }
  return found;
}

describe('a folder', () => {
  it('arrives with all that is in it: empty folders, times, names', async () => {
    await project(200);
    const view = await put('work');
    expect(view).toMatchObject({ state: 'done', destination: 'Anna/Public/work', files: 202, filesTotal: 202 });
    expect(await contentOf(there('work'))).toEqual(await contentOf(join(home, 'work')));
    expect(await namesThere()).toEqual(['work']);
    expect((await stat(there('work'))).mtimeMs).toBe(1_500_000_000_250);
  });

  it('goes as a tar to who knows nothing else', async () => {
    anna.features = new Set(features.filter((feature) => feature !== 'put-frames'));
    await project(20);
    expect(await put('work')).toMatchObject({ state: 'done', files: 22 });
    expect(await contentOf(there('work'))).toEqual(await contentOf(join(home, 'work')));
  });

  it('goes under a new name, and the same order goes on there', async () => {
    await project(30);
    anna.takenAtMost = 4_000_000;
    const view = await begin('work', 'copy');
    await expect.poll(() => transfers.list()[0]?.state).toBe('waiting');
    await transfers.cancel(view.id);
    await startAgent();
    expect(await put('work', 'copy')).toMatchObject({ state: 'done', destination: 'Anna/Public/copy', files: 32 });
    expect(await contentOf(there('copy'))).toEqual(await contentOf(join(home, 'work')));
    // That order is done: now `copy` is a folder that is there.
    expect(await put('work', 'copy')).toMatchObject({ destination: 'Anna/Public/copy/work' });
  });

  it('is not asked about file by file where it was made for them', async () => {
    await project(30);
    await have('work/NUL.txt', 'x');
    const ask = vi.spyOn(anna.neighbours, 'request');
    expect(await put('work')).toMatchObject({ state: 'failed', error: { code: 'bad-path' } });
    const offered = ask.mock.calls.flatMap(([, type, asked]) =>
      type === 'offer' ? (asked as PeerAsk<'offer'>).entries : [],
    );
    expect(new Set(offered.map(({ kind }) => kind))).toContain('folder');
    expect(offered.filter(({ kind, path }) => kind === 'file' && !path.includes('/'))).toEqual([]);
    expect(await namesThere('work')).not.toContain('NUL.txt');
  });

  it('a second time sends nothing but what is new', async () => {
    await project(300);
    await put('work');
    await have('work/part 3/new.txt', 'new');
    const before = anna.taken;
    const view = await put('work');
    expect(view).toMatchObject({ state: 'done', files: 303 });
    expect(view.bytes - view.resumedFrom).toBe(3);
    expect(anna.taken - before).toBeLessThan(100_000);
    expect(await readFile(there('work/part 3/new.txt'), 'utf8')).toBe('new');
  });

  it('a second time sends what has changed without a new size or time, and nothing else', async () => {
    for (const name of ['a', 'b', 'c']) await have(`work/${name}`, name.repeat(9));
    await put('work');
    await have('work/b', 'B'.repeat(9));
    for (const keep of [false, true]) {
      const before = anna.taken;
      const view = await put('work', '', { keep });
      expect(view).toMatchObject({ state: 'done', files: 3, bytes: 27, resumedFrom: keep ? 27 : 18 });
      expect(anna.taken - before).toBeLessThan(10_000);
      expect(await readFile(there('work/b'), 'utf8')).toBe('B'.repeat(9));
    }
    expect(await namesThere('work')).toEqual(['a', 'b', 'c']);
  });

  it('is merged with what is there; both are kept where that is asked for', async () => {
    await have('work/a.txt', 'mine');
    await have('work/b.txt', 'b');
    await mkdir(there('work'));
    await writeFile(there('work/a.txt'), 'hers');
    await writeFile(there('work/c.txt'), 'hers alone');
    await put('work', '', { keep: true });
    expect(await namesThere('work')).toEqual(['a (2).txt', 'a.txt', 'b.txt', 'c.txt']);
    expect(await readFile(there('work/a.txt'), 'utf8')).toBe('hers');
    await put('work');
    expect(await readFile(there('work/a.txt'), 'utf8')).toBe('mine');
    expect(await readFile(there('work/c.txt'), 'utf8')).toBe('hers alone');
  });

  it('has its links left out, and counted', async () => {
    await have('work/a.txt', 'a');
    await symlink('/etc/passwd', join(home, 'work', 'passwd'));
    expect(await put('work')).toMatchObject({ state: 'done', files: 1, skipped: 1 });
    expect(await namesThere('work')).toEqual(['a.txt']);
  });

  it('of which something is refused says so, and sends the rest', async () => {
    await have('work/NUL.txt', 'x');
    await have('work/aux/below.txt', 'x');
    await have('work/fine.txt', 'x');
    const view = await put('work');
    expect(view).toMatchObject({ state: 'failed', error: { code: 'bad-path' }, files: 1 });
    expect(view.error?.message).toMatch(
      /^"(aux|NUL\.txt)" and 1 more could not be put there \(.* is a name that not every system can hold\); everything else was\.$/,
    );
    expect(await namesThere('work')).toEqual(['fine.txt']);
  });

  it('does not take the place of a file', async () => {
    await have('work/a.txt', 'a');
    await writeFile(there('work'), 'a file');
    expect(await codeOf(begin('work', 'work', { into: true }))).toBe('not-a-folder');
    expect(await put('work', '')).toMatchObject({ state: 'failed', error: { code: 'exists' } });
  });

  it('broken off again and again arrives whole', async () => {
    await project(100);
    for (let at = 0; at < 3; at++) await have(`work/large ${at}`, randomBytes(10_000_000));
    anna.takenAtMost = 6_000_000;
    const view = await begin('work');
    for (let cut = 0; cut < 4; cut++) {
      await expect.poll(() => anna.takenAtMost, { timeout: 10_000 }).toBe(Number.POSITIVE_INFINITY);
      anna.takenAtMost = 6_000_000;
    }
    anna.takenAtMost = Number.POSITIVE_INFINITY;
    expect(await ended(view)).toMatchObject({ state: 'done', files: 105 });
    expect(await contentOf(there('work'))).toEqual(await contentOf(join(home, 'work')));
    expect(await namesThere('work')).not.toContainEqual(expect.stringMatching(/nethood-part/));
  });
});

import { randomBytes } from 'node:crypto';
import {
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { Transfers } from '../../agent/files/files-service.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { TransferView } from '../../protocol/control.ts';
import { TransferId } from '../../protocol/ids.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, codeOf, never, sha256, temporaryFolder } from './files-support.ts';

const outer = new Scope();
afterAll(() => outer[Symbol.asyncDispose]());

let anna: AnnasShare;
let home: string;
let target: string;
let transfers: Transfers & AsyncDisposable;

const agent = async (): Promise<Transfers & AsyncDisposable> =>
  outer.use(
    await createTransfers({
      neighbours: anna.neighbours,
      stateFolder: join(home, 'state'),
      clock: systemClock,
      random: () => 1,
      log: silentLog,
    }),
  );

beforeEach(async () => {
  anna = await AnnasShare.open(outer);
  home = await temporaryFolder(outer);
  target = join(home, 'target');
  await mkdir(target);
  transfers = await agent();
});

const begin = (path: string, destination = target): Promise<TransferView> =>
  transfers.get({
    neighbour: annaId,
    share: anna.share,
    path: wirePathFromPlain(path),
    source: `Anna/Public/${path}`,
    destination,
  });

async function ended(view: TransferView): Promise<TransferView> {
  let last = view;
  for await (const next of transfers.watch(view.id, never)) last = next;
  return last;
}

const get = async (path: string, destination = target): Promise<TransferView> => ended(await begin(path, destination));

async function untilBytes(view: TransferView, bytes: number): Promise<void> {
  for await (const next of transfers.watch(view.id, never)) if (next.bytes >= bytes || next.state !== 'running') return;
}

/** What is there while nothing runs: the partial file or folder, if any. */
async function partsIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.nethood-part'));
}

async function records(): Promise<string[]> {
  return readdir(join(home, 'state', 'transfers')).catch(() => []);
}

async function annaHas(name: string, size: number): Promise<string> {
  const path = join(anna.folder, name);
  await writeFile(path, randomBytes(size));
  await utimes(path, 0, 1_700_000_000.123_5);
  return sha256(path);
}

const interrupted = async (size = 20_000_000): Promise<string> => {
  const hash = await annaHas('big', size);
  anna.cutAfter = 8_000_000;
  const view = await begin('big');
  await expect.poll(() => transfers.list()[0]?.state).toBe('waiting');
  expect(await transfers.cancel(view.id)).toMatchObject({ state: 'cancelled', error: { code: 'cancelled' } });
  const [part] = await partsIn(target);
  if (part === undefined) throw new Error('there is no partial file');
  expect(await readdir(target)).toEqual([part]);
  expect(part).toMatch(/^\.[0-9a-f]{8}\.nethood-part$/);
  await expect(readFile(join(target, part))).resolves.toBeDefined();
  return hash;
};

const partPath = async (): Promise<string> => join(target, (await partsIn(target))[0] ?? '');

describe.each([
  ['a file', false],
  ['a file over sockets as agents dial them', true],
])('%s', (_what, secure) => {
  beforeEach(async () => {
    if (!secure) return;
    anna = await AnnasShare.open(outer, { secure });
    transfers = await agent();
  });

  it('arrives whole, with its time, and leaves nothing else behind', async () => {
    const hash = await annaHas('report.pdf', 5_000_000);
    const view = await get('report.pdf');
    expect(view).toMatchObject({
      direction: 'get',
      neighbour: 'Anna',
      source: 'Anna/Public/report.pdf',
      destination: join(target, 'report.pdf'),
      state: 'done',
      files: 1,
      filesTotal: 1,
      bytes: 5_000_000,
      bytesTotal: 5_000_000,
      resumedFrom: 0,
      error: null,
    });
    expect(await sha256(join(target, 'report.pdf'))).toBe(hash);
    expect(Math.floor((await stat(join(target, 'report.pdf'))).mtimeMs)).toBe(1_700_000_000_123);
    expect([await readdir(target), await records()]).toEqual([['report.pdf'], []]);
  });

  it('may be empty, and may get another name', async () => {
    await annaHas('nothing', 0);
    expect(await get('nothing', join(target, 'other'))).toMatchObject({ state: 'done', bytes: 0 });
    expect((await stat(join(target, 'other'))).size).toBe(0);
  });

  it('that is here already is not fetched again', async () => {
    await annaHas('report.pdf', 1000);
    await get('report.pdf');
    anna.requests.length = 0;
    expect(await get('report.pdf')).toMatchObject({ state: 'done', bytes: 1000, resumedFrom: 1000 });
    expect([anna.requests, await readdir(target)]).toEqual([['POST'], ['report.pdf']]);
  });

  it('never replaces another: it is numbered, and the view says so', async () => {
    await writeFile(join(target, 'report.pdf'), 'mine');
    await annaHas('report.pdf', 1000);
    for (let round = 0; round < 2; round++)
      expect(await get('report.pdf')).toMatchObject({ state: 'done', destination: join(target, 'report (2).pdf') });
    expect(await readFile(join(target, 'report.pdf'), 'utf8')).toBe('mine');
    expect(await readdir(target)).toEqual(['report (2).pdf', 'report.pdf']);
  });

  it('never replaces what a link of its name points to', async () => {
    await writeFile(join(home, 'precious'), 'mine');
    await symlink(join(home, 'precious'), join(target, 'report.pdf'));
    await annaHas('report.pdf', 1000);
    expect(await get('report.pdf')).toMatchObject({ destination: join(target, 'report (2).pdf') });
    expect(await readFile(join(home, 'precious'), 'utf8')).toBe('mine');
  });

  it('survives a connection that breaks again and again', async () => {
    const hash = await annaHas('big', 30_000_000);
    anna.cutAfter = 4_000_000;
    const view = await begin('big');
    for (let cuts = 0; cuts < 3; cuts++) {
      await untilBytes(view, (cuts + 1) * 4_000_000);
      if (anna.cutAfter > 30_000_000) anna.cutAfter = 5_000_000;
    }
    expect(await ended(view)).toMatchObject({ state: 'done', bytes: 30_000_000, resumedFrom: 0 });
    expect(await sha256(join(target, 'big'))).toBe(hash);
    const ranges = anna.requests.filter((request) => request.startsWith('GET bytes='));
    expect(ranges.length).toBeGreaterThan(0);
    expect(await readdir(target)).toEqual(['big']);
  });

  it('is waited for while its neighbour is away, and goes on when it is back', async () => {
    const hash = await annaHas('big', 20_000_000);
    anna.cutAfter = 3_000_000;
    const view = await begin('big');
    anna.away = true;
    await expect.poll(() => transfers.list()[0]?.state).toBe('waiting');
    anna.away = false;
    expect(await ended(view)).toMatchObject({ state: 'done' });
    expect(await sha256(join(target, 'big'))).toBe(hash);
  });

  it('resumes after the agent was ended, from what is safely on disk', async () => {
    const hash = await annaHas('big', 30_000_000);
    anna.cutAfter = 10_000_000;
    const view = await begin('big');
    await expect.poll(() => transfers.list()[0]?.state).toBe('waiting');
    await transfers[Symbol.asyncDispose]();
    expect(await partsIn(target)).toHaveLength(1);
    transfers = await agent();
    const again = await get('big');
    expect(again.id).not.toBe(view.id);
    expect(again).toMatchObject({ state: 'done', bytes: 30_000_000 });
    expect(again.resumedFrom).toBeGreaterThan(5_000_000);
    expect(await sha256(join(target, 'big'))).toBe(hash);
    expect([await readdir(target), await records()]).toEqual([['big'], []]);
  });

  it('that was cancelled keeps its part, and resumes from it', async () => {
    const hash = await interrupted();
    expect(transfers.list()[0]?.error).toEqual({
      code: 'cancelled',
      message: '"Anna/Public/big" is cancelled; what has come is kept for 24 hours, and the same command goes on.',
    });
    expect((await get('big')).resumedFrom).toBeGreaterThan(1_000_000);
    expect(await sha256(join(target, 'big'))).toBe(hash);
  });

  it('does not build on a tail that a crash may have torn', async () => {
    const hash = await interrupted();
    const part = await partPath();
    // Written after the last checkpoint, never synced: garbage.
    await writeFile(part, randomBytes(3_000_000), { flag: 'a' });
    await get('big');
    expect(await sha256(join(target, 'big'))).toBe(hash);
  });

  it.each([
    ['is shorter than the record says', (part: string) => truncate(part, 100)],
    ['is gone', (part: string) => unlink(part)],
    [
      'was replaced by another file',
      async (part: string) => {
        const content = await readFile(part);
        await unlink(part);
        await writeFile(`${part}x`, '');
        await writeFile(part, content.fill(0));
        await unlink(`${part}x`);
      },
    ],
    [
      'was replaced by a link',
      async (part: string) => {
        await unlink(part);
        await symlink('/etc/hostname', part);
      },
    ],
  ])('begins anew where its part %s', async (_how, harm) => {
    const hash = await interrupted();
    await harm(await partPath());
    expect(await get('big')).toMatchObject({ state: 'done', resumedFrom: 0 });
    expect(await sha256(join(target, 'big'))).toBe(hash);
    expect(await readdir(target)).toEqual(['big']);
  });

  it('that changed at its owner meanwhile begins anew', async () => {
    await interrupted();
    const hash = await annaHas('big', 20_000_000);
    expect(await get('big')).toMatchObject({ state: 'done', resumedFrom: 0, bytes: 20_000_000 });
    expect(await sha256(join(target, 'big'))).toBe(hash);
  });

  it('that changes while it comes is never a mixture', async () => {
    await writeFile(join(anna.folder, 'log'), Buffer.alloc(60 << 20, 'a'));
    const view = await begin('log');
    await untilBytes(view, 1);
    await writeFile(join(anna.folder, 'log'), Buffer.alloc(50 << 20, 'b'));
    const last = await ended(view);
    const content = await readFile(join(target, 'log')).catch(() => Buffer.alloc(0));
    if (last.state === 'done') expect([new Set(content), last.bytes]).toEqual([new Set([content[0]]), content.length]);
    else expect([last.error?.code, await readdir(target)]).toEqual(['changed', []]);
  });

  it('asked for twice is one transfer', async () => {
    await annaHas('big', 20_000_000);
    const [one, two] = await Promise.all([begin('big'), begin('big')]);
    expect(one.id).toBe(two.id);
    expect((await begin('big')).id).toBe(one.id);
    await ended(one);
    expect((await begin('big')).id).not.toBe(one.id);
  });

  it('tells of its progress at most four times a second', async () => {
    await annaHas('big', 60_000_000);
    const began = performance.now();
    const views: TransferView[] = [];
    for await (const view of transfers.watch((await begin('big')).id, never)) views.push(view);
    const seconds = (performance.now() - began) / 1000;
    expect(views.length).toBeLessThanOrEqual(Math.ceil(seconds * 4) + 3);
    expect(views.at(-1)?.state).toBe('done');
    for (const [at, view] of views.entries()) expect(view.bytes).toBeGreaterThanOrEqual(views[at - 1]?.bytes ?? 0);
  });

  it('comes whole after another, large or small', async () => {
    for (const [name, size] of [
      ['large', 40_000_001],
      ['larger', 70_000_000],
      ['small', 3],
    ] as const) {
      const hash = await annaHas(name, size);
      expect(await get(name)).toMatchObject({ state: 'done', bytes: size });
      expect(await sha256(join(target, name))).toBe(hash);
    }
  });

  it('that is cancelled in its middle ends at once, keeps its part, and resumes', async () => {
    const hash = await annaHas('big', 200_000_000);
    const view = await begin('big');
    await untilBytes(view, 1);
    expect(await transfers.cancel(view.id)).toMatchObject({ state: 'cancelled' });
    expect(await partsIn(target)).toHaveLength(1);
    expect(await get('big')).toMatchObject({ state: 'done', bytes: 200_000_000 });
    expect(await sha256(join(target, 'big'))).toBe(hash);
  });

  it('that cannot be had is refused at once', async () => {
    await annaHas('file', 1);
    expect(await codeOf(begin('missing'))).toBe('not-found');
    expect(await codeOf(begin('file', 'relative'))).toBe('usage');
    expect(await codeOf(begin('file', join(home, 'no', 'such')))).toBe('not-found');
    anna.away = true;
    expect(await codeOf(begin('file'))).toBe('unreachable');
    expect(transfers.list()).toEqual([]);
    expect(await codeOf(transfers.cancel(TransferId.parse('a'.repeat(16))))).toBe('not-found');
  });
});

const text = (path: string): string => Buffer.from(path).toString('base64');

describe('partial files', () => {
  it('that nobody resumed for a day are removed at the next start', async () => {
    await annaHas('big', 20_000_000);
    anna.cutAfter = 8_000_000;
    const view = await begin('big');
    await expect.poll(() => transfers.list()[0]?.state).toBe('waiting');
    await transfers.cancel(view.id);
    const record = (await records()).find((name) => name.endsWith('.json'));
    const path = join(home, 'state', 'transfers', record ?? '');
    const content = JSON.parse(await readFile(path, 'utf8'));
    await agent();
    expect(await partsIn(target)).toHaveLength(1);
    await writeFile(path, JSON.stringify({ ...content, updated: content.updated - 25 * 3_600_000 }));
    await agent();
    expect([await partsIn(target), await records()]).toEqual([[], []]);
  });

  it('are the only thing that an old record can remove', async () => {
    await mkdir(join(home, 'state', 'transfers'), { recursive: true });
    await mkdir(join(home, 'precious'));
    await writeFile(join(home, 'precious', 'file'), '');
    const old = { updated: 0, etag: '"x"', size: 1, modified: 0, safe: 0, identity: '' };
    const folder = { updated: 0, folder: text(home), name: text('x'), staging: text(join(home, 'precious')) };
    const write = (digit: string, record: object) =>
      writeFile(join(home, 'state', 'transfers', `${digit.repeat(64)}.json`), JSON.stringify(record));
    await write('1', { kind: 'part', path: text(join(home, 'precious', 'file')), ...old });
    await write('2', { kind: 'folder', ...folder });
    await writeFile(join(home, 'state', 'transfers', `${'3'.repeat(64)}.json`), '{"kind":');
    await agent();
    expect(await readdir(join(home, 'precious'))).toEqual(['file']);
    expect(await records()).toEqual([]);
    await rm(join(home, 'precious'), { recursive: true });
    expect(await lstat(home)).toBeDefined();
  });
});

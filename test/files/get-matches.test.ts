import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { Transfers } from '../../agent/files/files-service.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { TransferView } from '../../protocol/control.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, codeOf, never, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());
let anna: AnnasShare;
let target: string;
let transfers: Transfers;

beforeEach(async () => {
  anna = await AnnasShare.open(scope);
  for (const folder of ['docs/2025', 'docs/2026/raw', 'docs/empty 2027'])
    await mkdir(join(anna.folder, folder), { recursive: true });
  for (const name of ['docs/a.pdf', 'docs/b.pdf', 'docs/c.txt', 'docs/2026/d.pdf', 'docs/2026/raw/e.bin'])
    await writeFile(join(anna.folder, name), name);
  await utimes(join(anna.folder, 'docs', 'a.pdf'), 1, 1_600_000_000.5);
  target = join(await temporaryFolder(scope), 'target');
  await mkdir(target);
  const deps = { neighbours: anna.neighbours, stateFolder: join(target, '..', 'state'), clock: systemClock };
  transfers = scope.use(await createTransfers({ ...deps, random: () => 1, log: silentLog }));
});

async function get(matching: string, { base = 'docs', destination = target } = {}): Promise<TransferView> {
  const source = `Anna/Public/${base}/${matching}`;
  const order = { neighbour: annaId, share: anna.share, path: wirePathFromPlain(base), matching, source, destination };
  let last = await transfers.get(order);
  for await (const next of transfers.watch(last.id, never)) last = next;
  return last;
}

async function names(): Promise<string[]> {
  return (await readdir(target, { recursive: true })).toSorted();
}

describe('a get of a pattern', () => {
  it('brings what matches as one transfer, with its times', async () => {
    const before = (await stat(target)).ino;
    const view = await get('*.pdf');
    expect(view).toMatchObject({
      state: 'done',
      files: 2,
      bytes: 20,
      destination: target,
      source: 'Anna/Public/docs/*.pdf',
    });
    expect(await names()).toEqual(['a.pdf', 'b.pdf']);
    expect(await readFile(join(target, 'a.pdf'), 'utf8')).toBe('docs/a.pdf');
    expect((await stat(join(target, 'a.pdf'))).mtimeMs).toBe(1_600_000_000_500);
    expect((await stat(target)).ino).toBe(before);
  });

  it('leaves the time of the folder that it comes into', async () => {
    await get('c*');
    expect(Date.now() - (await stat(target)).mtimeMs).toBeLessThan(60_000);
  });

  it('keeps the folders above a match, and brings a folder that matches whole', async () => {
    await get('*/*.pdf');
    expect(await names()).toEqual(['2026', '2026/d.pdf']);
    await get('20*');
    expect(await names()).toEqual(['2025', '2026', '2026/d.pdf', '2026/raw', '2026/raw/e.bin']);
  });

  it('does not bring again what is there', async () => {
    await get('*.pdf');
    expect(await get('*.pdf')).toMatchObject({ files: 2, bytes: 20, resumedFrom: 20 });
    expect(await names()).toEqual(['a.pdf', 'b.pdf']);
  });

  it('goes on where its connection broke', async () => {
    for (let at = 0; at < 40; at++) await writeFile(join(anna.folder, 'docs', `${at}.bin`), Buffer.alloc(100_000, at));
    anna.cutAfter = 1_500_000;
    expect(await get('*.bin')).toMatchObject({ state: 'done', files: 40, bytes: 4_000_000 });
    expect(await readFile(join(target, '39.bin'))).toEqual(Buffer.alloc(100_000, 39));
    expect(await names()).toHaveLength(40);
  });

  it('comes into a folder that a link leads to', async () => {
    const link = join(target, '..', 'link');
    await symlink(target, link);
    await get('a*', { destination: link });
    expect(await names()).toEqual(['a.pdf']);
  });

  it('wants a folder that is there, and something that matches', async () => {
    expect(await codeOf(get('*.pdf', { destination: join(target, 'missing') }))).toBe('not-a-folder');
    expect(await codeOf(get('*.pdf', { destination: join(anna.folder, 'docs', 'a.pdf') }))).toBe('not-a-folder');
    expect(await codeOf(get('*.doc'))).toBe('not-found');
    expect(await codeOf(get('*/*.txt'))).toBe('not-found');
    expect(await names()).toEqual([]);
  });
});

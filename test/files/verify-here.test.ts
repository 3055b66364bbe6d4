/** What is here already is known by its content: a size and a time may be right where the bytes are not. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { Transfers } from '../../agent/files/files-service.ts';
import { createTransfers } from '../../agent/files/transfers.ts';
import type { TransferView } from '../../protocol/control.ts';
import { features } from '../../protocol/peer.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, ask, never, temporaryFolder } from './files-support.ts';

const outer = new Scope();
afterAll(() => outer[Symbol.asyncDispose]());

const time = 1_700_000_000;
let anna: AnnasShare;
let target: string;
let transfers: Transfers & AsyncDisposable;

beforeEach(async () => {
  anna = await AnnasShare.open(outer);
  const home = await temporaryFolder(outer);
  target = join(home, 'target');
  await mkdir(target);
  transfers = outer.use(
    await createTransfers({
      neighbours: anna.neighbours,
      stateFolder: join(home, 'state'),
      clock: systemClock,
      random: () => 1,
      log: silentLog,
    }),
  );
});

async function put(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), content);
    await utimes(join(folder, name), time, time);
  }
}

async function get(path: string): Promise<TransferView> {
  const order = { neighbour: annaId, share: anna.share, source: `Anna/Public/${path}`, destination: target };
  let last = await transfers.get({ ...order, path: wirePathFromPlain(path) });
  for await (const next of transfers.watch(last.id, never)) last = next;
  return last;
}

const read = async (...names: string[]): Promise<string> => readFile(join(target, ...names), 'utf8');

describe('a file that is here', () => {
  it('with the same content is not fetched', async () => {
    await put(anna.folder, { report: 'as it is' });
    await put(target, { report: 'as it is' });
    expect(await get('report')).toMatchObject({ state: 'done', bytes: 8, resumedFrom: 8 });
    expect([anna.requests, await readdir(target)]).toEqual([['POST'], ['report']]);
  });

  it('with the same size and time, but another content, stays, and the other comes beside it', async () => {
    await put(anna.folder, { report: 'as it is' });
    await put(target, { report: 'as it wa' });
    for (let round = 0; round < 2; round++)
      expect(await get('report')).toMatchObject({ state: 'done', destination: join(target, 'report (2)') });
    expect([await read('report'), await read('report (2)')]).toEqual(['as it wa', 'as it is']);
    expect((await readdir(target)).toSorted()).toEqual(['report', 'report (2)']);
  });

  it('is known by size and time alone where the owner cannot tell more', async () => {
    anna.features = new Set(features.filter((feature) => feature !== 'digests'));
    await put(anna.folder, { report: 'as it is' });
    await put(target, { report: 'as it wa' });
    expect(await get('report')).toMatchObject({ state: 'done', resumedFrom: 8 });
    expect(anna.requests).toEqual([]);
  });
});

describe('a folder that is here', () => {
  it('is gone on with: what is the same is left, what differs comes beside it, what is missing comes', async () => {
    await put(join(anna.folder, 'docs'), { same: 'one', differs: 'two', missing: 'three' });
    await put(join(target, 'docs'), { same: 'one', differs: 'TWO' });
    const view = await get('docs');
    expect(view).toMatchObject({ state: 'done', files: 3, filesTotal: 3, bytes: 11, bytesTotal: 11, resumedFrom: 3 });
    expect((await readdir(join(target, 'docs'))).toSorted()).toEqual(['differs', 'differs (2)', 'missing', 'same']);
    expect([await read('docs', 'differs'), await read('docs', 'differs (2)')]).toEqual(['TWO', 'two']);
  });
});

const digests = async (body: string): Promise<unknown[]> => {
  const answer = await ask(`${anna.url}/files/${anna.share}/digests`, { method: 'POST', body });
  expect(answer.status).toBe(200);
  return answer.body
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('many files that are here', () => {
  it('in several folders, small and large, below a link that was named, are known without one being fetched', async () => {
    const names = Object.fromEntries(Array.from({ length: 600 }, (_, at) => [`file ${at}`, `content ${at}`]));
    const large = 'x'.repeat(9_000_000);
    for (const folder of [anna.folder, target]) {
      await put(join(folder, 'docs'), { ...names, large });
      await put(join(folder, 'docs', 'below'), names);
    }
    const link = join(target, '..', 'link');
    await symlink(target, link);
    const order = { neighbour: annaId, share: anna.share, source: 'Anna/Public/docs', destination: link };
    let last = await transfers.get({ ...order, path: wirePathFromPlain('docs') });
    for await (const next of transfers.watch(last.id, never)) last = next;
    expect(last).toMatchObject({ state: 'done', files: 1201, resumedFrom: last.bytes });
    expect(anna.requests.filter((request) => request.startsWith('GET'))).toEqual([]);
    expect(await readdir(join(target, 'docs'))).toHaveLength(602);
  });
});

describe('the digests of many files', () => {
  it('come in the order asked for, and say what cannot be read', async () => {
    await put(anna.folder, { one: 'content', empty: '' });
    await mkdir(join(anna.folder, 'folder'));
    await symlink('/etc/hostname', join(anna.folder, 'link'));
    expect(await digests('"empty"\n"none"\n"link"\n"folder"\n"one"\n')).toEqual([
      { path: 'empty', sha256: sha256('') },
      { path: 'none', code: 'not-found' },
      { path: 'link', code: 'not-found' },
      { path: 'folder', code: 'not-a-file' },
      { path: 'one', sha256: sha256('content') },
    ]);
  });

  it('keep their order where a large file, which takes longer, lies between small ones', async () => {
    const large = 'large '.repeat(1_500_000);
    await put(anna.folder, { a: 'a', large, z: 'z' });
    expect(await digests('"a"\n"large"\n"z"\n')).toEqual([
      { path: 'a', sha256: sha256('a') },
      { path: 'large', sha256: sha256(large) },
      { path: 'z', sha256: sha256('z') },
    ]);
  });

  it.each([
    ['"../x"', 400],
    ['no json', 400],
    ['"x"\n'.repeat(5000), 413],
  ])('are refused for %j', async (body, status) => {
    expect((await ask(`${anna.url}/files/${anna.share}/digests`, { method: 'POST', body })).status).toBe(status);
  });
});

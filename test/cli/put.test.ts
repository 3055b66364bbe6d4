import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { TransferView } from '../../protocol/control.ts';
import { type FakeAgent, type FakeOptions, startFakeAgent } from '../control/fake-agent.ts';
import { transfer } from '../control/samples.ts';
import { cli, cliJson } from './support.ts';

let scope: Scope;
let folder: string;
beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'nh-put-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  for (const name of ['a.txt', 'b.txt']) await writeFile(join(folder, name), '');
  await mkdir(join(folder, 'sub'));
  await writeFile(join(folder, 'sub', 'a.txt'), '');
});
afterEach(() => scope[Symbol.asyncDispose]());

const start = async (options?: FakeOptions): Promise<FakeAgent> => scope.use(await startFakeAgent(options));
const asked = (agent: FakeAgent): unknown[] => agent.asked.map(({ request }) => request);

const done: TransferView = {
  ...transfer,
  direction: 'put',
  source: '/home/me/a.txt',
  destination: 'Anna/Projects/a.txt',
  state: 'done',
  files: 1,
  bytes: 1_000_000,
  resumedFrom: 250_000,
  seconds: 3,
  skipped: 1,
};

const ending = (view: TransferView): FakeOptions => ({
  streams: {
    'transfer-watch': async function* () {
      yield view;
    },
  },
});

it('gives its document, of what is there in the end', async () => {
  const agent = await start(ending(done));
  const { code, document } = await cliJson(agent, 'put', join(folder, 'a.txt'), 'anna/Projects/2026');
  expect([code, document]).toEqual([
    0,
    {
      path: 'Anna/Projects/a.txt',
      files: 1,
      bytes: 1_000_000,
      seconds: 3,
      resumedFrom: 250_000,
      skipped: 1,
      limit: done.limit,
    },
  ]);
  expect(asked(agent)).toEqual([
    { source: join(folder, 'a.txt'), neighbour: 'anna', share: 'Projects', path: '2026', into: false, keep: false },
  ]);
});

it('says what was put where', async () => {
  const agent = await start(ending(done));
  const { stdout, stderr } = await cli(['put', 'a.txt', 'anna/Projects'], { home: agent.home, cwd: folder });
  expect(stdout).toBe('Anna/Projects/a.txt: 1 file, 1.0 MB in 0:03, 250 kB/s, 250 kB of it there already.\n');
  expect(stderr).toBe('1 link, special file or closed folder was left out.\n');
  expect(asked(agent)).toMatchObject([{ source: join(folder, 'a.txt'), path: '' }]);
});

it('puts several into one folder, and gives a list', async () => {
  const agent = await start(ending(done));
  const words = ['a.txt', 'sub', 'b.txt'].map((name) => join(folder, name));
  const { code, document } = await cliJson(agent, 'put', ...words, 'anna/Projects/2026', '--keep');
  expect(code).toBe(0);
  expect(document).toHaveLength(3);
  expect(asked(agent)).toMatchObject(words.map((source) => ({ source, path: '2026', into: true, keep: true })));
});

it('takes a slash at the end for a folder', async () => {
  const agent = await start(ending(done));
  await cli(['put', 'a.txt', 'anna/Projects/new/'], { home: agent.home, cwd: folder });
  expect(asked(agent)).toMatchObject([{ path: 'new/', into: true }]);
});

it.each([
  [['missing.txt', 'anna/Projects'], 4, 'There is no file or folder'],
  [['a.txt', 'anna'], 2, '"anna" names no share'],
  [['a.txt', 'sub/a.txt', 'anna/Projects'], 2, 'cannot put two things called "a.txt" into one folder'],
  [['a.txt'], 2, 'wants more'],
])('%j is told before anything is sent', async (words, exit, sentence) => {
  const agent = await start();
  const { code, stderr } = await cli(['put', ...words], { home: agent.home, cwd: folder });
  expect(code).toBe(exit);
  expect(stderr).toContain(sentence);
  expect(agent.asked).toEqual([]);
});

it('that fails in the middle of several says how many are there', async () => {
  const views = [done, { ...done, state: 'failed', error: { code: 'no-space', message: 'Full.' } } as const];
  const agent = await start({
    streams: {
      'transfer-watch': async function* () {
        yield views.shift() ?? done;
      },
    },
  });
  const words = ['a.txt', 'b.txt'].map((name) => join(folder, name));
  const { code, document } = await cliJson(agent, 'put', ...words, 'anna/Projects');
  expect(code).toBe(7);
  expect(document).toEqual({
    error: { code: 'no-space', message: 'Full. Of 2 things 1 was put there before.' },
  });
});

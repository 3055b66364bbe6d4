// needs: namespaces bench
/**
 * Files over a slow line, beside what else moves files over the same line in the same run, and over one that loses
 * packets. The line is the office's bad cable, of 100 Mbit/s and 20 ms each way.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { formatTable, median } from '../../bench/table.ts';
import { sha256 } from '../files/files-support.ts';
import { TestAgent } from '../office/agents.ts';
import { count } from '../office/counts.ts';
import { writeRandomFile } from '../office/documents.ts';
import { type Command, type LineServers, openLineServers } from '../office/line-servers.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const scope = new Scope();
const line = 'delay 20ms rate 100mbit';
const fileBytes = count(4, 100) * 1_000_000;
const smallFiles = count(200, 1_000);
const rounds = count(1, 3);
const Moved = z.looseObject({ seconds: z.number() });

let office: Office;
let anna: TestAgent;
let bob: TestAgent;
/** Anna's, which others may change: `big.bin`, `many/`, and `in/` for what comes. */
let share: string;
let servers: LineServers;

beforeAll(async () => {
  office = scope.use(await startOffice(2));
  share = await mkdtemp(join(tmpdir(), 'nh-line-'));
  scope.defer(() => rm(share, { recursive: true, force: true }));
  for (const name of ['many', 'in']) await mkdir(join(share, name));
  await writeRandomFile(join(share, 'big.bin'), fileBytes);
  for (let at = 0; at < smallFiles; at++) await writeFile(join(share, 'many', `file ${at}`), randomBytes(4096));
  const agent = async (host: number, name: string): Promise<TestAgent> =>
    scope.use(
      await TestAgent.prepare({ host: { prefix: await office.entry(host) }, name, env: { NETHOOD_LOG: 'debug' } }),
    );
  [anna, bob] = [await agent(1, 'Anna'), await agent(2, 'Bob')];
  await Promise.all([anna.start(), bob.start()]);
  await anna.json(z.unknown(), 'share', share, '--name', 'Line', '--write');
  await until(async () => (await bob.nethood('ls', 'Anna/Line')).code === 0, {
    what: () => `Bob to see Anna: ${bob.output}`,
    withinMs: 30_000,
  });
  servers = scope.use(await openLineServers(office, { host: 1, root: share }));
}, 120_000);
afterAll(() => scope[Symbol.asyncDispose]());

/** Bob's, fresh. */
async function target(): Promise<string> {
  return mkdtemp(join(bob.files, 'target-'));
}

async function expectSame(path: string, wanted = join(share, 'big.bin')): Promise<void> {
  expect(await sha256(path), path).toBe(await sha256(wanted));
}

async function expectSameFolder(path: string): Promise<void> {
  expect((await readdir(path)).toSorted()).toEqual((await readdir(join(share, 'many'))).toSorted());
  for (const name of await readdir(path))
    expect((await readFile(join(path, name))).equals(await readFile(join(share, 'many', name))), name).toBe(true);
}

const head = (what: string): string[] => [what, 'seconds', 'ratio'];

interface Way {
  readonly name: string;
  /** Gives the seconds without the command's own start, where it can say so. */
  readonly move: (to: string) => Promise<number | undefined>;
  /** Where what was moved is then. */
  readonly at: (to: string) => string;
}

/** Each in its turn; the ratio is of the first one's time to its own, so that more is better. */
async function race(ways: readonly Way[], same: (path: string) => Promise<void>): Promise<string[][]> {
  const all = new Map<Way, { whole: number[]; alone: number[] }>(ways.map((way) => [way, { whole: [], alone: [] }]));
  for (let round = 0; round < rounds; round++)
    for (const [way, { whole, alone }] of all) {
      const to = await target();
      const began = performance.now();
      const inner = await way.move(to);
      whole.push((performance.now() - began) / 1000);
      if (inner !== undefined) alone.push(inner);
      await same(way.at(to));
      for (const path of [to, way.at(to)]) await rm(path, { recursive: true, force: true });
    }
  const [first = { whole: [] }] = all.values();
  const row = (name: string, seconds: readonly number[]): string[] => {
    return [name, median(seconds).toFixed(2), (median(first.whole) / median(seconds)).toFixed(2)];
  };
  return Array.from(all, ([{ name }, { whole, alone }]) => [
    row(name, whole),
    ...(alone.length === 0 ? [] : [row('  of it the transfer itself', alone)]),
  ]).flat();
}

const get = async (path: string, to: string): Promise<number> =>
  (await bob.json(Moved, 'get', `Anna/Line/${path}`, to)).seconds;
const put = async (path: string): Promise<number> =>
  (await bob.json(Moved, 'put', join(share, path), 'Anna/Line/in')).seconds;
/** A program of Bob's host. */
async function run([program = '', ...args]: Command): Promise<undefined> {
  await office.run(2, program, args, { timeoutMs: 120_000 });
}

const into = (name: string) => (to: string) => join(to, name);
const there = (name: string) => () => join(share, 'in', name);

function by(name: string, command: (to: string) => Command, at: Way['at']): Way {
  return { name, at, move: (to) => run(command(to)) };
}

it(`a file of ${fileBytes / 1e6} MB and a folder of ${smallFiles} small ones, beside curl, scp, tar and rsync`, async () => {
  await office.netem(1, line);
  const file = await race(
    [
      by('nginx TLS 1.3 + curl', (to) => servers.curl('big.bin', join(to, 'big.bin')), into('big.bin')),
      { name: 'nethood get', move: (to) => get('big.bin', to), at: into('big.bin') },
      { name: 'nethood put', move: () => put('big.bin'), at: there('big.bin') },
      by('scp, from there', (to) => servers.scpFrom(join(share, 'big.bin'), to), into('big.bin')),
      by('scp, to there', () => servers.scpTo(join(share, 'big.bin'), join(share, 'in')), there('big.bin')),
    ],
    expectSame,
  );
  const folder = await race(
    [
      by('tar over ssh, from there', (to) => servers.tarFrom(join(share, 'many'), join(to, 'many')), into('many')),
      { name: 'nethood get', move: (to) => get('many', to), at: into('many') },
      by('rsync over ssh', (to) => servers.rsyncFrom(join(share, 'many'), to), into('many')),
      by('tar over ssh, to there', () => servers.tarTo(join(share, 'many'), join(share, 'in', 'many')), there('many')),
      { name: 'nethood put', move: () => put('many'), at: there('many') },
    ],
    expectSameFolder,
  );
  await office.netem(1, 'off');
  console.log(
    formatTable([
      head(`${fileBytes / 1e6} MB over ${line}`),
      ...file,
      [''],
      head(`${smallFiles} files of 4 KiB`),
      ...folder,
    ]),
  );
}, 900_000);

/** The agents' own record of sessions that ended. */
async function endedSessions(): Promise<number> {
  const logs = [anna, bob].map(({ home }) => readFile(join(home, 'state', 'logs', 'agent.log'), 'utf8'));
  return (await Promise.all(logs)).join('').split('"a session ended"').length - 1;
}

it('one packet of twenty lost: a file and a folder go whole both ways, and no session ends', async () => {
  const size = `${count(4, 20)} MB`;
  await writeRandomFile(join(share, 'lossy.bin'), Number.parseInt(size, 10) * 1_000_000);
  await office.netem(1, 'loss 5% delay 2ms rate 100mbit');
  const [to, ended] = [await target(), await endedSessions()];
  const began = performance.now();
  await run(servers.curl('lossy.bin', join(to, 'by curl')));
  const curl = (performance.now() - began) / 1000;
  const seconds = [await get('lossy.bin', to), await put('lossy.bin'), await get('many', to), await put('many')];
  await office.netem(1, 'off');
  const shown = seconds.map((each) => each.toFixed(1)).join(', ');
  console.log(
    `5 % loss: ${size} by curl ${curl.toFixed(1)} s; get, put, get and put of ${smallFiles} files ${shown} s`,
  );
  for (const path of [join(to, 'lossy.bin'), join(share, 'in', 'lossy.bin')])
    await expectSame(path, join(share, 'lossy.bin'));
  for (const path of [join(to, 'many'), join(share, 'in', 'many')]) await expectSameFolder(path);
  expect(await endedSessions()).toBe(ended);
}, 300_000);

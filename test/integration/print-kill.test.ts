// needs: namespaces cups
/**
 * Printing between two PCs under kill -9: of the owner's agent, of the sender's, of cupsd, each at a moment that the
 * victim's own journal shows. Beside it cupsd alone, killed in the same way.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { NeighbourView } from '../../protocol/control.ts';
import { seeded } from '../sim/clock.ts';
import { TestAgent } from '../office/agents.ts';
import { count } from '../office/counts.ts';
import { type CupsServer, startCups } from '../office/cups.ts';
import { onePagePdf } from '../office/documents.ts';
import { type Office, startOffice } from '../office/office.ts';
import { type Moment, moments, reaches, sendings, spooledJobs, spoolRecords } from '../office/spool-journal.ts';
import { until } from '../office/until.ts';

type Victim = 'owner' | 'sender' | 'cupsd';
interface Kill {
  readonly victim: Victim;
  readonly moment: Moment;
}

const rounds = count(7, 200);
/** Seconds that a page takes. */
const delay = 0.2;
const scope = new Scope();
let office: Office;
let cups: CupsServer;
let owner: TestAgent;
let sender: TestAgent;
let documents: string;

beforeAll(async () => {
  office = scope.use(await startOffice(2));
  cups = scope.use(await startCups({ delay }));
  documents = await mkdtemp(join(tmpdir(), 'nh-kill-'));
  scope.defer(() => rm(documents, { recursive: true, force: true }));
  owner = await startAgent(1, 'Owner', { CUPS_SERVER: cups.server });
  sender = await startAgent(2, 'Sender');
  await until(async () => (await owner.nethood('printer', 'share', 'laser')).code === 0, {
    what: () => `the printer to be shared: ${owner.output}`,
    withinMs: 20_000,
  });
  await seesPrinter();
});
afterAll(() => scope[Symbol.asyncDispose]());

async function startAgent(host: number, name: string, env: Record<string, string> = {}): Promise<TestAgent> {
  const agent = scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(host) }, name, env }));
  await agent.start();
  return agent;
}

/** A sender that has just started knows no printers of those who are away. */
async function seesPrinter(): Promise<void> {
  await until(printerIsSeen, { what: () => `the printer to be seen: ${sender.output}`, withinMs: 30_000 });
}

async function printerIsSeen(): Promise<boolean> {
  const neighbours = await sender.json(z.array(NeighbourView), 'neighbours');
  return neighbours.some(({ name, printers }) => name === 'Owner' && printers.length > 0);
}

/** Each victim at each moment once, in an order by chance, again and again. */
function plan(random: () => number): Kill[] {
  const agents = moments.flatMap((moment): Kill[] => [
    { victim: 'owner', moment },
    { victim: 'sender', moment },
  ]);
  const all: Kill[] = [...agents, { victim: 'cupsd', moment: 'submitted' }, { victim: 'cupsd', moment: 'printing' }];
  return Array.from({ length: Math.ceil(rounds / all.length) }, () => shuffled(all, random))
    .flat()
    .slice(0, rounds);
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list
    .map((value) => ({ value, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}

async function documentsOf(prefix: string): Promise<string[]> {
  const paths = ['small', 'large'].map((size) => join(documents, `${prefix}-${size}.pdf`));
  await Promise.all(paths.map((path, at) => writeFile(path, onePagePdf(at * 300_000))));
  return paths;
}

/** Sends two documents and kills the victim when it comes to its moment. */
async function round(prefix: string, { victim, moment }: Kill): Promise<void> {
  const watched = victim === 'sender' ? sender : owner;
  const reached = reaches(watched.home, moment, AbortSignal.timeout(60_000));
  const sent = sender.nethood('print', ...(await documentsOf(prefix)), '--on', 'Owner/laser', '--json');
  await reached;
  if (victim === 'cupsd') {
    await cups.kill();
    await cups.up();
  } else {
    await watched.kill();
    await watched.start();
  }
  await sent;
  if (victim === 'sender') await seesPrinter();
}

interface Row {
  /** Who was killed. */
  readonly killed: string;
  readonly rounds: number;
  readonly jobs: number;
  readonly lost: string[];
  /** Until a person decides, because nobody can know whether they were printed. */
  readonly held: string[];
  readonly sentTwice: string[];
  readonly doubledByCupsd: string[];
}
const table: Row[] = [];
afterAll(() =>
  console.table(
    table.map((row) =>
      Object.fromEntries(Object.entries(row).map(([key, value]) => [key, Array.isArray(value) ? value.length : value])),
    ),
  ),
);

/** Everything that the sender's journal ever held durably counts as accepted: more than its user was told. */
async function rowOf(victim: Victim, kills: readonly Kill[]): Promise<Row> {
  const all = new Set((await spoolRecords(sender.home)).map(({ name }) => name));
  const names = Array.from(all).filter((name) => kills[Number(/^r(\d+)/.exec(name)?.[1])]?.victim === victim);
  const atOwner = Array.from((await spooledJobs(owner.home)).values());
  const held = new Set(atOwner.filter(({ phase }) => phase === 'held').map(({ name }) => name));
  const sheets = tally(await printedTitles(cups));
  const sent = sendings(await spoolRecords(owner.home));
  const doubled = names.filter((name) => (sheets.get(name) ?? 0) > 1);
  return {
    killed: victim === 'cupsd' ? 'cupsd, nethood before it' : `agent of the ${victim}`,
    rounds: kills.filter((kill) => kill.victim === victim).length,
    jobs: names.length,
    lost: names.filter((name) => !sheets.has(name) && !held.has(name)),
    held: names.filter((name) => held.has(name)),
    sentTwice: doubled.filter((name) => (sent.get(name) ?? 0) > 1),
    doubledByCupsd: doubled.filter((name) => (sent.get(name) ?? 0) <= 1),
  };
}

async function printedTitles(server: CupsServer): Promise<string[]> {
  const lines = await readFile(join(server.printedFolder, 'titles'), 'utf8').catch(() => '');
  return lines.split('\n').flatMap((line) => /^\d+ (.+)$/.exec(line)?.[1] ?? []);
}

function tally(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

async function settled(agent: TestAgent): Promise<boolean> {
  const jobs = Array.from((await spooledJobs(agent.home)).values());
  // At the sender a job that its owner holds in doubt stays under way.
  return jobs.every(({ phase, state }) => phase === 'ended' || phase === 'held' || /held|stopped/.test(state));
}

function idsGivenTwice(records: readonly { id: number; uuid: string }[]): number[] {
  const uuids = new Map<number, string>();
  return records.flatMap(({ id, uuid }) => {
    const known = uuids.get(id) ?? uuid;
    uuids.set(id, known);
    return known === uuid ? [] : [id];
  });
}

describe(`${rounds} kills between two PCs`, () => {
  test('no job is lost, none is sent to the printer twice, no id is given twice', async () => {
    const kills = plan(seeded(20_262));
    for (const [at, kill] of kills.entries()) await round(`r${at}`, kill);
    for (const agent of [owner, sender])
      await until(() => settled(agent), {
        what: () => `all jobs to be done or held; the agent said: ${agent.output}`,
        withinMs: 120_000,
        everyMs: 200,
      });
    for (const victim of ['owner', 'sender', 'cupsd'] as const) {
      const row = await rowOf(victim, kills);
      table.push(row);
      expect(row, victim).toMatchObject({ lost: [], sentTwice: [] });
    }
    expect(idsGivenTwice(await spoolRecords(owner.home)), 'ids at the owner').toEqual([]);
    expect(idsGivenTwice(await spoolRecords(sender.home)), 'ids at the sender').toEqual([]);
    const jobs = table.reduce((sum, row) => sum + row.jobs, 0);
    expect(jobs, 'jobs that were under way').toBeGreaterThan(rounds);
  }, 3_600_000);
});

describe('cupsd alone, killed while it prints', () => {
  test('for comparison: what becomes of its jobs', async () => {
    await using alone = await startCups({ delay });
    const random = seeded(20_263);
    const names: string[] = [];
    const folder = join(documents, 'alone');
    await mkdir(folder);
    for (let at = 0; at < rounds; at++)
      for (const part of ['a', 'b']) {
        const path = join(folder, `c${at}-${part}.pdf`);
        await writeFile(path, onePagePdf());
        await alone.command('lp', '-d', 'laser', '-t', `c${at}-${part}`, path);
        names.push(`c${at}-${part}`);
        if (part === 'a') continue;
        await new Promise((resolve) => setTimeout(resolve, random() * 2 * delay * 1000));
        await alone.kill();
        await alone.up();
      }
    await until(async () => !(await alone.command('lpstat', '-o')).includes('laser'), {
      what: 'cupsd to be done',
      withinMs: 60_000,
    });
    // A backend that outlived its cupsd may still be at work.
    await new Promise((resolve) => setTimeout(resolve, 4 * delay * 1000));
    const sheets = tally(await printedTitles(alone));
    const lost = names.filter((name) => !sheets.has(name));
    const doubledByCupsd = names.filter((name) => (sheets.get(name) ?? 0) > 1);
    const jobs = names.length;
    table.push({ killed: 'cupsd, lp alone', rounds, jobs, lost, held: [], sentTwice: [], doubledByCupsd });
    expect(jobs).toBe(2 * rounds);
  }, 3_600_000);
});

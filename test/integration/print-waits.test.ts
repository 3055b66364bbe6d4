// needs: namespaces cups
/** Two PCs, and something in the way of a job: it waits, says why to both, and then prints once. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { AccountingLine } from '../../protocol/print-order.ts';
import { JobView, NeighbourView } from '../../protocol/control.ts';
import { TestAgent } from '../office/agents.ts';
import { type CupsServer, startCups } from '../office/cups.ts';
import { onePagePdf } from '../office/documents.ts';
import { startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const run = promisify(execFile);
const scope = new Scope();
let cups: CupsServer;
let disk: string;
let owner: TestAgent;
let sender: TestAgent;

beforeAll(async () => {
  disk = await mkdtemp(join(tmpdir(), 'nh-small-'));
  scope.defer(() => rm(disk, { recursive: true, force: true }));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=48m,mode=700', 'tmpfs', disk]);
  scope.defer(() => run('umount', ['-l', disk]).then(() => undefined));
  const home = join(disk, 'home');
  await mkdir(home);
  await writeFile(join(home, 'config.json'), JSON.stringify({ version: 1, printing: { reserve: 16 << 20 } }));
  // The hosts see the disks that are there when they begin.
  const office = scope.use(await startOffice(2));
  cups = scope.use(await startCups());
  const start = async (host: number, name: string, options: object): Promise<TestAgent> => {
    const prefix = await office.entry(host);
    const agent = scope.use(await TestAgent.prepare({ host: { prefix }, name, ...options }));
    await agent.start();
    return agent;
  };
  owner = await start(1, 'Owner', { env: { CUPS_SERVER: cups.server }, home });
  sender = await start(2, 'Sender', {});
  await until(async () => (await owner.nethood('printer', 'share', 'laser')).code === 0, {
    what: () => `the printer to be shared: ${owner.output}`,
    withinMs: 20_000,
  });
  await until(
    async () =>
      (await sender.json(z.array(NeighbourView), 'neighbours')).some(
        ({ name, printers }) => name === 'Owner' && printers.length > 0,
      ),
    { what: () => `the printer to be seen: ${sender.output}`, withinMs: 30_000 },
  );
});
afterAll(() => scope[Symbol.asyncDispose]());

async function print(name: string, ...options: string[]): Promise<void> {
  const path = join(sender.home, name);
  await writeFile(path, onePagePdf());
  await sender.json(z.unknown(), 'print', path, '--on', 'Owner/laser', ...options);
}

async function jobAt(agent: TestAgent, name: string): Promise<JobView | undefined> {
  const jobs = await agent.json(z.array(JobView.partial()), 'jobs');
  return jobs.find((job) => job.name === name) as JobView | undefined;
}

function reaches(agent: TestAgent, name: string, isSo: (job: JobView) => boolean): Promise<JobView> {
  let last: JobView | undefined;
  return until(
    async () => {
      last = await jobAt(agent, name);
      return last !== undefined && isSo(last) && last;
    },
    { what: () => `${name}: ${JSON.stringify(last)}\n${agent.output.slice(-1000)}`, withinMs: 60_000, everyMs: 100 },
  );
}

const isStopped = ({ state, stateReasons }: JobView): boolean =>
  state !== 'completed' && stateReasons.includes('printer-stopped');
const isHeld = ({ state }: JobView): boolean => state === 'pending-held';
const completed = ({ state }: JobView): boolean => state === 'completed';

async function sheetsOf(name: string): Promise<number> {
  const titles = await cups.printedWith('titles').catch(() => []);
  return titles.filter((line) => line.endsWith(` ${name}`)).length;
}

describe('a job between two PCs', () => {
  test('for a queue that was stopped waits, says so to both, and prints once when it is started', async () => {
    await cups.command('cupsdisable', 'laser');
    await print('stopped.pdf');
    const waiting = await reaches(sender, 'stopped.pdf', isStopped);
    console.log(`queue stopped: ${waiting.state} ${waiting.stateReasons.join(' ')} ${waiting.message}`);
    expect((await reaches(owner, 'stopped.pdf', isStopped)).own).toBe(false);
    expect(await sheetsOf('stopped.pdf')).toBe(0);
    await cups.command('cupsenable', 'laser');
    await reaches(sender, 'stopped.pdf', completed);
    expect(await sheetsOf('stopped.pdf')).toBe(1);
  });

  test('for an owner whose disk is full waits here, says so, and prints once when there is room', async () => {
    const filler = join(disk, 'filler');
    await writeFile(filler, Buffer.alloc(36 << 20));
    await print('full.pdf');
    const waiting = await reaches(sender, 'full.pdf', ({ message }) => message?.includes('no room') === true);
    expect(waiting).toMatchObject({ state: 'pending', stateReasons: ['nethood-unreachable'] });
    expect(waiting.expires).not.toBeNull();
    expect(await jobAt(owner, 'full.pdf')).toBeUndefined();
    await rm(filler);
    await reaches(sender, 'full.pdf', completed);
    expect(await sheetsOf('full.pdf')).toBe(1);
  });

  test('for an owner whose PC is asleep waits here, says so, and prints once after it woke', async () => {
    process.kill(owner.pid, 'SIGSTOP');
    await print('asleep.pdf');
    try {
      const waiting = await reaches(sender, 'asleep.pdf', ({ stateReasons }) =>
        stateReasons.includes('nethood-unreachable'),
      );
      console.log(`owner asleep: ${waiting.message}`);
      expect(waiting.message).toMatch(/Owner/);
    } finally {
      process.kill(owner.pid, 'SIGCONT');
    }
    await reaches(sender, 'asleep.pdf', completed);
    expect(await sheetsOf('asleep.pdf')).toBe(1);
  });

  test('for private release waits at the owner over his restart, and prints once its sender releases it', async () => {
    await print('payslip.pdf', '--hold');
    await reaches(sender, 'payslip.pdf', isHeld);
    const held = await reaches(owner, 'payslip.pdf', isHeld);
    expect(held.stateReasons).toEqual(['job-hold-until-specified']);
    await owner.kill();
    await owner.start();
    await reaches(owner, 'payslip.pdf', isHeld);
    const { id } = await reaches(sender, 'payslip.pdf', isHeld);
    // The owner has just come back: the session may not stand yet.
    await until(async () => (await sender.nethood('job', 'release', String(id))).code === 0, {
      what: 'the release',
      withinMs: 20_000,
    });
    await reaches(sender, 'payslip.pdf', completed);
    expect(await sheetsOf('payslip.pdf')).toBe(1);
  });

  test('stands in the book of the owner, who printed it, with his name', async () => {
    const lines = await owner.json(z.array(AccountingLine), 'accounting');
    const names = lines.map(({ name }) => name);
    expect(names).toEqual(['payslip.pdf', 'asleep.pdf', 'full.pdf', 'stopped.pdf']);
    for (const line of lines) expect(line).toMatchObject({ printer: 'laser', state: 'completed', copies: 1 });
    for (const { from } of lines) expect(from).toMatch(/ on Sender$/);
  });
});

// needs: namespaces
/** Neighbours that multicast does not find: those of the last run, and those added by hand. Multicast reaches no host here. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { NeighbourView } from '../../protocol/control.ts';
import { DoctorReport } from '../../protocol/doctor.ts';
import { program, TestAgent } from '../office/agents.ts';
import { count } from '../office/counts.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const scope = new Scope();
let office: Office;
let anna: TestAgent;
let bob: TestAgent;

beforeAll(async () => {
  office = scope.use(await startOffice(3));
  for (const k of [1, 2, 3]) await office.filterMulticast(k);
  anna = scope.use(await TestAgent.start({ host: { prefix: await office.entry(1) }, name: 'Anna' }));
  bob = scope.use(await TestAgent.start({ host: { prefix: await office.entry(2) }, name: 'Bob' }));
});
afterAll(() => scope[Symbol.asyncDispose]());

const neighboursOf = (agent: TestAgent): Promise<NeighbourView[]> => agent.json(z.array(NeighbourView), 'neighbours');

async function ready(agent: TestAgent, name: string, withinMs = 5_000): Promise<NeighbourView> {
  return until(
    async () => (await neighboursOf(agent)).find((neighbour) => neighbour.name === name && neighbour.state === 'ready'),
    { what: () => `${name} to be ready: ${agent.output}`, withinMs },
  );
}

/** What the disk remembers. */
async function remembered(agent: TestAgent): Promise<string> {
  return readFile(join(agent.home, 'state', 'neighbours.json'), 'utf8').catch(() => '');
}

/** Milliseconds from the process's start until it serves, and from there until the neighbour is in session. */
async function startTimes(k: number, agent: TestAgent, neighbour: string): Promise<{ serving: number; ready: number }> {
  const began = performance.now();
  await using started = await office.spawn(
    k,
    process.execPath,
    [program, 'run', '--no-tray', '--home', agent.home],
    // As TestAgent: no print system of the machine's own.
    { env: { HOME: agent.home, CUPS_SERVER: join(agent.home, 'no-cups.sock') } },
  );
  const [serving, inSession] = await Promise.all([
    started.waitFor(/Looking for neighbours/).then(() => performance.now()),
    started.waitFor(new RegExp(`\\+ ${neighbour} `)).then(() => performance.now()),
  ]);
  started.kill('SIGTERM');
  await started.exited;
  return { serving: Math.round(serving - began), ready: Math.round(inSession - serving) };
}

describe('where multicast is filtered', () => {
  it('nobody is found', async () => {
    // Longer than probing, announcing and the first questions take.
    const report = await anna.json(DoctorReport, 'doctor');
    const seen = report.secondOpinion.sightings.map(({ name }) => name);
    expect([report.sightings, seen], JSON.stringify(report)).toEqual([[], ['Anna']]);
    expect(await neighboursOf(anna)).toEqual([]);
    expect(await neighboursOf(bob)).toEqual([]);
  });

  it('a neighbour added by hand is in session at once, at both sides', async () => {
    const added = await anna.json(NeighbourView, 'neighbour', 'add', office.address(2));
    expect(added).toMatchObject({ name: 'Bob', state: 'ready', addresses: [office.address(2)], port: 6631 });
    await ready(anna, 'Bob');
    await ready(bob, 'Anna');
  });

  it('an address where no agent is says so, with its exit code', async () => {
    const { code, stdout } = await anna.nethood('neighbour', 'add', office.address(3), '--json');
    expect(code).toBe(6);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'unreachable' } });
    expect(await neighboursOf(anna)).toHaveLength(1);
  });

  it('both know each other after a restart, usable within 300 ms after they serve', async () => {
    for (const agent of [anna, bob])
      await until(async () => (await remembered(agent)).includes('"id"'), { what: 'the disk', withinMs: 5_000 });
    for (const [k, agent, other] of [
      [1, anna, 'Bob'],
      [2, bob, 'Anna'],
    ] as const) {
      await agent.end();
      const times = [];
      for (let run = 0; run < count(3, 10); run++) times.push(await startTimes(k, agent, other));
      const median =
        times.map(({ ready: ms }) => ms).toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Infinity;
      console.log(`${other} remembered: serving after and ready then (ms)`, times);
      expect(median).toBeLessThanOrEqual(300);
      await agent.start();
      await ready(agent, other);
    }
  });

  it('one that was forgotten stays so, over a restart too, until it is added again', async () => {
    await bob.end();
    expect((await anna.nethood('neighbour', 'forget', 'Bob')).code).toBe(0);
    expect(await neighboursOf(anna)).toEqual([]);
    expect(await remembered(anna)).not.toContain('"id"');
    await anna.end();
    await anna.start();
    expect(await neighboursOf(anna)).toEqual([]);
    expect((await anna.nethood('neighbour', 'forget', 'Bob')).code).toBe(4);
    // It remembers us, and calls.
    await bob.start();
    await ready(anna, 'Bob');
  });
});

describe('with a card left alone by the configuration', () => {
  it('neighbours are reached by hand all the same', async () => {
    const home = await mkdtemp(join(tmpdir(), 'nh-'));
    scope.defer(() => rm(home, { recursive: true, force: true }));
    const carol = scope.use(await TestAgent.prepare({ host: { prefix: await office.entry(3) }, name: 'Carol', home }));
    await writeFile(join(home, 'config.json'), JSON.stringify({ version: 1, lan: { ignore: ['eth0'] } }));
    await carol.start();
    const added = await carol.json(NeighbourView, 'neighbour', 'add', `${office.address(1)}:6631`);
    expect(added).toMatchObject({ name: 'Anna', state: 'ready' });
  });
});

// needs: namespaces avahi mdns
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { hostNameOf } from '../../protocol/ids.ts';
import { idOf, say } from '../discovery/engine-support.ts';
import { program, TestAgent } from '../office/agents.ts';
import { count } from '../office/counts.ts';
import { type Office, type OfficeProcess, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';
import { announce, loses, median, sees, startAgent, toldAt } from './mdns-support.ts';

const runs = count(2, 10);
const table: string[] = [];

afterAll(() => say(['| | ours | Avahi |', '|---|---|---|', ...table].join('\n')));

function cell(ms: readonly number[]): string {
  return `${median(ms).toFixed(0)} (${Math.min(...ms).toFixed(0)}-${Math.max(...ms).toFixed(0)})`;
}

/** Avahi holds no sessions: it lists who was killed or cut off for minutes at least, and remembers nobody. */
function row(what: string, ours: readonly number[], avahi?: readonly number[]): void {
  if (ours.length > 0) table.push(`| ${what} | ${cell(ours)} | ${avahi === undefined ? '–' : cell(avahi)} |`);
}

/** When a process printed what fits, by polling its output: Avahi's tools tell no time. */
async function printedAt(process: OfficeProcess, fits: (text: string) => boolean, from = 0): Promise<number> {
  const end = Date.now() + 10_000;
  while (!fits(process.stdout.slice(from))) {
    if (Date.now() > end) throw new Error(`Not printed: ${fits.toString()}\n${process.stdout}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return Date.now();
}

async function publishAndStop(office: Office): Promise<{ found: number; gone: number }> {
  const publisher = await startAgent(office, 1, 'ann');
  const browser = await startAgent(office, 2, 'bob');
  for (const agent of [publisher, browser]) await agent.waitFor(/"self"/);
  // The first questions are over, and the host name is probed, as Avahi's is.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const began = Date.now();
  announce(publisher, 'Ann');
  const found = (await toldAt(browser, sees('ann'))) - began;
  await publisher.waitFor(/"announced"/);
  const stopped = Date.now();
  publisher.kill('SIGTERM');
  const gone = (await toldAt(browser, loses('ann'))) - stopped;
  await browser[Symbol.asyncDispose]();
  return { found, gone };
}

async function publishAndStopByAvahi(office: Office): Promise<{ found: number; gone: number }> {
  const browser = await office.spawn(2, 'avahi-browse', ['-rp', '_nethood._tcp']);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const began = Date.now();
  const publisher = await office.spawn(1, 'avahi-publish', ['-s', 'Ann', '_nethood._tcp', '7001', 'v=1']);
  const found = (await printedAt(browser, (text) => text.includes('\n='))) - began;
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const stopped = Date.now();
  publisher.kill('SIGTERM');
  const gone = (await printedAt(browser, (text) => text.includes('\n-'))) - stopped;
  await browser[Symbol.asyncDispose]();
  return { found, gone };
}

test('every publication is found and every stop is seen, timed beside Avahi (budget 1.1 s each)', async () => {
  await using office = await startOffice(2);
  const ours = [];
  for (let run = 0; run < runs; run++) ours.push(await publishAndStop(office));
  await office.avahi(1, 'start');
  await office.avahi(2, 'start');
  const avahi = [];
  for (let run = 0; run < runs; run++) avahi.push(await publishAndStopByAvahi(office));
  const [found, gone] = [ours.map((one) => one.found), ours.map((one) => one.gone)];
  row(
    'publish → found',
    found,
    avahi.map((one) => one.found),
  );
  row(
    'stop → gone',
    gone,
    avahi.map((one) => one.gone),
  );
  expect([found.length, gone.length]).toEqual([runs, runs]);
});

test('every browser finds what was there before it, timed beside Avahi (budget 150 ms)', async () => {
  await using office = await startOffice(3);
  const publisher = await startAgent(office, 1, 'ann', 'Ann');
  await publisher.waitFor(/"announced"/);
  await office.avahi(3, 'start');
  // Announcing is over, or it would be found without asking.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const ours: number[] = [];
  const avahi: number[] = [];
  for (let run = 0; run < runs; run++) {
    const browser = await startAgent(office, 2, `bob ${run}`);
    const started = await toldAt(browser, ({ started: told }) => told === true);
    ours.push((await toldAt(browser, sees('ann'))) - started);
    await browser[Symbol.asyncDispose]();
    // A daemon that has just started has nothing in its cache.
    await office.avahi(3, 'stop');
    await office.avahi(3, 'start');
    const began = Date.now();
    const browse = await office.spawn(3, 'avahi-browse', ['-rp', '_nethood._tcp']);
    avahi.push((await printedAt(browse, (text) => text.includes('\n='))) - began);
    await browse[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
  }
  row('browser start → found', ours, avahi);
  expect(ours).toHaveLength(runs);
});

test('every new address is right everywhere, timed beside Avahi (budget 1.1 s)', async () => {
  await using office = await startOffice(3);
  const publisher = await startAgent(office, 1, 'ann', 'Ann');
  const browser = await startAgent(office, 2, 'bob');
  await office.avahi(3, 'start');
  await office.avahi(1, 'start');
  await publisher.waitFor(/"announced"/);
  await toldAt(browser, sees('ann', '10.77.0.1'));
  await office.run(3, 'avahi-resolve', ['-4n', hostNameOf(idOf('ann'))]);
  const ours: number[] = [];
  const avahi: number[] = [];
  for (let run = 0; run < runs; run++) {
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const address = `10.77.0.${100 + run}`;
    const changed = Date.now();
    await office.readdress(1, address);
    const seen = toldAt(browser, sees('ann', address), { since: changed });
    const resolve = async (): Promise<number> => {
      const name = `${office.hostName(1)}.local`;
      await expect
        .poll(async () => (await office.run(3, 'avahi-resolve', ['-4n', name])).trim().split(/\s+/)[1], {
          timeout: 10_000,
          interval: 20,
        })
        .toBe(address);
      return Date.now();
    };
    const [bySeen, byAvahi] = await Promise.all([seen, resolve()]);
    ours.push(bySeen - changed);
    avahi.push(byAvahi - changed);
  }
  row('new address → right address', ours, avahi);
  expect(ours).toHaveLength(runs);
});

/** Milliseconds until an agent's output has a line of this kind, from what it has said so far on. */
function says(output: () => string, line: string, withinMs: number): Promise<number> {
  const from = output().length;
  const began = performance.now();
  return until(() => Promise.resolve(output().indexOf(line, from) < 0 ? undefined : performance.now() - began), {
    what: () => `${line}: ${output()}`,
    withinMs,
    everyMs: 5,
  });
}

test(
  'whoever is killed or cut off is gone everywhere, and one known from before is usable at once',
  { timeout: count(120_000, 600_000) },
  async () => {
    await using office = await startOffice(2);
    await using bob = await TestAgent.start({ host: { prefix: await office.entry(2) }, name: 'Bob' });
    await using anna = await TestAgent.prepare();
    const start = (): Promise<OfficeProcess> =>
      office.spawn(1, process.execPath, [program, 'run', '--no-tray', '--name', 'Anna', '--home', anna.home], {
        env: { HOME: anna.home, CUPS_SERVER: join(anna.home, 'no-cups.sock') },
      });
    const [known, killed, cut]: [number[], number[], number[]] = [[], [], []];
    const atBob = (): string => bob.output;
    const startAnna = async (): Promise<OfficeProcess> => {
      const seen = says(atBob, '+ Anna ', 10_000);
      const process = await start();
      const [serving, inSession] = await Promise.all(
        [/Looking for neighbours/, /\+ Bob /].map((line) => spoken(process, line)),
      );
      await seen;
      if (killed.length > 0) known.push((inSession ?? NaN) - (serving ?? NaN));
      return process;
    };
    for (let run = 0; run < count(1, 11); run++) {
      const process = await startAnna();
      // What Bob remembers is on the disk.
      await until(async () => (await bob.nethood('neighbours')).stdout.includes('ready'), {
        what: 'it',
        withinMs: 5_000,
      });
      const gone = says(atBob, '- Anna is gone', 15_000);
      process.kill('SIGKILL');
      killed.push(await gone);
    }
    await using alive = await startAnna();
    for (let run = 0; run < count(0, 10); run++) {
      const gone = [says(atBob, '- Anna is gone', 15_500), says(() => alive.stdout, '- Bob is gone', 15_500)];
      await office.partition(1);
      cut.push(Math.max(...(await Promise.all(gone))));
      const back = [says(atBob, '+ Anna ', 30_000), says(() => alive.stdout, '+ Bob ', 30_000)];
      await office.heal(1);
      await Promise.all(back);
    }
    row('killed → gone (limit 15 s)', killed);
    row('cut off → gone on both sides (limit 15 s)', cut);
    row('remembered neighbour usable after the serving line', known);
    expect(killed.length).toBeGreaterThan(0);
  },
);

async function spoken(process: OfficeProcess, line: RegExp): Promise<number> {
  await process.waitFor(line);
  return performance.now();
}

// needs: namespaces avahi mdns
import { afterAll, expect, test } from 'vitest';
import { hostNameOf } from '../../protocol/ids.ts';
import { idOf, say } from '../discovery/engine-support.ts';
import { type Office, type OfficeProcess, startOffice } from '../office/office.ts';
import { announce, loses, median, sees, startAgent, toldAt } from './mdns-support.ts';

const runs = process.env['NETHOOD_TEST_LONG'] === '1' ? 10 : 5;
const table: string[] = [];

afterAll(() => say(['| | ours | Avahi |', '|---|---|---|', ...table].join('\n')));

function cell(ms: readonly number[]): string {
  return `${median(ms).toFixed(0)} (${Math.min(...ms).toFixed(0)}-${Math.max(...ms).toFixed(0)})`;
}

function row(what: string, ours: readonly number[], avahi: readonly number[]): void {
  table.push(`| ${what} | ${cell(ours)} | ${cell(avahi)} |`);
}

/** When a process printed what fits, by polling its output: Avahi's tools tell no time. */
async function printedAt(process: OfficeProcess, fits: (text: string) => boolean, from = 0): Promise<number> {
  const until = Date.now() + 10_000;
  while (!fits(process.stdout.slice(from))) {
    if (Date.now() > until) throw new Error(`Not printed: ${fits.toString()}\n${process.stdout}`);
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

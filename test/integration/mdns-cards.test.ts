// needs: namespaces mdns
/**
 * The cards of a PC as they are and as they change, with real agents. Each of these waits most of its time, so they
 * wait together. Times are printed; what is asserted is that all becomes right.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Scope } from '../../agent/base/scope.ts';
import { DoctorReport } from '../../protocol/doctor.ts';
import { say } from '../discovery/engine-support.ts';
import { TestAgent } from '../office/agents.ts';
import { count } from '../office/counts.ts';
import { MdnsCapture } from '../office/mdns-capture.ts';
import { isState, NeighbourWatch, readyAre } from '../office/neighbour-watch.ts';
import { type Office, startOffice } from '../office/office.ts';

interface Watched {
  readonly agent: TestAgent;
  readonly watch: NeighbourWatch;
}

/** Starting is work for the processor: one after the other, whichever test it is for. */
let starting: Promise<unknown> = Promise.resolve();

/** With a watch on what it sees. */
function watched(scope: Scope, office: Office, k: number, name: string): Promise<Watched> {
  const start = async (): Promise<Watched> => {
    const agent = scope.use(await TestAgent.start({ host: { prefix: await office.entry(k) }, name }));
    return { agent, watch: scope.use(await NeighbourWatch.start(agent)) };
  };
  const started = starting.then(start);
  // Whoever waits for it hears why it failed; the next one starts all the same.
  starting = started.catch(() => undefined);
  return started;
}

/** Until all is right, on a machine that may be busy; the times are printed. */
const withinMs = 20_000;

/** Milliseconds from an agent's serving until it told that these are there. */
function foundAfter({ agent }: Watched, ...names: readonly string[]): number {
  const serving = agent.saidAt(/Looking for neighbours/) ?? Number.NaN;
  return Math.round(Math.max(...names.map((name) => agent.saidAt(new RegExp(`\\+ ${name} `)) ?? Number.NaN)) - serving);
}

/** Shares one file, whose content is the agent's own. */
async function shareFile({ agent }: Watched): Promise<void> {
  await agent.json(z.unknown(), 'share', '--public');
  await writeFile(join(agent.home, 'files', 'Public', 'file.txt'), agent.home);
}

async function fetchFile(from: Watched, name: string, to: Watched): Promise<void> {
  const path = join(to.agent.files, `from ${name}`);
  await to.agent.json(z.unknown(), 'get', `${name}/Public/file.txt`, path);
  expect(await readFile(path, 'utf8')).toBe(from.agent.home);
}

function addressesOf({ watch }: Watched, name: string): readonly string[] {
  return watch.now.find((neighbour) => neighbour.name === name)?.addresses ?? [];
}

/** All addresses that this host was heard to tell, as a capture has them. */
async function toldOf(capture: MdnsCapture, host: RegExp): Promise<string[]> {
  const messages = (await capture.packets()).map(({ message }) => message);
  const records = messages.flatMap((message) => [message.answers, message.authorities, message.additionals].flat());
  const told = records.flatMap(({ name, data }) =>
    host.test(name[0] ?? '') && (data.type === 'A' || data.type === 'AAAA') ? [data.address] : [],
  );
  return Array.from(new Set(told));
}

/** A laptop that is closed: nothing of the agent runs, while the system underneath still answers. */
const asleepMs = count(30, 600) * 1_000;

describe.concurrent('cards', { timeout: 300_000 }, () => {
  test('a laptop asleep is gone, and right again as it wakes', { timeout: asleepMs + 240_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nh-asleep-'));
    await using scope = new Scope();
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const office = scope.use(await startOffice(3));
    const wire = scope.use(await MdnsCapture.start(office, 1, join(folder, 'wire.pcap')));
    const agents = await Promise.all(['Anna', 'Bob', 'Carol'].map((name, at) => watched(scope, office, at + 1, name)));
    const [anna, bob, carol] = agents as [Watched, Watched, Watched];
    await shareFile(anna);
    await shareFile(bob);
    for (const [{ watch }, ...others] of [
      [anna, 'Bob', 'Carol'],
      [bob, 'Anna', 'Carol'],
    ] as const)
      await watch.until(readyAre(...others), { what: 'all to be in session', withinMs });

    const slept = performance.now();
    process.kill(bob.agent.pid, 'SIGSTOP');
    const gone = await anna.watch.until(isState('Bob', 'gone'), { what: 'Bob to go', withinMs, since: slept });
    // Meanwhile the world changes.
    await carol.agent.end();
    await office.readdress(1, '10.77.0.101');
    await sleep(asleepMs - (performance.now() - slept));

    const woke = performance.now();
    const wokeAt = Date.now();
    process.kill(bob.agent.pid, 'SIGCONT');
    // The one from before has given up on an agent that said nothing.
    const eyes = scope.use(await NeighbourWatch.start(bob.agent));
    const again = { withinMs, since: woke };
    const [hisView, herView, carolGone] = await Promise.all([
      eyes.until((list) => readyAre('Anna')(list) && list.some(({ addresses }) => addresses.includes('10.77.0.101')), {
        what: 'Bob to have Anna, at her new address',
        ...again,
      }),
      anna.watch.until(readyAre('Bob'), { what: 'Anna to have Bob', ...again }),
      eyes.until(isState('Carol', 'gone'), {
        what: 'Bob to know that Carol has gone',
        withinMs,
        since: woke,
      }),
    ]);
    await fetchFile(bob, 'Bob', anna);
    await fetchFile(anna, 'Anna', bob);
    // No other name, and nobody twice.
    const report = await bob.agent.json(DoctorReport, 'doctor');
    expect(report.announced.map(({ name }) => name)).toEqual(['Bob', 'Public (Bob)']);
    expect(report.hostName).not.toMatch(/-\d+\.local$/);
    expect(anna.watch.now.map(({ name }) => name).toSorted()).toEqual(['Bob', 'Carol']);

    const said = (await wire.packets()).filter(({ from, at }) => from === office.address(2) && at >= wokeAt);
    const first = (of: (one: (typeof said)[number]) => boolean): number =>
      Math.round((said.find(of)?.at ?? Number.NaN) - wokeAt);
    const [asks, probes, announces] = [
      first(({ message }) => !message.response && message.authorities.length === 0),
      first(({ message }) => message.authorities.length > 0),
      first(({ message }) => message.response),
    ];
    say(
      `asleep for ${asleepMs / 1_000} s: gone after ${gone} ms; awake: asks after ${asks} ms, probes ${probes}, announces ${announces}`,
    );
    say(
      `awake → in session: ${hisView} ms in its own eyes, ${herView} ms in another's; who left meanwhile gone: ${carolGone} ms`,
    );
  });

  test('two on two LANs: each LAN is told its own addresses alone, and both see the agent; one goes and comes back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nh-cards-'));
    await using scope = new Scope();
    scope.defer(() => rm(folder, { recursive: true, force: true }));
    const office = scope.use(await startOffice(3, { secondCards: [1, 3] }));
    await office.removeNic(3, 1);
    const left = scope.use(await MdnsCapture.start(office, 2, join(folder, 'left.pcap')));
    const right = scope.use(await MdnsCapture.start(office, 3, join(folder, 'right.pcap'), 'eth1'));
    const [bob, carol] = await Promise.all([watched(scope, office, 2, 'Bob'), watched(scope, office, 3, 'Carol')]);
    const anna = await watched(scope, office, 1, 'Anna');
    const both = { what: 'both LANs to see Anna', withinMs };
    await Promise.all([bob, carol].map(({ watch }) => watch.until(readyAre('Anna'), both)));
    await anna.watch.until(readyAre('Bob', 'Carol'), both);
    say(`two LANs: serving → in session on both ${foundAfter(anna, 'Bob', 'Carol')} ms`);

    const { device } = await anna.agent.json(z.looseObject({ device: z.object({ id: z.string() }) }), 'status');
    const host = new RegExp(`^nh-${device.id.slice(0, 8)}$`);
    const [toldLeft, toldRight] = [await toldOf(left, host), await toldOf(right, host)];
    expect([toldLeft.filter(isGlobal).toSorted(), toldRight.filter(isGlobal).toSorted()]).toEqual([
      ['10.77.0.1', 'fd77::1'],
      ['10.78.0.1', 'fd78::1'],
    ]);
    const linkLocal = [toldLeft, toldRight].map((told) => told.filter((address) => !isGlobal(address)));
    expect(linkLocal.map((addresses) => addresses.length)).toEqual([1, 1]);
    expect(linkLocal[0]).not.toEqual(linkLocal[1]);
    expect(bob.watch.now.map(({ name }) => name)).toEqual(['Anna']);

    let changed = performance.now();
    await office.removeNic(1);
    const gone = await carol.watch.until(isState('Anna', 'gone'), {
      what: 'Carol to lose Anna',
      withinMs,
      since: changed,
    });
    expect(bob.watch.since(changed).every(({ neighbours }) => readyAre('Anna')(neighbours))).toBe(true);
    changed = performance.now();
    await office.nic(1);
    const again = { what: 'Carol and Anna to be in session', withinMs, since: changed };
    const back = await Promise.all([
      carol.watch.until(readyAre('Anna'), again),
      anna.watch.until(readyAre('Bob', 'Carol'), again),
    ]);
    say(`card out → gone: ${gone} ms; card in → ready: ${Math.max(...back)} ms`);
  });

  test('another address is told at once, and one without a carrier comes back', async () => {
    await using scope = new Scope();
    const office = scope.use(await startOffice(2));
    const [anna, bob] = await Promise.all([watched(scope, office, 1, 'Anna'), watched(scope, office, 2, 'Bob')]);
    await shareFile(anna);
    await bob.watch.until(readyAre('Anna'), { what: 'a session', withinMs });
    await anna.watch.until(readyAre('Bob'), { what: 'a session', withinMs });

    let changed = performance.now();
    await office.readdress(1, '10.77.0.101');
    const told = await bob.watch.until((list) => list[0]?.addresses.includes('10.77.0.101') === true, {
      what: 'Bob to know the new address',
      withinMs,
      since: changed,
    });
    const inSession = await bob.watch.until(
      (list) => list[0]?.state === 'ready' && list[0].addresses[0] !== office.address(1),
      { what: 'a session by an address that is there', withinMs, since: changed },
    );
    await fetchFile(anna, 'Anna', bob);
    say(`another address → known: ${told} ms, in session by it: ${inSession} ms`);

    changed = performance.now();
    await office.unplug(1);
    const gone = await bob.watch.until(isState('Anna', 'gone'), {
      what: 'Anna to go',
      withinMs,
      since: changed,
    });
    await anna.watch.until(isState('Bob', 'gone'), { what: 'Bob to go', withinMs, since: changed });
    changed = performance.now();
    await office.plug(1);
    const again = { what: 'a session again', withinMs, since: changed };
    const back = await Promise.all([
      bob.watch.until(readyAre('Anna'), again),
      anna.watch.until(readyAre('Bob'), again),
    ]);
    say(`cable out → gone: ${gone} ms; cable in → ready: ${Math.max(...back)} ms`);
    await fetchFile(anna, 'Anna', bob);
  });

  test('IPv4 alone, IPv6 alone, link-local IPv6 alone: whoever has a family in common is found and fetched from', async () => {
    await using scope = new Scope();
    const office = scope.use(await startOffice(4));
    await office.run(2, 'sysctl', ['-qw', 'net.ipv6.conf.eth0.disable_ipv6=1']);
    await office.run(3, 'ip', ['-4', 'addr', 'flush', 'dev', 'eth0']);
    await office.run(4, 'ip', ['addr', 'flush', 'dev', 'eth0', 'scope', 'global']);
    const names = ['Dual', 'Four', 'Six', 'Local'];
    const agents = await Promise.all(names.map((name, at) => watched(scope, office, at + 1, name)));
    const [dual, four, six, local] = agents as [Watched, Watched, Watched, Watched];
    const wanted = [
      readyAre('Four', 'Six', 'Local'),
      readyAre('Dual'),
      readyAre('Dual', 'Local'),
      readyAre('Dual', 'Six'),
    ];
    await Promise.all(
      agents.map(({ watch }, at) =>
        watch.until(wanted[at] ?? (() => false), { what: `${names[at]} to be in session`, withinMs }),
      ),
    );
    const times = [foundAfter(four, 'Dual'), foundAfter(six, 'Dual', 'Local'), foundAfter(local, 'Dual', 'Six')];
    say(`IPv4, IPv6, link-local alone: serving → in session with all ${times.join(', ')} ms, some started later`);
    expect(addressesOf(six, 'Local')).toEqual([expect.stringMatching(/^fe80::.*%eth0$/)]);
    expect(addressesOf(local, 'Six')[0]).toMatch(/^fe80::.*%eth0$/);

    await Promise.all(agents.map(shareFile));
    await fetchFile(local, 'Local', six);
    await fetchFile(six, 'Six', local);
    await fetchFile(local, 'Local', dual);
    await fetchFile(dual, 'Dual', four);
  });

  test('loopback alone: two users of one PC find each other and fetch', async () => {
    await using scope = new Scope();
    const office = scope.use(await startOffice(1));
    await office.removeNic(1, 1);
    const [anna, ben] = await Promise.all([watched(scope, office, 1, 'Anna'), watched(scope, office, 1, 'Ben')]);
    await shareFile(anna);
    const wanted = { what: 'a session', withinMs };
    await Promise.all([anna.watch.until(readyAre('Ben'), wanted), ben.watch.until(readyAre('Anna'), wanted)]);
    const times = [foundAfter(anna, 'Ben'), foundAfter(ben, 'Anna')];
    say(`loopback alone: serving → in session ${times.join(' and ')} ms, one started later`);
    await fetchFile(anna, 'Anna', ben);

    const changed = performance.now();
    await office.nic(1, 1);
    await ben.watch.until((list) => list[0]?.addresses.includes(office.address(1)) === true, {
      what: 'the first card to take the place of loopback',
      withinMs,
      since: changed,
    });
    await fetchFile(anna, 'Anna', ben);
  });
});

function isGlobal(address: string): boolean {
  return !address.startsWith('fe80:');
}

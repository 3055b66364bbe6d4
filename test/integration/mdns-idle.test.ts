// needs: namespaces avahi mdns
/** What an office in which nothing happens costs: packets on the LAN beside Avahi's, memory and processor of each agent. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { say } from '../discovery/engine-support.ts';
import { TestAgent } from '../office/agents.ts';
import { count } from '../office/counts.ts';
import { type Captured, MdnsCapture } from '../office/mdns-capture.ts';
import { type Office, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';

const hosts = count(8, 20);
const idleMs = count(8, 600) * 1_000;
/** The kernel counts a process's time in these. */
const msPerTick = 10;

interface Idle {
  readonly office: Office;
  readonly capture: MdnsCapture;
}

async function openOffice(scope: Scope, folder: string, name: string): Promise<Idle> {
  const office = scope.use(await startOffice(hosts));
  const capture = scope.use(await MdnsCapture.start(office, 1, join(folder, `${name}.pcap`)));
  return { office, capture };
}

function avahiSees(text: string): number {
  return new Set(text.match(/^=;eth0;IPv4;[^;]*/gm)).size;
}

function agentSees({ output }: TestAgent): number {
  return new Set(output.match(/^\+ PC \d+/gm)).size;
}

/** Each says one service and looks for it. */
async function startAvahi(office: Office): Promise<void> {
  const browsers = await Promise.all(
    Array.from({ length: hosts }, async (_, at) => {
      await office.avahi(at + 1, 'start');
      await office.spawn(at + 1, 'avahi-publish', ['-s', `PC ${at + 1}`, '_nethood._tcp', '6631', 'v=1']);
      return office.spawn(at + 1, 'avahi-browse', ['-rp', '_nethood._tcp']);
    }),
  );
  await until(() => browsers.every(({ stdout }) => avahiSees(stdout) === hosts), {
    what: () => `all Avahi to see all: ${browsers.map(({ stdout }) => avahiSees(stdout)).join()}`,
    withinMs: 60_000,
  });
}

async function startAgents(scope: Scope, office: Office): Promise<TestAgent[]> {
  const agents: TestAgent[] = [];
  // Two at a time: starting is work for the processor, and not what is looked at here.
  for (let k = 1; k <= hosts; k += 2)
    agents.push(
      ...(await Promise.all(
        [k, k + 1].map(async (n) =>
          scope.use(await TestAgent.start({ host: { prefix: await office.entry(n) }, name: `PC ${n}` })),
        ),
      )),
    );
  await until(() => agents.every((agent) => agentSees(agent) === hosts - 1), {
    what: () => `all agents to be in session with all: ${agents.map(agentSees).join()}`,
    withinMs: 60_000,
  });
  return agents;
}

interface Use {
  /** Of the processor, since the start. */
  readonly cpuMs: number;
  readonly rssMb: number;
}

async function useOf({ pid }: TestAgent): Promise<Use> {
  // utime and stime are the 14th and 15th field; the second, in parentheses, may hold spaces.
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /s, '').split(' ');
  const rss = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * msPerTick, rssMb: Number(rss) / 1_024 };
}

/** `| nethood | 12.5 | 8.1 | 1,234 |`: packets a minute by IPv4 and by IPv6, bytes a minute. */
function row(name: string, packets: readonly Captured[], ms: number): string {
  const minutes = ms / 60_000;
  const of = (family: 'v4' | 'v6'): string => {
    const some = packets.filter(({ to }) => (to.includes(':') ? 'v6' : 'v4') === family);
    return (some.length / minutes).toFixed(1);
  };
  const bytes = packets.reduce((sum, packet) => sum + packet.bytes.byteLength, 0);
  return `| ${name} | ${of('v4')} | ${of('v6')} | ${Math.round(bytes / minutes)} |`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test('an idle office', { timeout: idleMs + 240_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nh-idle-'));
  await using scope = new Scope();
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const [ours, theirs] = await Promise.all([openOffice(scope, folder, 'ours'), openOffice(scope, folder, 'theirs')]);
  await startAvahi(theirs.office);
  const agents = await startAgents(scope, ours.office);
  const began = Date.now();
  const before = await Promise.all(agents.map(useOf));
  await sleep(idleMs);
  const after = await Promise.all(agents.map(useOf));
  const ms = Date.now() - began;
  const heard = async ({ capture }: Idle): Promise<Captured[]> =>
    (await capture.packets()).filter(
      ({ at, toPort, to }) => at >= began && toPort === 5353 && /^(224\.|ff02:)/.test(to),
    );
  const [packets, avahis] = await Promise.all([heard(ours), heard(theirs)]);

  say(`${hosts} hosts idle for ${Math.round(ms / 1_000)} s, a minute, all together:`);
  say(
    `| | packets by IPv4 | by IPv6 | bytes |\n|---|---|---|---|\n${row('nethood', packets, ms)}\n${row('Avahi', avahis, ms)}`,
  );
  const cpu = after.map(({ cpuMs }, at) => ((cpuMs - (before[at]?.cpuMs ?? 0)) / ms) * 100);
  const rss = after.map(({ rssMb }) => rssMb);
  say(
    `each agent: RSS ${mean(rss).toFixed(0)} (at most ${Math.max(...rss).toFixed(0)}) MB, processor ${mean(cpu).toFixed(2)} (at most ${Math.max(...cpu).toFixed(2)}) %`,
  );
  // Silence once all is said: the steady state of an office is less than one packet a second for each ten agents.
  expect(packets.length / (ms / 1_000)).toBeLessThan(hosts);
  // Soon after the start the heap holds what the start took; the promise is of agents that are long idle.
  expect(mean(rss)).toBeLessThanOrEqual(count(120, 90));
});

// needs: namespaces mdns
/**
 * A storm with real agents in it: processes with sockets of their own in namespaces, among emulated ones on the same
 * wire, whose responders are the same.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { say } from '../discovery/engine-support.ts';
import { count, seededRandom } from '../office/counts.ts';
import { type Office, type OfficeProcess, startOffice } from '../office/office.ts';
import { until } from '../office/until.ts';
import { type Captured, MdnsCapture } from '../office/mdns-capture.ts';
import { peakOf } from '../sim/mdns-storm.ts';
import { linesOf, startAgent } from './mdns-support.ts';

const crowd = join(import.meta.dirname, '../../dist/test/programs/mdns-crowd.js');
/** As many as two processor cores take without a socket that overflows: with 24, each lost one packet in twelve. */
const real = count(4, 12);
const emulated = count(46, 488);
const startWithinMs = count(3_000, 10_000);
/** A process for each: one alone would hear a question for hundreds before it comes to the next. */
const crowds = count(1, 4);
/** Emulated agents share PCs, as those of several users do: the office's subnet is small. */
const pcsEach = Math.floor(Math.min(emulated, 180) / crowds);

test(
  `${real} real agents and ${emulated} emulated ones start within ${startWithinMs / 1_000} s, and each real one sees all`,
  { timeout: 420_000 },
  async () => {
    await using scope = new Scope();
    const folder = await mkdtemp(join(tmpdir(), 'nethood-storm-'));
    scope.defer(() => rm(folder, { recursive: true }));
    const office = scope.use(await startOffice(real + crowds));
    const others = await startCrowds(office);
    const capture = scope.use(await MdnsCapture.start(office, 1, join(folder, 'storm.pcap')));
    const agents = await startAll(office, others);
    const startedAt = [...agents, ...others].map((agent) => toldTime(agent, 'started'));
    const all = real + emulated - 1;
    await until(() => agents.every((agent) => seenBy(agent).size === all), {
      // What a busy machine loses is asked for after 1, 2, 4 … seconds: up to the seventh question.
      withinMs: 150_000,
      everyMs: 2_000,
      what: () => `${all} to be seen by each: ${agents.map((agent) => seenBy(agent).size).join(' ')}`,
    });
    const completeMs = Math.max(...agents.map(completeAt)) - Math.max(...startedAt);
    const cost = await Promise.all(agents.map(({ pid }) => costOf(pid)));
    const packets = (await capture.packets()).filter(({ to }) => to === '224.0.0.251');
    const sizes = packets.map(({ at, bytes }) => ({ at, size: bytes.byteLength }));
    const ofReal = packets.filter(isOfReal).length;
    const peak = peakOf(sizes);
    say(
      [
        `N=${real + emulated}, ${real} of them processes: ${packets.length} packets, ${sizeOf(sizes)} kB`,
        `peak ${peak.peakPackets} packets/s, ${(peak.peakBytes / 1_000).toFixed(0)} kB/s`,
        `all seen by the last real one ${completeMs} ms after the last start`,
        `each real one ${(ofReal / real).toFixed(1)} packets`,
        `${mean(cost.map(({ dropped }) => dropped)).toFixed(1)} lost on the way in`,
        `${mean(cost.map(({ cpuMs }) => cpuMs)).toFixed(0)} ms CPU, ${mean(cost.map(({ rssMb }) => rssMb)).toFixed(0)} MB RSS`,
        `emulated ones up to ${await latestOf(others)} ms late`,
      ].join('; '),
    );
    expect(ofReal).toBeGreaterThan(real * 5);
    // A busy machine that halts for a while sends what it held back all at once.
    expect(peak.peakPackets).toBeLessThan(count(750, 500));
    expect(peak.peakBytes).toBeLessThan(count(450_000, 300_000));
  },
);

/** In the last hosts, which have the addresses of all emulated PCs. IPv6 is off: the crowds speak IPv4 alone. */
async function startCrowds(office: Office): Promise<OfficeProcess[]> {
  for (let k = 1; k <= real + crowds; k++) await office.run(k, 'sysctl', ['-qw', 'net.ipv6.conf.all.disable_ipv6=1']);
  return Promise.all(Array.from({ length: crowds }, (_, n) => startCrowd(office, n)));
}

async function startCrowd(office: Office, n: number): Promise<OfficeProcess> {
  const host = real + 1 + n;
  const pcs = Array.from({ length: pcsEach }, (_, at) => `10.77.0.${60 + n * pcsEach + at}`);
  await office.run(host, 'bash', ['-ec', 'for a; do ip addr add $a/24 dev eth0; done', '-', ...pcs]);
  const each = emulated / crowds;
  const numbers = [1 + n * each, each, emulated, startWithinMs].map(String);
  // In an office they would have processors of their own.
  const args = ['-n', '-10', process.execPath, crowd, ...numbers, office.address(host), ...pcs];
  const started = await office.spawn(host, 'nice', args, { keepStdin: true });
  await started.waitFor(/"ready"/);
  return started;
}

async function startAll(office: Office, others: readonly OfficeProcess[]): Promise<OfficeProcess[]> {
  const random = seededRandom();
  const began = Date.now();
  for (const other of others) other.write('start\n');
  const agents = await Promise.all(
    Array.from({ length: real }, async (_, index) => {
      await sleep(startWithinMs * random());
      return startAgent(office, index + 1, `Real ${index + 1}`, `Real ${index + 1}`);
    }),
  );
  const withinMs = began + startWithinMs + 60_000 - Date.now();
  for (const agent of [...agents, ...others]) await agent.waitFor(/"started"/, withinMs);
  return agents;
}

function toldTime(agent: OfficeProcess, what: string): number {
  return Number(linesOf(agent).find((line) => what in line)?.['at']);
}

function seenBy(agent: OfficeProcess): Map<string, number> {
  const seen = new Map<string, number>();
  for (const { seen: sighting, at } of linesOf(agent)) {
    const id = (sighting as { id: string } | undefined)?.id;
    if (id !== undefined && !seen.has(id)) seen.set(id, Number(at));
  }
  return seen;
}

function completeAt(agent: OfficeProcess): number {
  return Math.max(...seenBy(agent).values());
}

interface Cost {
  readonly cpuMs: number;
  readonly rssMb: number;
  /** Packets that came while its socket's buffer was full. */
  readonly dropped: number;
}

/** Since its start; /proc counts in hundredths of a second. */
async function costOf(pid: number): Promise<Cost> {
  const [stat, status, sockets] = await Promise.all(
    ['stat', 'status', 'net/udp'].map((name) => readFile(`/proc/${pid}/${name}`, 'latin1')),
  );
  const [user = 0, system = 0] = (stat?.slice(stat.lastIndexOf(')')) ?? '').split(' ').slice(12, 14).map(Number);
  const dropped = sockets?.match(/^ *\d+: \w+:14E9 .* \d+ *$/gm)?.map((line) => Number(line.trim().split(/ +/).at(-1)));
  return {
    cpuMs: (user + system) * 10,
    rssMb: Number(/VmRSS:\s+(\d+)/.exec(status ?? '')?.[1]) / 1_024,
    dropped: dropped?.reduce((sum, each) => sum + each, 0) ?? Number.NaN,
  };
}

/** Those of the office itself; the crowds' addresses are higher. */
function isOfReal({ from }: Captured): boolean {
  return Number(from.split('.').at(-1)) <= real;
}

async function latestOf(others: readonly OfficeProcess[]): Promise<number> {
  for (const other of others) other.write('end\n');
  const latest = others.map(async (other) => {
    await other.waitFor(/"latestMs"/);
    return Number(linesOf(other).find((told) => 'latestMs' in told)?.['latestMs']);
  });
  return Math.max(...(await Promise.all(latest)));
}

function sizeOf(packets: readonly { size: number }[]): string {
  return (packets.reduce((sum, { size }) => sum + size, 0) / 1_000).toFixed(0);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

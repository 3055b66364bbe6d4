/** An office that starts at once: N engines on one LAN in memory, and what that costs the LAN and each of them. */
import { agentOn, heapUsed } from '../discovery/engine-support.ts';
import { seeded, SimClock } from './clock.ts';
import { MdnsLan, type SimMdnsAgent } from './mdns-lan.ts';

export interface StormResult {
  readonly agents: number;
  readonly packets: number;
  readonly bytes: number;
  /** Of any second. */
  readonly peakPackets: number;
  readonly peakBytes: number;
  /** After the last start, until everybody sees everybody. */
  readonly allSeenMs: number;
  /** Packets a second, from the third minute on. */
  readonly steadyPackets: number;
  readonly cpuMsPerAgent: number;
  readonly heapKbPerAgent: number;
}

interface StormOptions {
  readonly agents: number;
  readonly seed: number;
  /** Within which all start. */
  readonly startWithinMs: number;
  readonly steadyForMs: number;
  /** How many sessions an agent holds. */
  readonly sessions: number;
}

export async function storm(options: StormOptions): Promise<StormResult> {
  const { agents: count, seed, startWithinMs, steadyForMs, sessions } = options;
  const clock = new SimClock();
  const random = seeded(seed);
  const lan = new MdnsLan(clock, { random, latencyMs: () => 1 + Math.floor(random() * 3) });
  const heapBefore = heapUsed();
  const cpuBefore = process.cpuUsage();
  const agents: SimMdnsAgent[] = [];
  const starts = Array.from({ length: count }, () => Math.floor(random() * startWithinMs)).toSorted((a, b) => a - b);
  for (const [n, at] of starts.entries()) {
    await clock.advance(at - clock.now());
    const agent = agentOn(lan, n + 1);
    agent.engine.events.on('seen', ({ id }) => {
      if (agent.held.size < sessions) agent.held.add(id);
    });
    void agent.announce();
    agents.push(agent);
  }
  const lastStart = clock.now();
  const allSeen = (): boolean => agents.every(({ seen }) => seen.size === count - 1);
  await clock.until(allSeen, 60_000, 100);
  const allSeenMs = clock.now() - lastStart;
  await clock.advance(120_000);
  const before = groupPackets(lan).length;
  await clock.advance(steadyForMs);
  const steadyPackets = ((groupPackets(lan).length - before) * 1_000) / steadyForMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const heapKbPerAgent = (heapUsed() - heapBefore) / 1024 / count;
  const sent = groupPackets(lan);
  const bytes = sent.reduce((sum, packet) => sum + packet.bytes.byteLength, 0);
  const stillSeen = allSeen();
  await Promise.all(agents.map(({ engine }) => engine[Symbol.asyncDispose]()));
  if (!stillSeen) throw new Error('Somebody was lost on the way.');
  return {
    agents: count,
    packets: sent.length,
    bytes,
    ...peakOf(sent),
    allSeenMs,
    steadyPackets,
    cpuMsPerAgent: (user + system) / 1_000 / count,
    heapKbPerAgent,
  };
}

function groupPackets(lan: MdnsLan): MdnsLan['captured'] {
  return lan.captured.filter(({ to }) => to === undefined);
}

/** The most in any window of a second. */
function peakOf(packets: MdnsLan['captured']): { peakPackets: number; peakBytes: number } {
  let [peakPackets, peakBytes, bytes, from] = [0, 0, 0, 0];
  for (const [at, packet] of packets.entries()) {
    bytes += packet.bytes.byteLength;
    for (let first = packets[from]; first !== undefined && first.at <= packet.at - 1_000; first = packets[++from])
      bytes -= first.bytes.byteLength;
    peakPackets = Math.max(peakPackets, at - from + 1);
    peakBytes = Math.max(peakBytes, bytes);
  }
  return { peakPackets, peakBytes };
}

export function stormRow(result: StormResult): string {
  return [
    `N=${result.agents}`,
    `${result.packets} packets, ${kb(result.bytes)} kB`,
    `peak ${result.peakPackets} packets/s, ${kb(result.peakBytes)} kB/s`,
    `all see all ${result.allSeenMs} ms after the last start`,
    `steady ${result.steadyPackets.toFixed(2)} packets/s`,
    `each ${result.cpuMsPerAgent.toFixed(0)} ms CPU, ${result.heapKbPerAgent.toFixed(0)} kB`,
  ].join('; ');
}

function kb(bytes: number): string {
  return (bytes / 1000).toFixed(0);
}

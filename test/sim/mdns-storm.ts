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
  /** Answers to single hosts, beside all these. */
  readonly unicast: number;
  /** After the last start, until everybody sees everybody. */
  readonly allSeenMs: number;
  /** Packets a second, for as long as records of hosts live (2 minutes). */
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
  /** Nobody else has port 5353 on any of the PCs: first questions may be answered by unicast. */
  readonly isAlone?: boolean;
}

/** What the LAN has carried; the packets themselves are not kept. */
class Tally {
  readonly #lan: MdnsLan;
  readonly sent: { readonly at: number; readonly size: number }[] = [];
  unicast = 0;

  constructor(lan: MdnsLan) {
    this.#lan = lan;
  }

  take(): void {
    for (const { at, to, bytes } of this.#lan.captured) {
      if (to === undefined) this.sent.push({ at, size: bytes.byteLength });
      else this.unicast++;
    }
    this.#lan.captured.length = 0;
  }

  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      await this.#lan.clock.advance(Math.min(left, 1_000));
      this.take();
    }
  }
}

/** The questions that follow the storm are over. */
const settleMs = 30_000;

export async function storm(options: StormOptions): Promise<StormResult> {
  const { agents: count, seed, startWithinMs, steadyForMs, sessions, isAlone = false } = options;
  const clock = new SimClock();
  const random = seeded(seed);
  const lan = new MdnsLan(clock, { random, latencyMs: () => 1 + Math.floor(random() * 3) });
  const tally = new Tally(lan);
  const heapBefore = heapUsed();
  const cpuBefore = process.cpuUsage();
  const agents: SimMdnsAgent[] = [];
  const starts = Array.from({ length: count }, () => Math.floor(random() * startWithinMs)).toSorted((a, b) => a - b);
  for (const [n, at] of starts.entries()) {
    await tally.advance(at - clock.now());
    const agent = agentOn(lan, n + 1, `PC ${n + 1}`, { isAlone: () => isAlone });
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
  await tally.advance(settleMs);
  const before = tally.sent.length;
  await tally.advance(steadyForMs);
  const steadyPackets = ((tally.sent.length - before) * 1_000) / steadyForMs;
  const { user, system } = process.cpuUsage(cpuBefore);
  const heapKbPerAgent = (heapUsed() - heapBefore) / 1024 / count;
  const { sent, unicast } = tally;
  const bytes = sent.reduce((sum, { size }) => sum + size, 0);
  const stillSeen = allSeen();
  await Promise.all(agents.map(({ engine }) => engine[Symbol.asyncDispose]()));
  if (!stillSeen) throw new Error('Somebody was lost on the way.');
  return {
    agents: count,
    packets: sent.length,
    bytes,
    ...peakOf(sent),
    unicast,
    allSeenMs,
    steadyPackets,
    cpuMsPerAgent: (user + system) / 1_000 / count,
    heapKbPerAgent,
  };
}

/** The most in any window of a second. */
export function peakOf(packets: readonly { readonly at: number; readonly size: number }[]): {
  peakPackets: number;
  peakBytes: number;
} {
  let [peakPackets, peakBytes, bytes, from] = [0, 0, 0, 0];
  for (const [at, packet] of packets.entries()) {
    bytes += packet.size;
    for (let first = packets[from]; first !== undefined && first.at <= packet.at - 1_000; first = packets[++from])
      bytes -= first.size;
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
    `${result.unicast} by unicast`,
    `all see all ${result.allSeenMs} ms after the last start`,
    `steady ${result.steadyPackets.toFixed(2)} packets/s`,
    `each ${result.cpuMsPerAgent.toFixed(0)} ms CPU, ${result.heapKbPerAgent.toFixed(0)} kB`,
  ].join('; ');
}

function kb(bytes: number): string {
  return (bytes / 1000).toFixed(0);
}

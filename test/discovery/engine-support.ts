/** Agents for the tests of the engine: seeded identities, and an office of them on one LAN. */
import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { base32 } from '../../agent/base/random-id.ts';
import { encodeMessage } from '../../agent/discovery/dns-encode.ts';
import type { DnsMessage, DnsRecord } from '../../agent/discovery/dns-types.ts';
import type { EngineDeps } from '../../agent/discovery/engine.ts';
import { DeviceId } from '../../protocol/ids.ts';
import { card, type MdnsLan, SimMdnsAgent } from '../sim/mdns-lan.ts';

export function idOf(seed: string | number): DeviceId {
  return DeviceId.parse(base32(createHash('sha256').update(String(seed)).digest()));
}

/** Bytes of the heap that are in use, after a collection. */
export function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** Figures belong to what a test shows, beside its verdict. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

export function agentOn(lan: MdnsLan, n: number, name = `PC ${n}`, deps: Partial<EngineDeps> = {}): SimMdnsAgent {
  const cards = [card('eth0', `10.0.${n >> 8}.${n & 255}`)];
  return new SimMdnsAgent({ id: idOf(n), name, cards, lanOf: () => lan, seed: n * 7919 }, deps);
}

export const noMessage: DnsMessage = {
  id: 0,
  response: true,
  truncated: false,
  questions: [],
  answers: [],
  authorities: [],
  additionals: [],
};

export function response(answers: readonly DnsRecord[], additionals: readonly DnsRecord[] = []): Uint8Array {
  return encodeMessage({ ...noMessage, answers, additionals });
}

export const agentType = ['_nethood', '_tcp', 'local'];

/** All records of one instance, as an honest responder tells them. */
export function instanceRecords(instance: {
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly id: string;
  readonly address: string;
  readonly ttl?: number;
}): DnsRecord[] {
  const { label, host, port, id, address, ttl } = instance;
  const name = [label, ...agentType];
  const target = [host, 'local'];
  const strings = [`id=${id}`, 'v=1', `name=${label}`].map((text) => Buffer.from(text));
  return [
    { name: agentType, ttl: ttl ?? 4_500, flush: false, data: { type: 'PTR', target: name } },
    { name, ttl: ttl ?? 120, flush: true, data: { type: 'SRV', priority: 0, weight: 0, port, target } },
    { name, ttl: ttl ?? 4_500, flush: true, data: { type: 'TXT', strings } },
    { name: target, ttl: ttl ?? 120, flush: true, data: { type: 'A', address } },
  ];
}

/** So many instances that do not exist, a hundred each 10 ms, from one address or from thousands. */
export async function forgeInstances(
  lan: MdnsLan,
  { count, first, from }: { readonly count: number; readonly first: number; readonly from?: string },
): Promise<void> {
  for (let n = first; n < first + count; n++) {
    const address = from ?? `10.0.${(n >> 6) & 255}.${n & 255}`;
    const forged = { label: `Forged ${n}`, host: `f${n}`, port: 1, id: idOf(`f${n}`), address };
    lan.inject(response(instanceRecords(forged)), address);
    lan.captured.length = 0;
    if (n % 100 === 99) await lan.clock.advance(10);
  }
}

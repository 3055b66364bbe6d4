/**
 * What was heard of other agents: the records of `_nethood._tcp`, whichever packets they came in, and the sightings
 * that follow from them. Pure: packets and time go in, changes and questions come out. Bounded, whoever sends.
 *
 * An instance lives as long as the longest of its records. Single addresses do not end it when they run out: whether it
 * lives is known by its session, and asking every 96 s for everybody's addresses floods a large office.
 */
import { type AgentTxt, parseAgentTxt } from '../../protocol/dns-sd.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import type { Address, Sighting } from './discovery.ts';
import { HostTable } from './host-table.ts';
import { isLinkLocal } from './cards.ts';
import type { MdnsRecord } from './mdns-records.ts';

export const agentType = '_nethood._tcp.local';

const limits = { instances: 1_000, perSource: 64, asks: 4 } as const;
/** Nothing is believed longer than the usual TTL of PTR records (RFC 6762 section 10); bonjour-service says 8 h. */
const longestMs = 4_500_000;
/** RFC 6762 10.1: a goodbye counts a second later, so that the rightful owner can contradict. */
const graceMs = 1_000;
/** RFC 6762 10.4: unanswered for so long, a doubted instance is gone. */
const doubtMs = 10_000;
const askEveryMs = 1_000;
/** Each has at most 110 bytes: dns-packet does not compress. */
const mostKnownAnswers = 12;

/** On which card, from which address. */
export interface Origin {
  readonly card: string;
  /** Of link-local addresses on that card. */
  readonly zone: string;
  readonly source: string;
}

interface Instance {
  readonly key: string;
  readonly name: string;
  readonly origin: Origin;
  expires: number;
  heard: number;
  srv?: { readonly target: string; readonly port: number };
  txt?: AgentTxt;
  asked: number;
  asks: number;
}

export interface TableQuestion {
  readonly card: string;
  readonly name: string;
  readonly type: 'PTR' | 'SRV' | 'TXT' | 'A' | 'AAAA';
}

export interface TableChanges {
  readonly seen: readonly Sighting[];
  readonly lost: readonly DeviceId[];
}

interface TableDeps {
  /** Ours: never a sighting. */
  readonly self: DeviceId;
  /** Whether an announced address may be dialled: on-link, and no loopback, multicast or broadcast. */
  readonly usable: (address: string, card: string) => boolean;
}

export class InstanceTable {
  readonly #deps: TableDeps;
  readonly #instances = new Map<string, Instance>();
  readonly #hosts = new HostTable();
  readonly #perSource = new Map<string, number>();
  /** The last sighting of each device, as told. */
  readonly #told = new Map<DeviceId, string>();
  readonly #dirty = new Set<DeviceId>();

  constructor(deps: TableDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#instances.size;
  }

  /** The records of one response. */
  take(records: readonly MdnsRecord[], origin: Origin, now: number): void {
    // In this order, because an address counts only for a host that an instance names.
    for (const record of records)
      if (record.type === 'PTR' && record.name === agentType) this.#takeInstance(record.target, record, origin, now);
    for (const record of records)
      if (record.type === 'SRV' || record.type === 'TXT') this.#takeInstance(record.name, record, origin, now);
    for (const record of records)
      if (record.type === 'A' || record.type === 'AAAA') this.#hosts.take(keyOf(origin.card, record.name), record, now);
  }

  /** Its session failed: unless it answers, it is gone soon. */
  doubt(id: DeviceId, now: number): void {
    for (const instance of this.#instances.values()) {
      if (instance.txt?.id !== id) continue;
      instance.expires = Math.min(instance.expires, now + doubtMs);
      instance.asks = 0;
      instance.asked = -Infinity;
    }
  }

  /** A card went away, and what was heard on it. */
  forgetCard(card: string): void {
    for (const instance of Array.from(this.#instances.values()))
      if (instance.origin.card === card) this.#drop(instance);
  }

  /** RFC 6762 7.1: what need not be answered again, as far as a packet holds it. */
  knownAnswers(card: string, now: number): { name: string; type: 'PTR'; ttl: number; data: string }[] {
    const known: { name: string; type: 'PTR'; ttl: number; data: string }[] = [];
    for (const { origin, name, expires } of this.#instances.values()) {
      // Half of its life is left; one that dns-packet cannot write (a dot in its label) would be nonsense.
      const isFresh = expires > now + longestMs / 2 && !hasDot(name);
      if (origin.card === card && isFresh && known.length < mostKnownAnswers)
        known.push({ name: agentType, type: 'PTR', ttl: Math.floor((expires - now) / 1000), data: name });
    }
    return known;
  }

  /** When `changes` and `questions` want to be asked next without a packet. */
  nextDue(now: number): number {
    let due = now + longestMs;
    for (const instance of this.#instances.values()) {
      due = Math.min(due, instance.expires);
      if (this.#missing(instance, now) && instance.asks < limits.asks) due = Math.min(due, instance.asked + askEveryMs);
    }
    return Math.max(due, now);
  }

  /** What is missing for a sighting, or in doubt; each is asked for a few times, a second apart. */
  questions(now: number): TableQuestion[] {
    const questions: TableQuestion[] = [];
    for (const instance of this.#instances.values()) {
      if (!this.#missing(instance, now) || instance.asks >= limits.asks || instance.asked + askEveryMs > now) continue;
      instance.asks++;
      instance.asked = now;
      questions.push(...this.#questionsFor(instance, now));
    }
    return questions;
  }

  /** Sightings that differ from what was told last, and devices of which nothing is left. */
  changes(now: number): TableChanges {
    for (const instance of Array.from(this.#instances.values())) if (instance.expires <= now) this.#drop(instance);
    const seen: Sighting[] = [];
    const lost: DeviceId[] = [];
    for (const [id, instances] of this.#dirtyDevices()) {
      const sighting = this.#sighting(id, instances, now);
      const text = JSON.stringify(sighting);
      if (instances.length === 0 && this.#told.delete(id)) lost.push(id);
      if (sighting === undefined || text === this.#told.get(id)) continue;
      this.#told.set(id, text);
      seen.push(sighting);
    }
    return { seen, lost };
  }

  #dirtyDevices(): Map<DeviceId, Instance[]> {
    const hosts = this.#hosts.takeChanged();
    for (const instance of this.#instances.values()) if (hosts.has(hostKeyOf(instance))) this.#touch(instance);
    const byDevice = new Map<DeviceId, Instance[]>(Array.from(this.#dirty, (id) => [id, []]));
    this.#dirty.clear();
    for (const instance of this.#instances.values())
      if (instance.txt !== undefined) byDevice.get(instance.txt.id)?.push(instance);
    return byDevice;
  }

  #takeInstance(name: string, record: MdnsRecord, origin: Origin, now: number): void {
    if (!name.endsWith(`.${agentType}`)) return;
    const key = keyOf(origin.card, name);
    const known = this.#instances.get(key);
    if (record.ttl === 0) {
      if (known !== undefined) this.#goodbye(known, now);
      return;
    }
    const instance = known ?? this.#add(key, name, origin);
    if (instance === undefined) return;
    // Contradicted in time: the next doubt is asked about anew.
    if (instance.expires <= now + doubtMs) instance.asks = 0;
    instance.expires = Math.max(instance.expires, now + Math.min(record.ttl * 1000, longestMs));
    instance.heard = now;
    if (record.type === 'SRV') this.#setSrv(instance, { target: record.target, port: record.port });
    if (record.type === 'TXT') this.#setTxt(instance, parseAgentTxt(record.strings));
    this.#touch(instance);
  }

  #add(key: string, name: string, origin: Origin): Instance | undefined {
    const ofSource = this.#perSource.get(origin.source) ?? 0;
    if (this.#instances.size >= limits.instances || ofSource >= limits.perSource) return undefined;
    const instance: Instance = { key, name, origin, expires: 0, heard: 0, asked: -Infinity, asks: 0 };
    this.#perSource.set(origin.source, ofSource + 1);
    this.#instances.set(key, instance);
    return instance;
  }

  /** Asked about at once: a foreign goodbye (bonjour-service sends such) is contradicted by the owner's answer. */
  #goodbye(instance: Instance, now: number): void {
    if (instance.expires <= now + graceMs) return;
    instance.expires = now + graceMs;
    instance.asks = 0;
    instance.asked = -Infinity;
  }

  #setSrv(instance: Instance, srv: { target: string; port: number }): void {
    const old = instance.srv === undefined ? undefined : hostKeyOf(instance);
    instance.srv = srv;
    this.#hosts.use(hostKeyOf(instance));
    if (old === hostKeyOf(instance)) this.#hosts.release(old);
    else {
      if (old !== undefined) this.#hosts.release(old);
      instance.asks = 0;
    }
  }

  #setTxt(instance: Instance, txt: AgentTxt | undefined): void {
    // What is no agent's TXT (a foreign service of our type) leaves an instance without a sighting.
    this.#touch(instance);
    if (txt === undefined) delete instance.txt;
    else instance.txt = txt;
  }

  #drop(instance: Instance): void {
    this.#touch(instance);
    this.#instances.delete(instance.key);
    const ofSource = (this.#perSource.get(instance.origin.source) ?? 1) - 1;
    if (ofSource > 0) this.#perSource.set(instance.origin.source, ofSource);
    else this.#perSource.delete(instance.origin.source);
    if (instance.srv !== undefined) this.#hosts.release(hostKeyOf(instance));
  }

  #touch({ txt }: Instance): void {
    if (txt !== undefined && txt.id !== this.#deps.self) this.#dirty.add(txt.id);
  }

  #addresses(instance: Instance, now: number): string[] {
    const all = this.#hosts.addresses(hostKeyOf(instance), now);
    return all.filter((address) => this.#deps.usable(address, instance.origin.card));
  }

  #missing(instance: Instance, now: number): boolean {
    const incomplete = instance.srv === undefined || instance.txt === undefined;
    return incomplete || this.#addresses(instance, now).length === 0 || instance.expires <= now + doubtMs;
  }

  #questionsFor(instance: Instance, now: number): TableQuestion[] {
    const { card } = instance.origin;
    const doubted = instance.expires <= now + doubtMs;
    // dns-packet cannot write a dot inside a label: such an instance is asked for by its type.
    if (doubted || hasDot(instance.name)) return [{ card, name: agentType, type: 'PTR' }];
    const questions: TableQuestion[] = [];
    if (instance.srv === undefined) questions.push({ card, name: instance.name, type: 'SRV' });
    if (instance.txt === undefined) questions.push({ card, name: instance.name, type: 'TXT' });
    if (instance.srv !== undefined && this.#addresses(instance, now).length === 0)
      questions.push({ card, name: instance.srv.target, type: 'A' }, { card, name: instance.srv.target, type: 'AAAA' });
    return questions;
  }

  /** Of the instance heard last; its addresses on every card. */
  #sighting(id: DeviceId, instances: readonly Instance[], now: number): Sighting | undefined {
    const complete = instances.filter(({ srv }) => srv !== undefined).toSorted((a, b) => b.heard - a.heard);
    const [newest] = complete;
    if (newest?.srv === undefined || newest.txt === undefined) return undefined;
    const { port } = newest.srv;
    const found = new Map<string, Address>();
    for (const instance of complete.filter(({ srv }) => srv?.port === port))
      for (const address of this.#addresses(instance, now)) {
        const zone = isLinkLocal(address) ? instance.origin.zone : undefined;
        found.set(`${address}%${zone ?? ''}`, zone === undefined ? { address } : { address, zone });
      }
    if (found.size === 0) return undefined;
    return { id, name: newest.txt.name, port, addresses: Array.from(found.values()).toSorted(byFamily) };
  }
}

function keyOf(card: string, name: string): string {
  return `${card}\n${name}`;
}

function hostKeyOf({ origin, srv }: Instance): string {
  return keyOf(origin.card, srv?.target ?? '');
}

/** IPv4, IPv6, link-local; then by text, so that the order says nothing but changes. */
function byFamily(a: Address, b: Address): number {
  return familyRank(a) - familyRank(b) || (a.address < b.address ? -1 : 1);
}

function familyRank({ address, zone }: Address): number {
  if (zone !== undefined) return 2;
  return address.includes(':') ? 1 : 0;
}

/** dns-packet joins labels with dots, so one inside the instance's label is one too many. */
function hasDot(name: string): boolean {
  return name.slice(0, -agentType.length - 1).includes('.');
}

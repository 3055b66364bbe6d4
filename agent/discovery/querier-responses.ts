/** What a response says of instances and hosts, put into the cache and the book. */
import type { CacheEntry, Hearing, RecordCache } from './cache.ts';
import { txtLength } from './dns-data.ts';
import { nameKey } from './dns-name.ts';
import { type DnsName, type DnsRecord, type ReceivedMessage, recordTypes } from './dns-types.ts';
import type { BrowseSchedule } from './querier-browse.ts';
import type { Host, Instance, InstanceBook } from './querier-instances.ts';

const { A, AAAA, PTR } = recordTypes;
/** RFC 6763 6.2 wants at most 1,300 bytes. */
const mostTxtBytes = 2_048;

interface ResponsesDeps {
  readonly cache: RecordCache;
  readonly book: InstanceBook;
  readonly browses: BrowseSchedule;
  readonly random: () => number;
  readonly mostBytes: number;
  readonly isProtected: (instance: DnsName) => boolean;
  readonly changed: (instance: Instance) => void;
  readonly ask: (instance: Instance, now: number) => void;
}

/** One packet's moment and sender. */
interface Heard extends Hearing {
  readonly from: string;
}

export class Responses {
  readonly #deps: ResponsesDeps;

  constructor(deps: ResponsesDeps) {
    this.#deps = deps;
  }

  take({ message, from, now }: ReceivedMessage): void {
    const records = [...message.answers, ...message.additionals];
    const heard = { now, jitter: this.#deps.random(), from };
    // In this order, whatever theirs: a record counts only for what the ones before it name.
    for (const record of records) if (record.data.type === 'PTR') this.#takePtr(record, record.data.target, heard);
    for (const record of records)
      if (record.data.type === 'SRV' || isShortTxt(record)) this.#takeOfInstance(record.name, record, heard);
    for (const record of records) this.#takeOfHost(record, heard);
  }

  #takePtr(record: DnsRecord, target: DnsName, heard: Heard): void {
    const browse = this.#deps.browses.get(nameKey(record.name));
    if (browse !== undefined && nameKey(target.slice(1)) === browse.key) this.#takeOfInstance(target, record, heard);
  }

  #takeOfInstance(name: DnsName, record: DnsRecord, heard: Heard): void {
    const { cache, changed, isProtected, mostBytes } = this.#deps;
    const instance = this.#instance(name, record, heard);
    if (instance === undefined) return;
    const before = cache.changes;
    const entry = cache.take(record, heard, isProtected(name) ? Infinity : mostBytes);
    if (cache.changes !== before || isOpen(instance, entry)) changed(instance);
    if (entry === undefined) return;
    if (record.ttl === 0) this.#goodbye(instance, entry, heard);
    else if (record.data.type === 'SRV') this.#takeSrv(instance, heard);
  }

  /** Known, or new; a goodbye makes nothing. */
  #instance(name: DnsName, { ttl }: DnsRecord, { from, now }: Heard): Instance | undefined {
    const { book, browses } = this.#deps;
    if (browses.get(nameKey(name.slice(1))) === undefined) return undefined;
    const known = book.get(nameKey(name));
    return known === undefined && ttl > 0 ? book.add(name, from, now) : known;
  }

  #takeSrv(instance: Instance, { from, now }: Heard): void {
    const { ask, book, cache } = this.#deps;
    instance.speaker = from;
    // Who answers for the instance is there to be browsed, too.
    const ptr = book.ptr(instance);
    if (ptr !== undefined && ptr.doubted < Infinity) cache.trust(ptr);
    if (book.relink(instance)) ask(instance, now);
  }

  /** Some programs, losing a name, say goodbye for its owner (and anybody can): who is there contradicts, if asked. */
  #goodbye(instance: Instance, entry: CacheEntry, { from, now }: Heard): void {
    const { ask, book, cache } = this.#deps;
    const isOwn = from === instance.speaker || book.vital(instance).some(({ key }) => key === from);
    if (isOwn) return;
    cache.doubt(entry, now);
    if (instance.asks === 0) ask(instance, now);
  }

  #takeOfHost(record: DnsRecord, heard: Heard): void {
    const { book, cache, changed, isProtected, mostBytes } = this.#deps;
    if (!isOfHost(record)) return;
    const host = book.host(nameKey(record.name));
    if (host === undefined) return;
    if (record.data.type === 'NSEC') {
      deny(host, record.data.types, heard.now + record.ttl * 1_000);
      return;
    }
    const isAnyProtected = Array.from(host.users).some(({ name }) => isProtected(name));
    const before = cache.changes;
    const entry = cache.take(record, heard, isAnyProtected ? Infinity : mostBytes);
    for (const instance of host.users) if (cache.changes !== before || isOpen(instance, entry)) changed(instance);
  }
}

/** What is told of it depends on what is heard again, or on which of several records was heard last. */
function isOpen({ told, silenced }: Instance, entry: CacheEntry | undefined): boolean {
  const { set } = entry ?? {};
  return told === undefined || silenced || (set !== undefined && set.type !== PTR && set.entries.size > 1);
}

function isShortTxt({ data }: DnsRecord): boolean {
  return data.type === 'TXT' && txtLength(data.strings) <= mostTxtBytes;
}

function isOfHost({ data }: DnsRecord): boolean {
  return data.type === 'A' || data.type === 'AAAA' || data.type === 'NSEC';
}

/** NSEC lists the types that there are (RFC 6762 6.1). */
function deny(host: Host, types: readonly number[], until: number): void {
  for (const type of [A, AAAA]) if (!types.includes(type)) host.denied.set(type, until);
}

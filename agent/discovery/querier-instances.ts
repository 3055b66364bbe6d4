/**
 * The instances of the browsed types, and the hosts they name: which records are worth keeping, what each instance is
 * made of, and what of it is missing. An instance exists from its first PTR, SRV or TXT record on; a host as long as an
 * instance names it, and only so long its addresses are kept.
 */
import { type CacheEntry, type RecordCache, setKey } from './cache.ts';
import { dataKey } from './dns-data.ts';
import { nameKey } from './dns-name.ts';
import { type DnsName, type DnsQuestion, recordTypes } from './dns-types.ts';
import type { Due } from './due-queue.ts';
import type { FoundService, QuerierCaps } from './querier-types.ts';
import { parseTxt } from './txt.ts';

const { A, AAAA, PTR, SRV, TXT } = recordTypes;
/** A host offers many things, but not any number. */
const mostUsers = 64;
/** An instance that is not complete makes room for another after so long. */
const untouchedMs = 1_000;

export interface Instance extends Due {
  readonly name: DnsName;
  readonly key: string;
  readonly type: DnsName;
  /** Who spoke of it first, for the cap. */
  readonly source: string;
  readonly since: number;
  /** Who gave its SRV record last. */
  speaker: string;
  host: Host | undefined;
  /** How often it was asked for in a row, and since when another's question counts as ours. */
  asks: number;
  askedFrom: number;
  /** The link was down: known, but not told before it is heard again. */
  silenced: boolean;
  /** What was told of it last, as one string. */
  told: string | undefined;
}

export interface Host {
  readonly name: DnsName;
  readonly key: string;
  readonly users: Set<Instance>;
  /** Types that it said it has not (NSEC, RFC 6762 6.1), until when. */
  readonly denied: Map<number, number>;
}

class Counts {
  readonly #counts = new Map<string, number>();

  get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string, change: 1 | -1): void {
    const count = this.get(key) + change;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}

interface BookDeps {
  readonly cache: RecordCache;
  readonly caps: QuerierCaps;
  readonly isProtected: (instance: DnsName) => boolean;
  readonly dropped: (instance: Instance) => void;
}

export class InstanceBook {
  readonly #deps: BookDeps;
  readonly #instances = new Map<string, Instance>();
  readonly #hosts = new Map<string, Host>();
  readonly #perSource = new Counts();
  readonly #perType = new Counts();
  /** Those of which something is missing, the oldest first. */
  readonly #incomplete = new Set<Instance>();

  constructor(deps: BookDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#instances.size;
  }

  /** Of one type. */
  sizeOf(type: string): number {
    return this.#perType.get(type);
  }

  all(): Instance[] {
    return Array.from(this.#instances.values());
  }

  get(key: string): Instance | undefined {
    return this.#instances.get(key);
  }

  host(key: string): Host | undefined {
    return this.#hosts.get(key);
  }

  /** A new one, unless there is no room: too many of this source, or of all. */
  add(name: DnsName, source: string, now: number): Instance | undefined {
    const { caps } = this.#deps;
    if (this.#perSource.get(source) >= caps.perSource) return undefined;
    if (this.#instances.size >= caps.instances && !this.#makeRoom(now)) return undefined;
    const key = nameKey(name);
    const own = { name, key, type: name.slice(1), source, since: now, speaker: source, host: undefined };
    const instance: Instance = {
      ...own,
      asks: 0,
      askedFrom: now,
      silenced: false,
      told: undefined,
      due: Infinity,
      slot: -1,
    };
    this.#instances.set(key, instance);
    this.#perSource.add(source, 1);
    this.#perType.add(nameKey(instance.type), 1);
    this.#incomplete.add(instance);
    return instance;
  }

  /** Of it and of its host nothing is remembered. */
  drop(instance: Instance): void {
    if (!this.#instances.delete(instance.key)) return;
    this.#incomplete.delete(instance);
    this.#perSource.add(instance.source, -1);
    this.#perType.add(nameKey(instance.type), -1);
    const { cache } = this.#deps;
    const ptr = this.ptr(instance);
    if (ptr !== undefined) cache.remove(ptr);
    for (const type of [SRV, TXT]) cache.forget(setKey(instance.name, type));
    this.#setHost(instance, undefined);
    this.#deps.dropped(instance);
  }

  ptr(instance: Instance): CacheEntry | undefined {
    return this.#deps.cache.get(setKey(instance.type, PTR))?.entries.get(instance.key);
  }

  /** Its SRV record changed: perhaps it is on another host. Answers whether it is. */
  relink(instance: Instance): boolean {
    const target = this.#srv(instance)?.target;
    const old = instance.host;
    if (target !== undefined && nameKey(target) !== old?.key) this.#setHost(instance, target);
    return instance.host !== old;
  }

  /** Whose record it is: one instance's, or that of all on a host. */
  owners({ set, key }: CacheEntry): Instance[] {
    if (set.type === A || set.type === AAAA) return Array.from(this.#hosts.get(nameKey(set.name))?.users ?? []);
    const instance = this.#instances.get(set.type === PTR ? key : nameKey(set.name));
    return instance === undefined ? [] : [instance];
  }

  /** Whether somebody would miss it: nothing else of its kind is left. */
  isNeeded({ set }: CacheEntry): boolean {
    if (set.type === PTR) return true;
    const other = set.type === A ? AAAA : A;
    const isAddress = set.type === A || set.type === AAAA;
    return set.entries.size === 1 && !(isAddress && this.#deps.cache.get(setKey(set.name, other)) !== undefined);
  }

  /** The whole of it, as far as it can be used; and kept in mind whether it is whole. */
  service(instance: Instance): { readonly service: FoundService; readonly text: string } | undefined {
    const found = this.#join(instance);
    if (found === undefined) this.#incomplete.add(instance);
    else this.#incomplete.delete(instance);
    return found;
  }

  /** What is to be asked about it: what is missing, and what is in doubt. */
  needs(instance: Instance, now: number): Pick<DnsQuestion, 'name' | 'type'>[] {
    const { name, type, host } = instance;
    const needs: Pick<DnsQuestion, 'name' | 'type'>[] = [];
    const ptr = this.ptr(instance);
    if (ptr === undefined || isDoubted(ptr)) needs.push({ name: type, type: PTR });
    const srv = this.#deps.cache.entries(setKey(name, SRV));
    if (srv.length === 0 || srv.some(isDoubted)) needs.push({ name, type: SRV });
    if (this.#deps.cache.entries(setKey(name, TXT)).length === 0) needs.push({ name, type: TXT });
    if (host !== undefined) needs.push(...this.#addressNeeds(host, now));
    return needs;
  }

  /** The records by which it is judged whether it still exists. */
  vital(instance: Instance): CacheEntry[] {
    const { cache } = this.#deps;
    const ptr = this.ptr(instance);
    return [
      ...(ptr === undefined ? [] : [ptr]),
      ...cache.entries(setKey(instance.name, SRV)),
      ...(instance.host === undefined ? [] : this.#addresses(instance.host)),
    ];
  }

  #join(instance: Instance): { readonly service: FoundService; readonly text: string } | undefined {
    const { name, host } = instance;
    const srv = this.#srv(instance);
    const txt = this.#deps.cache.entries(setKey(name, TXT))[0]?.record.data;
    if (srv === undefined || txt?.type !== 'TXT' || host === undefined) return undefined;
    const usable = instance.silenced ? this.#heardAgain(host, srv.entry) : this.#addresses(host);
    if (usable.length === 0 || this.ptr(instance) === undefined) return undefined;
    const addresses = usable.map(({ key }) => key);
    const service = {
      instance: name,
      host: host.name,
      port: srv.port,
      txt: parseTxt(txt.strings),
      addresses,
      leaving: leavingOf(usable),
    };
    const text = `${host.key} ${srv.port} ${addresses.join(' ')} -${service.leaving.join(' ')} ${dataKey(txt)}`;
    return { service, text };
  }

  #srv(
    instance: Instance,
  ): { readonly entry: CacheEntry; readonly target: DnsName; readonly port: number } | undefined {
    const [entry] = this.#deps.cache.entries(setKey(instance.name, SRV)).toSorted(byStanding);
    if (entry?.record.data.type !== 'SRV') return undefined;
    const { target, port } = entry.record.data;
    // A target of no labels, or port 0: not available (RFC 2782, RFC 6763 8).
    return target.length === 0 || port === 0 ? undefined : { entry, target, port };
  }

  /** After the link was down: what it says since. */
  #heardAgain(host: Host, srv: CacheEntry): CacheEntry[] {
    return isDoubted(srv) ? [] : this.#addresses(host).filter((entry) => !isDoubted(entry));
  }

  #addresses({ name }: Host): CacheEntry[] {
    const { cache } = this.#deps;
    const all = [...cache.entries(setKey(name, A)), ...cache.entries(setKey(name, AAAA))];
    return all.toSorted((a, b) => Number(a.leaves < Infinity) - Number(b.leaves < Infinity));
  }

  #addressNeeds({ name, denied }: Host, now: number): Pick<DnsQuestion, 'name' | 'type'>[] {
    const { cache } = this.#deps;
    const [four, six] = [cache.entries(setKey(name, A)), cache.entries(setKey(name, AAAA))];
    const isNone = four.length + six.length === 0;
    const wanted = (type: number, entries: readonly CacheEntry[]): boolean =>
      entries.some(isDoubted) || (isNone && (denied.get(type) ?? -Infinity) <= now);
    const types = [...(wanted(A, four) ? [A] : []), ...(wanted(AAAA, six) ? [AAAA] : [])];
    return types.map((type) => ({ name, type }));
  }

  #setHost(instance: Instance, name: DnsName | undefined): void {
    const old = instance.host;
    instance.host = name === undefined ? undefined : this.#hostOf(name);
    instance.host?.users.add(instance);
    if (old === undefined || old === instance.host) return;
    old.users.delete(instance);
    if (old.users.size > 0) return;
    this.#hosts.delete(old.key);
    for (const type of [A, AAAA]) this.#deps.cache.forget(setKey(old.name, type));
  }

  #hostOf(name: DnsName): Host | undefined {
    const key = nameKey(name);
    const host = this.#hosts.get(key) ?? { name, key, users: new Set<Instance>(), denied: new Map<number, number>() };
    if (host.users.size >= mostUsers) return undefined;
    this.#hosts.set(key, host);
    return host;
  }

  #makeRoom(now: number): boolean {
    for (const instance of this.#incomplete) {
      if (now - instance.since < untouchedMs) return false;
      if (this.#deps.isProtected(instance.name)) continue;
      this.drop(instance);
      return true;
    }
    return false;
  }
}

/** Where others stay. */
function leavingOf(entries: readonly CacheEntry[]): string[] {
  const leaving = entries.filter(({ leaves }) => leaves < Infinity).map(({ key }) => key);
  return leaving.length < entries.length ? leaving : [];
}

function isDoubted(entry: CacheEntry | undefined): boolean {
  return entry !== undefined && entry.doubted < Infinity;
}

/** Those that stay before those that leave, then the newest. */
function byStanding(a: CacheEntry, b: CacheEntry): number {
  return Number(a.leaves < Infinity) - Number(b.leaves < Infinity) || b.heard - a.heard;
}

/**
 * Records heard on one link, each with its own life (RFC 6762 section 10). Knows nothing of services: which records are
 * worth keeping, and which are refreshed, the querier decides. Nothing here looks through all records for one packet.
 */
import { dataKey, typeCode } from './dns-data.ts';
import { nameKey } from './dns-name.ts';
import { type DnsName, type DnsRecord, recordTypes } from './dns-types.ts';
import { type Due, DueQueue } from './due-queue.ts';

/** 10.1, 10.2: what was taken back, or replaced, lives for another second. */
const graceMs = 1_000;
/** 10.4: unanswered for so long, a doubted record is gone. */
const doubtMs = 10_000;
/** 10.5: two questions of others, and for so long no answer to them. */
const silence = { questions: 2, ms: 10_000 } as const;
/** 5.2: asked for again at these parts of its life, each up to 2 % later, so that not all ask at once. */
const refreshAt = [0.8, 0.85, 0.9, 0.95] as const;
const refreshSpread = 0.02;
/** Nothing is believed longer than the usual TTL of PTR records (section 10); some senders claim days. */
const longestMs = 4_500_000;
const keptMs = 60_000;
/** Of one name and type; of PTR records there are as many as the querier admits instances. */
const mostInSet = 16;
/** What the engine needs for an entry beside its names and data, about. */
const entryBytes = 500;

export interface RecordSet {
  readonly key: string;
  readonly name: DnsName;
  /** As on the wire. */
  readonly type: number;
  /** By `dataKey`. */
  readonly entries: Map<string, CacheEntry>;
  /** When another's question for it was counted last (10.5). */
  questioned: number;
}

export interface CacheEntry extends Due {
  readonly set: RecordSet;
  readonly key: string;
  readonly bytes: number;
  record: DnsRecord;
  heard: number;
  ttlMs: number;
  /** Four times at which it may end; the first counts. */
  expires: number;
  leaves: number;
  doubted: number;
  silent: number;
  /** Others' questions that it did not answer. */
  unanswered: number;
  refreshes: number;
  jitter: number;
  /** It outlived its time (`keep`) without having been asked for. */
  kept: boolean;
}

/** One packet's moment. */
export interface Hearing {
  readonly now: number;
  /** 0 to 1, the same for a whole packet, so that its records are asked for together. */
  readonly jitter: number;
}

export function setKey(name: DnsName, type: number): string {
  return `${nameKey(name)} ${type}`;
}

export class RecordCache {
  readonly #sets = new Map<string, RecordSet>();
  readonly #queue = new DueQueue<CacheEntry>();
  #bytes = 0;
  #changes = 0;

  /** Counts whatever alters which records there are, or which are about to leave; not that one is heard again. */
  get changes(): number {
    return this.#changes;
  }

  /** Memory of all records, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#queue.size;
  }

  get nextAt(): number {
    return this.#queue.nextAt;
  }

  get(key: string): RecordSet | undefined {
    return this.#sets.get(key);
  }

  /** The entries of one name and type, those first that are not about to leave. */
  entries(key: string): CacheEntry[] {
    const all = Array.from(this.#sets.get(key)?.entries.values() ?? []);
    const leaving = all.filter(({ leaves }) => leaves < Infinity);
    return leaving.length === 0 ? all : [...all.filter(({ leaves }) => leaves === Infinity), ...leaving];
  }

  /** Its entry; nothing for a goodbye to what is not known, and where there is no room for more than `mostBytes`. */
  take(record: DnsRecord, { now, jitter }: Hearing, mostBytes = Infinity): CacheEntry | undefined {
    const type = typeCode(record.data);
    const key = setKey(record.name, type);
    const data = dataKey(record.data);
    const set = this.#sets.get(key) ?? { key, name: record.name, type, entries: new Map(), questioned: -Infinity };
    const known = set.entries.get(data);
    if (record.ttl === 0) return this.#goodbye(known, now);
    // PTR records are shared by all: nobody may say that his is the only one (10.2).
    if (record.flush && type !== recordTypes.PTR) this.#flush(set, data, now);
    const entry = known ?? this.#add(set, data, record, mostBytes);
    if (entry === undefined) return undefined;
    if (entry.leaves < Infinity) this.#changes++;
    entry.record = record;
    entry.heard = now;
    entry.ttlMs = Math.min(record.ttl * 1_000, longestMs);
    entry.expires = now + entry.ttlMs;
    entry.leaves = entry.doubted = entry.silent = Infinity;
    entry.unanswered = entry.refreshes = 0;
    entry.jitter = jitter;
    entry.kept = false;
    this.#schedule(entry);
    return entry;
  }

  /** The next entry that is due: `refresh` to be asked for, `ended` for the caller to `remove` or `keep`. */
  takeDue(now: number): { readonly entry: CacheEntry; readonly what: 'refresh' | 'ended' } | undefined {
    const entry = this.#queue.take(now);
    if (entry === undefined) return undefined;
    if (endOf(entry) <= now) return { entry, what: 'ended' };
    while (refreshTime(entry) <= now) entry.refreshes++;
    this.#schedule(entry);
    return { entry, what: 'refresh' };
  }

  remove(entry: CacheEntry): void {
    this.#queue.remove(entry);
    if (!entry.set.entries.delete(entry.key)) return;
    this.#changes++;
    this.#bytes -= entry.bytes;
    if (entry.set.entries.size === 0) this.#sets.delete(entry.set.key);
  }

  forget(key: string): void {
    for (const entry of Array.from(this.#sets.get(key)?.entries.values() ?? [])) this.remove(entry);
  }

  /** It has ended, but is believed a while longer. */
  keep(entry: CacheEntry, now: number): void {
    if (entry.leaves <= now) entry.leaves = now + graceMs;
    if (entry.expires <= now) entry.expires = now + keptMs;
    if (entry.doubted <= now) entry.doubted = now + keptMs;
    if (entry.silent <= now) entry.silent = now + keptMs;
    entry.refreshes = refreshAt.length;
    entry.kept = true;
    this.#schedule(entry);
  }

  /** Unless it is heard again it ends soon (10.4), even if its time was over already. */
  doubt(entry: CacheEntry, now: number): void {
    entry.doubted = now + doubtMs;
    entry.silent = Infinity;
    entry.kept = false;
    entry.expires = Math.max(entry.expires, entry.doubted);
    this.#schedule(entry);
  }

  /** Something else shows that it is right. */
  trust(entry: CacheEntry): void {
    entry.doubted = Infinity;
    this.#schedule(entry);
  }

  /** Another asked for the set, knowing `known`: who is there must answer soon, for all to hear (10.5). */
  questioned(set: RecordSet, known: ReadonlySet<string>, now: number): void {
    // However often it is asked for, this costs once a second.
    if (now - set.questioned < graceMs) return;
    set.questioned = now;
    for (const entry of set.entries.values()) {
      // 6.2: what was said within the last second is not said again.
      if (known.has(entry.key) || now - entry.heard < graceMs || entry.leaves < Infinity) continue;
      if (++entry.unanswered !== silence.questions) continue;
      entry.silent = now + silence.ms;
      this.#schedule(entry);
    }
  }

  /** Whether it goes into our list of known answers: more than half of its life is left (7.1), and nothing against it. */
  isKnownAnswer({ heard, ttlMs, leaves, doubted }: CacheEntry, now: number): boolean {
    return heard + ttlMs / 2 > now && leaves === Infinity && doubted === Infinity;
  }

  /** With the seconds that are left, and never with the cache-flush bit (10.2). */
  knownAnswers(key: string, now: number): DnsRecord[] {
    return Array.from(this.#sets.get(key)?.entries.values() ?? [])
      .filter((entry) => this.isKnownAnswer(entry, now))
      .map(({ record: { name, ttl, data }, heard }) => {
        return { name, ttl: ttl - Math.floor((now - heard) / 1_000), flush: false, data };
      });
  }

  #add(set: RecordSet, key: string, record: DnsRecord, mostBytes: number): CacheEntry | undefined {
    const bytes = entryBytes + 2 * (set.key.length + key.length);
    if (this.#bytes + bytes > mostBytes || !this.#hasRoom(set)) return undefined;
    const times = { expires: 0, leaves: Infinity, doubted: Infinity, silent: Infinity };
    const counts = { unanswered: 0, refreshes: 0, jitter: 0, kept: false, due: Infinity, slot: -1 };
    const entry: CacheEntry = { set, key, bytes, record, heard: 0, ttlMs: 0, ...times, ...counts };
    this.#sets.set(set.key, set);
    set.entries.set(key, entry);
    this.#changes++;
    this.#bytes += bytes;
    return entry;
  }

  /** In a full set, one that leaves makes room for a new one. */
  #hasRoom(set: RecordSet): boolean {
    if (set.entries.size < mostInSet || set.type === recordTypes.PTR) return true;
    const leaving = Array.from(set.entries.values()).find(({ leaves }) => leaves < Infinity);
    if (leaving !== undefined) this.remove(leaving);
    return leaving !== undefined;
  }

  #goodbye(entry: CacheEntry | undefined, now: number): CacheEntry | undefined {
    if (entry === undefined) return undefined;
    this.#leave(entry, now);
    return entry;
  }

  #leave(entry: CacheEntry, now: number): void {
    entry.leaves = Math.min(entry.leaves, now + graceMs);
    this.#changes++;
    this.#schedule(entry);
  }

  /** The same announcement may be spread over a second, and must not flush itself (10.2). */
  #flush(set: RecordSet, key: string, now: number): void {
    for (const entry of set.entries.values()) {
      if (entry.key === key || entry.heard >= now - graceMs) continue;
      this.#leave(entry, now);
    }
  }

  #schedule(entry: CacheEntry): void {
    this.#queue.set(entry, Math.min(endOf(entry), refreshTime(entry)));
  }
}

function endOf({ expires, leaves, doubted, silent }: CacheEntry): number {
  return Math.min(expires, leaves, doubted, silent);
}

/** Of what leaves, or is in doubt and asked for anyway: never. */
function refreshTime({ heard, ttlMs, refreshes, jitter, leaves, doubted }: CacheEntry): number {
  const part = leaves < Infinity || doubted < Infinity ? undefined : refreshAt[refreshes];
  return part === undefined ? Infinity : heard + ttlMs * (part + refreshSpread * jitter);
}

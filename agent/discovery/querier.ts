/**
 * The querier of one link (RFC 6762 sections 5, 7, 10): asks for the browsed types, keeps what it hears, asks for what
 * is missing, and tells of whole services. Pure: packets and time go in, effects come out. Packets of this querier must
 * not be given back to it. Messages may be longer than a frame: see `splitMessage`.
 */
import { type CacheEntry, RecordCache, setKey } from './cache.ts';
import { nameKey } from './dns-name.ts';
import { type DnsName, type DnsQuestion, type ReceivedMessage, recordTypes } from './dns-types.ts';
import { DueQueue } from './due-queue.ts';
import { BrowseSchedule, firstDelay } from './querier-browse.ts';
import { HeardQuestions } from './querier-heard.ts';
import { type Instance, InstanceBook } from './querier-instances.ts';
import { Outbox } from './querier-outbox.ts';
import { Responses } from './querier-responses.ts';
import { type BrowseOptions, defaultQuerierCaps, type QuerierDeps, type QuerierEffect } from './querier-types.ts';

const { A, AAAA, PTR, SRV } = recordTypes;
const mdnsPort = 5353;
/** Waits after each question about an instance; after the last, what is still not whole is forgotten. */
const askWaitsMs = [1_000, 2_000, 4_000, 2_500] as const;
const askSpread = 0.2;
/** After a wake-up the answers to the first question come before anybody is asked for by name. */
const wakeWaitMs = 2_000;
/** Questions that are due so soon go into the packet that leaves now. */
const togetherMs = 100;
const fullWaitMs = 250;
/** Half of the time between two refreshes (5.2): another's question within it serves as ours. */
const refreshWindow = 0.025;

export class Querier {
  readonly #random: () => number;
  readonly #isProtected: (instance: DnsName) => boolean;
  readonly #cache = new RecordCache();
  readonly #outbox = new Outbox(this.#cache);
  readonly #heard: HeardQuestions;
  readonly #book: InstanceBook;
  readonly #browses: BrowseSchedule;
  readonly #responses: Responses;
  readonly #asks = new DueQueue<Instance>();
  /** Of which something changed since the last effects. */
  readonly #dirty = new Set<Instance>();
  #isDown = false;

  constructor({ random, caps = defaultQuerierCaps, isProtected = () => false, isOwn = () => false }: QuerierDeps) {
    this.#random = random;
    this.#isProtected = isProtected;
    this.#browses = new BrowseSchedule(random);
    this.#heard = new HeardQuestions({ cache: this.#cache, isOurs: (question) => this.#isOurs(question), isOwn });
    const dropped = (instance: Instance): void => {
      this.#asks.remove(instance);
      this.#dirty.add(instance);
    };
    this.#book = new InstanceBook({ cache: this.#cache, caps, isProtected, dropped });
    this.#responses = new Responses({
      cache: this.#cache,
      book: this.#book,
      browses: this.#browses,
      random,
      mostBytes: caps.bytes,
      isProtected,
      changed: (instance) => this.#dirty.add(instance),
      ask: (instance, now) => this.#ask(instance, now),
    });
  }

  /** Instances and records that are remembered, and the memory they take, about. */
  get size(): { readonly instances: number; readonly records: number; readonly bytes: number } {
    return { instances: this.#book.size, records: this.#cache.size, bytes: this.#cache.bytes };
  }

  /** Instances of the type (a `nameKey`) that are known; 0 where it is not browsed. */
  instancesOf(type: string): number {
    return this.#book.sizeOf(type);
  }

  /** `['_nethood', '_tcp', 'local']`. Again for the same type: only the options change. */
  browse(type: DnsName, now: number, { mayUnicast, began }: BrowseOptions): QuerierEffect[] {
    const isNew = this.#browses.get(nameKey(type)) === undefined;
    const browse = this.#browses.add(type, mayUnicast);
    if (isNew) this.#browses.start(browse, now, began);
    return [];
  }

  receive(packet: ReceivedMessage): QuerierEffect[] {
    if (this.#isDown) return [];
    if (!packet.message.response) this.#heard.take(packet);
    // RFC 6762 6: an answer from another port is none of multicast DNS.
    else if (packet.port === mdnsPort) this.#responses.take(packet);
    return this.#news(packet.now);
  }

  /** Due at `nextAt()`; earlier or later does no harm. */
  tick(now: number): QuerierEffect[] {
    if (this.#isDown) return [];
    for (let due = this.#cache.takeDue(now); due !== undefined; due = this.#cache.takeDue(now)) {
      if (due.what === 'refresh') this.#refresh(due.entry, now);
      else this.#ended(due.entry, now);
    }
    for (let due = this.#browses.take(now); due !== undefined; due = this.#browses.take(now)) {
      const { browse, isFirst, askedFrom } = due;
      // Who starts together with others asks for all of them: one answer to all instead of one to each.
      const unicast = isFirst && browse.mayUnicast && !this.#heard.aloneSince(browse.setKey, askedFrom);
      if (!this.#heard.since(browse.setKey, askedFrom)) this.#outbox.add(browse.type, PTR, { now, unicast });
    }
    const horizon = (): number => (this.#outbox.isEmpty ? now : now + togetherMs);
    for (let due = this.#asks.take(horizon()); due !== undefined; due = this.#asks.take(horizon()))
      this.#askAbout(due, now);
    return [...this.#outbox.take(now), ...this.#news(now)];
  }

  /** Clock milliseconds, Infinity when there is nothing to wait for. */
  nextAt(): number {
    return this.#isDown ? Infinity : Math.min(this.#cache.nextAt, this.#browses.nextAt, this.#asks.nextAt);
  }

  /** A session to it failed: unless it answers it is gone in 10 s (RFC 6762 10.4). */
  reconfirm(name: DnsName, now: number): QuerierEffect[] {
    const instance = this.#book.get(nameKey(name));
    if (instance === undefined) return [];
    this.#doubt(instance, now);
    this.#ask(instance, now);
    return this.#news(now);
  }

  /** The link is (back) there, or the PC slept: everything is asked for anew, and what is known must prove itself. */
  wake(now: number): QuerierEffect[] {
    this.#isDown = false;
    this.#outbox.clear();
    this.#browses.startAll(now);
    for (const instance of this.#book.all()) {
      this.#doubt(instance, now);
      this.#ask(instance, now, wakeWaitMs);
    }
    return this.#news(now);
  }

  /** Nobody can be reached: all that was told is gone, but remembered for `wake`. */
  linkDown(now: number): QuerierEffect[] {
    const effects: QuerierEffect[] = this.#news(now);
    this.#isDown = true;
    for (const instance of this.#book.all()) {
      instance.silenced = true;
      if (instance.told !== undefined) effects.push({ type: 'gone', instance: instance.name });
      instance.told = undefined;
    }
    return effects;
  }

  #isOurs({ name, type }: DnsQuestion): boolean {
    const key = nameKey(name);
    if (type === PTR) return this.#browses.get(key) !== undefined;
    return (type === A || type === AAAA ? this.#book.host(key) : this.#book.get(key)) !== undefined;
  }

  /** Asked for again before it runs out, if anybody is interested: of a neighbour in session we know more than it says. */
  #refresh(entry: CacheEntry, now: number): void {
    const { set, ttlMs } = entry;
    const isWanted = set.type === PTR || this.#book.owners(entry).some(({ name }) => !this.#isProtected(name));
    if (!isWanted || this.#outbox.isFull(now) || this.#heard.since(set.key, now - refreshWindow * ttlMs)) return;
    this.#outbox.add(set.name, set.type, { now });
  }

  #ended(entry: CacheEntry, now: number): void {
    const owners = this.#book.owners(entry);
    const ranOut = entry.leaves > now;
    if (this.#book.isNeeded(entry) && owners.some(({ name }) => this.#isProtected(name))) this.#cache.keep(entry, now);
    else if (entry.kept && ranOut) {
      // It was not refreshed while its neighbour was in session: asked for now, before it is given up.
      this.#cache.doubt(entry, now);
      for (const instance of owners) this.#ask(instance, now);
    } else {
      this.#cache.remove(entry);
      for (const instance of owners) this.#without(instance, entry, ranOut);
    }
  }

  /** What ran out unanswered takes with it what is not whole without it; what was taken back may be replaced. */
  #without(instance: Instance, { set }: CacheEntry, ranOut: boolean): void {
    this.#dirty.add(instance);
    if (set.type === SRV) this.#book.relink(instance);
    if (set.type === PTR || (ranOut && this.#book.service(instance) === undefined)) this.#book.drop(instance);
  }

  #doubt(instance: Instance, now: number): void {
    for (const entry of this.#book.vital(instance)) this.#cache.doubt(entry, now);
    this.#dirty.add(instance);
  }

  #ask(instance: Instance, now: number, waitMs = 0): void {
    instance.asks = 0;
    instance.askedFrom = now + waitMs / 2;
    this.#asks.set(instance, now + waitMs + firstDelay.leastMs + firstDelay.spreadMs * this.#random());
  }

  #askAbout(instance: Instance, now: number): void {
    const needs = this.#book.needs(instance, now);
    const waitMs = askWaitsMs[instance.asks];
    if (needs.length === 0) instance.asks = 0;
    else if (waitMs === undefined) this.#giveUp(instance);
    else if (this.#outbox.isFull(now)) this.#asks.set(instance, now + fullWaitMs);
    else {
      for (const { name, type } of needs)
        if (!this.#heard.since(setKey(name, type), instance.askedFrom)) this.#outbox.add(name, type, { now });
      const wait = waitMs * (1 + askSpread * this.#random());
      instance.asks++;
      instance.askedFrom = now + wait / 2;
      this.#asks.set(instance, now + wait);
    }
  }

  /** Nobody knows more of it. What is whole but in doubt ends by itself. */
  #giveUp(instance: Instance): void {
    instance.asks = 0;
    if (this.#book.service(instance) === undefined && !this.#isProtected(instance.name)) this.#book.drop(instance);
  }

  #news(now: number): QuerierEffect[] {
    const effects: QuerierEffect[] = [];
    for (const instance of this.#dirty) {
      const isThere = this.#book.get(instance.key) === instance;
      const found = isThere ? this.#book.service(instance) : undefined;
      if (found !== undefined) {
        instance.silenced = false;
        if (found.text !== instance.told) effects.push({ type: 'service', service: found.service });
      } else if (instance.told !== undefined) effects.push({ type: 'gone', instance: instance.name });
      instance.told = found?.text;
      if (isThere && found === undefined && instance.slot < 0) this.#ask(instance, now);
    }
    this.#dirty.clear();
    return effects;
  }
}

/**
 * Discovery by multicast DNS on bonjour-service: one socket per card in use, our instances announced on all of them,
 * other agents heard on all of them. bonjour-service's browser is not used: it never notices changed addresses, keeps
 * the dead and finds nothing that comes in separate packets; the packets are read here instead.
 */
import type { DeviceId } from '../../protocol/ids.ts';
import { backoff } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import { BonjourCard } from './bonjour-card.ts';
import type { CardWatcher } from './card-watcher.ts';
import { type Card, isLinkLocal } from './cards.ts';
import type { Announcement, Discovery, DiscoveryEvents } from './discovery.ts';
import { agentType, InstanceTable, type TableChanges } from './instance-table.ts';
import { type RawPacket, readRecords } from './mdns-records.ts';
import { Publisher } from './publisher.ts';

interface BonjourDeps {
  readonly self: DeviceId;
  /** `hostNameOf(self)`; never the operating system's name, whose owner would have to give way. */
  readonly hostName: string;
  readonly cards: CardWatcher;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
}

export interface BonjourDiscovery extends Discovery {
  /** One sentence on why nobody can be found, while that is so. */
  readonly problem: string | undefined;
}

/** Packets that belong together are looked at together. */
const settleMs = 20;
/** RFC 6762 5.2: a first question waits 20 to 120 ms, so that those who are woken together do not ask together. */
const firstAsk = { leastMs: 20, spreadMs: 100 } as const;
const retryMs = 30_000;

/** Listens and asks from now on; announces once told what. */
export function createBonjourDiscovery(deps: BonjourDeps): BonjourDiscovery {
  return new BonjourSource(deps);
}

class BonjourSource implements BonjourDiscovery {
  readonly events = new Emitter<DiscoveryEvents>();
  readonly #deps: BonjourDeps;
  readonly #scope = new Scope();
  readonly #open = new Map<string, BonjourCard>();
  readonly #table: InstanceTable;
  readonly #publisher: Publisher;
  readonly #failures = new Map<string, string>();
  #nextQuery: Disposable | undefined;
  #nextLook: Disposable | undefined;
  #settling = false;
  #retry: Disposable | undefined;

  constructor(deps: BonjourDeps) {
    this.#deps = deps;
    this.#table = new InstanceTable({ self: deps.self, usable: (address, card) => this.#isUsable(address, card) });
    this.#publisher = new Publisher({ ...deps, signal: this.#scope.signal, stage: this.#stage() });
    this.#scope.defer(() => this.#leave());
    this.#scope.use(deps.cards.events.on('changed', () => this.#followCards()));
    this.#scope.use(deps.cards.events.on('woke', () => this.#reopen()));
    this.#followCards();
  }

  get problem(): string | undefined {
    const [failure] = this.#failures.values();
    if (failure !== undefined) return failure;
    return this.#deps.cards.cards.some(hasIPv4) ? undefined : 'No network card with an IPv4 address is in use.';
  }

  announce(services: readonly Announcement[]): Promise<void> {
    return this.#publisher.announce(services);
  }

  announcedName(name: string): string {
    return this.#publisher.announcedName(name);
  }

  reconfirm(id: DeviceId): void {
    this.#table.doubt(id, this.#deps.clock.now());
    this.#settle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  /** Says goodbye on every card; nothing is heard any more. */
  async #leave(): Promise<void> {
    for (const timer of [this.#nextQuery, this.#nextLook, this.#retry]) timer?.[Symbol.dispose]();
    await Promise.all(Array.from(this.#open.values(), (card) => card.leave()));
    this.#open.clear();
  }

  #stage(): ConstructorParameters<typeof Publisher>[0]['stage'] {
    const all = (): BonjourCard[] => Array.from(this.#open.values());
    return {
      publish: (instance) => all().forEach((card) => card.publish(instance)),
      withdraw: async (fqdn, goodbye) => void (await Promise.all(all().map((card) => card.withdraw(fqdn, goodbye)))),
      announce: (fqdn) => all().forEach((card) => card.announce(fqdn)),
      query: (questions, authorities) => all().forEach((card) => card.query(questions, [], authorities)),
    };
  }

  #followCards(): void {
    if (this.#scope.signal.aborted) return;
    const wanted = new Map(this.#deps.cards.cards.filter(hasIPv4).map((card) => [card.name, card]));
    let changed = false;
    for (const [name, open] of Array.from(this.#open)) {
      if (wanted.has(name)) continue;
      this.#open.delete(name);
      this.#failures.delete(name);
      this.#table.forgetCard(name);
      this.#end(open.leave());
      changed = true;
    }
    for (const card of wanted.values()) {
      const old = this.#open.get(card.name);
      if (old !== undefined && JSON.stringify(old.card) === JSON.stringify(card)) continue;
      this.#openCard(card, old);
      changed = true;
    }
    if (changed) this.#askFromStart();
    this.#settle();
  }

  /** A socket's memberships and interface are fixed: another address takes another socket. */
  #openCard(card: Card, old: BonjourCard | undefined): void {
    const { hostName, clock, random } = this.#deps;
    const open = new BonjourCard(card, {
      hostName,
      clock,
      random,
      heard: (packet, kind, source) => this.#heard(packet, kind, { card, source }),
      failed: (error) => this.#failed(card.name, error),
      joined: () => this.#failures.delete(card.name),
    });
    this.#open.set(card.name, open);
    if (old !== undefined) {
      open.retract(old.card);
      this.#end(old[Symbol.asyncDispose]());
    }
    for (const instance of this.#publisher.instances()) open.publish(instance);
    this.#publisher.probeAgain();
  }

  /** After a sleep: sockets may have lost their groups, others have forgotten us, and we know nothing certain. */
  #reopen(): void {
    for (const open of Array.from(this.#open.values())) this.#openCard(open.card, open);
    this.#askFromStart();
  }

  #heard(packet: RawPacket, kind: 'query' | 'response', { card, source }: { card: Card; source: string }): void {
    this.#publisher.heard(packet, kind);
    if (kind === 'query') return;
    const records = readRecords([...(packet.answers ?? []), ...(packet.additionals ?? [])]);
    const zone = card.addresses.find((address) => address.zone !== undefined)?.zone ?? card.name;
    this.#table.take(records, { card: card.name, zone, source }, this.#deps.clock.now());
    this.#settle();
  }

  /** RFC 6762 5.2: at once, after 1, 3, 7 … seconds, at last once an hour. */
  #askFromStart(): void {
    const delays = backoff({ firstMs: 1_000, mostMs: 3_600_000, jitter: 0.02, random: this.#deps.random });
    const ask = (): void => {
      for (const card of this.#open.values())
        card.query(
          [{ name: agentType, type: 'PTR' }],
          this.#table.knownAnswers(card.card.name, this.#deps.clock.now()),
        );
      this.#nextQuery = this.#deps.clock.timer(delays.next().value, ask);
    };
    this.#nextQuery?.[Symbol.dispose]();
    this.#nextQuery = this.#deps.clock.timer(firstAsk.leastMs + firstAsk.spreadMs * this.#deps.random(), ask);
  }

  /** Tells changes and asks for what is missing, once for all packets of a moment. */
  #settle(): void {
    if (this.#settling || this.#scope.signal.aborted) return;
    this.#settling = true;
    this.#nextLook?.[Symbol.dispose]();
    this.#nextLook = this.#deps.clock.timer(settleMs, () => {
      this.#settling = false;
      const now = this.#deps.clock.now();
      for (const question of this.#table.questions(now)) this.#open.get(question.card)?.query([question], []);
      this.#tell(this.#table.changes(now));
      if (this.#settling) return;
      const due = Math.max(settleMs, this.#table.nextDue(now) - now);
      this.#nextLook = this.#deps.clock.timer(due, () => this.#settle());
    });
  }

  #tell({ seen, lost }: TableChanges): void {
    try {
      for (const id of lost) this.events.emit('lost', id);
      for (const sighting of seen) this.events.emit('seen', sighting);
    } catch (error) {
      this.#deps.log.error({ error }, 'A listener to discovery failed.');
    }
  }

  /** On-link, and an address of one machine. */
  #isUsable(address: string, cardName: string): boolean {
    const card = this.#open.get(cardName)?.card;
    const isLoopback = address.startsWith('127.') || address === '::1';
    if (isLoopback) return card?.loopback === true;
    return isLinkLocal(address) || this.#deps.cards.onLink(address);
  }

  #failed(card: string, error: NodeJS.ErrnoException): void {
    const taken = error.syscall === 'bind';
    const problem = taken
      ? `Another program keeps UDP port 5353 for itself: nobody can be found on ${card} (${error.code}).`
      : undefined;
    if (problem === undefined) this.#deps.log.debug({ card, error }, 'A packet could not be sent or read.');
    else if (!this.#failures.has(card)) this.#deps.log.warn({ card, error }, problem);
    if (problem === undefined || this.#scope.signal.aborted) return;
    this.#failures.set(card, problem);
    // Each packet to send tries the port again.
    this.#retry?.[Symbol.dispose]();
    this.#retry = this.#deps.clock.timer(retryMs, () => this.#askFromStart());
  }

  /** Ends apart from what goes on; its failure is no more than a socket's. */
  #end(ending: Promise<void>): void {
    this.#scope.run(() => ending, this.#warn);
  }

  readonly #warn = (error: unknown): void => this.#deps.log.warn({ error }, 'Discovery failed for a moment.');
}

function hasIPv4(card: Card): boolean {
  return card.addresses.some(({ family }) => family === 4);
}

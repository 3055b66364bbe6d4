/**
 * Discovery by multicast DNS (RFC 6762, 6763): drives a querier and a responder on each link, follows cards as they come,
 * go and change, keeps one name for all links, and makes one sighting of what all links hear.
 */
import type { DeviceId } from '../../protocol/ids.ts';
import { agentServiceType } from '../../protocol/dns-sd.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import type { CardWatcher } from './card-watcher.ts';
import { type Card, isLinkLocal, linkTest } from './cards.ts';
import type { DiscoveryReport, Reporting } from './discovery-report.ts';
import type { Announcement, Discovery, DiscoveryEvents } from './discovery.ts';
import { nameKey } from './dns-name.ts';
import type { DnsMessage, DnsName } from './dns-types.ts';
import { EngineLink, type EngineLinkListener } from './engine-link.ts';
import { type NameMemory, OwnNames } from './engine-names.ts';
import { OwnPackets } from './engine-own-packets.ts';
import { ownRecords } from './engine-records.ts';
import { type SightingChange, SightingTable } from './engine-sightings.ts';
import { type LinkPlace, type OpenLink, placeKey, placesOf } from './link-socket.ts';

export interface EngineDeps {
  readonly self: DeviceId;
  /** `hostNameOf(self)`; never the operating system's name, whose owner would have to give way. */
  readonly hostName: string;
  readonly cards: Pick<CardWatcher, 'cards' | 'events' | 'onLink'>;
  readonly clock: Clock;
  /** 0 <= n < 1 */
  readonly random: () => number;
  readonly log: Log;
  readonly open: OpenLink;
  /** Whether nobody else has port 5353, given how many sockets of ours do. */
  readonly isAlone: (ownSockets: number) => boolean;
  /** A session to it stands: no rumour may evict it. */
  readonly isProtected: (id: DeviceId) => boolean;
  readonly names: { readonly memory: NameMemory; save(memory: NameMemory): void };
  /** When this program was started, by the clock; default: now. */
  readonly began?: number | undefined;
  readonly decode?: ((bytes: Uint8Array) => DnsMessage) | undefined;
}

const browsedType: DnsName = [`_${agentServiceType.name}`, `_${agentServiceType.protocol}`, 'local'];
/** Whoever claims our names for ever must not hold up who waits for the announcement. */
const announcedWithinMs = 5_000;
const vanishedMs = 400;

export class Engine implements Discovery, Reporting {
  readonly events = new Emitter<DiscoveryEvents>();
  readonly renames: Discovery['renames'] = new Emitter();
  readonly #deps: EngineDeps;
  readonly #scope = new Scope();
  readonly #links = new Map<string, EngineLink>();
  readonly #own = new OwnPackets();
  readonly #names: OwnNames;
  readonly #sightings: SightingTable;
  /** By link: what has been probed there. */
  readonly #established = new Map<string, Set<string>>();
  readonly #waiting = new Set<() => void>();
  readonly #closing = new Map<string, Disposable>();
  #addresses: ReadonlySet<string> = new Set();

  constructor(deps: EngineDeps) {
    this.#deps = deps;
    this.#names = new OwnNames({ self: deps.self, hostName: deps.hostName, memory: deps.names.memory });
    this.#sightings = new SightingTable({ ...deps, usable: (address, place) => this.#isUsable(address, place) });
    this.#scope.defer(() => this.#leave());
    this.#scope.use(deps.cards.events.on('changed', () => this.#followCards()));
    this.#scope.use(deps.cards.events.on('woke', () => this.#woke()));
    this.#followCards(deps.began);
  }

  /** One sentence on why nobody can be found, while that is so. */
  get problem(): string | undefined {
    if (this.#links.size === 0) return 'No network card with an address is in use.';
    for (const { failure, place } of this.#links.values()) {
      if (failure === undefined) continue;
      const code = failure.code ?? failure.message;
      return failure.syscall === 'bind'
        ? `Another program keeps UDP port 5353 for itself: nobody can be found on ${place.card.name} (${code}).`
        : `Nobody can be found on ${place.card.name} (${code}).`;
    }
    return undefined;
  }

  get hostName(): string {
    return this.#names.host.join('.');
  }

  report(): DiscoveryReport {
    return {
      links: Array.from(this.#links.values(), ({ report }) => report),
      hostName: this.hostName,
      announced: this.#names.services.map(({ wanted: { name, type, port }, instance: [label = name] }) => ({
        wanted: name,
        name: label,
        type,
        port,
      })),
    };
  }

  /** Kept when everything is announced on every link that works, or somebody contests our names for too long. */
  announce(services: readonly Announcement[]): Promise<void> {
    this.#names.announce(services);
    this.#sayAll();
    return new Promise((resolve) => {
      const done = (): void => {
        timer[Symbol.dispose]();
        this.#waiting.delete(look);
        resolve();
      };
      const look = (): void => {
        if (this.#scope.signal.aborted || this.#isAnnounced()) done();
      };
      const timer = this.#deps.clock.timer(announcedWithinMs, done);
      this.#waiting.add(look);
      look();
    });
  }

  announcedName(name: string): string {
    return this.#names.announcedName(name);
  }

  /** RFC 6762 10.4 */
  reconfirm(id: DeviceId): void {
    this.#tell(this.#sightings.release(id));
    for (const { link, instance } of this.#sightings.instancesOf(id)) this.#links.get(link)?.reconfirm(instance);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  async #leave(): Promise<void> {
    for (const key of Array.from(this.#closing.keys())) this.#stay(key);
    const links = Array.from(this.#links.values());
    this.#links.clear();
    await Promise.all(links.map((link) => link[Symbol.asyncDispose]()));
    this.#wakeWaiting();
  }

  #followCards(began = this.#deps.clock.now()): void {
    if (this.#scope.signal.aborted) return;
    const { cards } = this.#deps.cards;
    this.#addresses = new Set(cards.flatMap((card) => card.addresses.map(({ address }) => address)));
    const wanted = new Map(placesOf(cards).map((place) => [placeKey(place), place]));
    for (const [key, link] of this.#links) if (!wanted.has(key)) this.#closeSoon(key, link);
    for (const [key, place] of wanted) {
      this.#stay(key);
      const link = this.#links.get(key);
      if (link === undefined) this.#links.set(key, this.#openLink(place, began));
      else if (JSON.stringify(link.place) !== JSON.stringify(place)) link.renew(place, isElsewhere(link.place, place));
    }
    this.#sayAll();
    this.#wakeWaiting();
  }

  #woke(): void {
    for (const link of this.#links.values()) link.renew(link.place, true);
  }

  /** Between two addresses a card has none for a moment: what was heard there stays, and our names are not probed anew. */
  #closeSoon(key: string, link: EngineLink): void {
    if (this.#closing.has(key)) return;
    const close = (): void => {
      this.#closing.delete(key);
      this.#close(key, link);
    };
    this.#closing.set(key, this.#deps.clock.timer(vanishedMs, close));
  }

  #stay(key: string): void {
    this.#closing.get(key)?.[Symbol.dispose]();
    this.#closing.delete(key);
  }

  #close(key: string, link: EngineLink): void {
    this.#links.delete(key);
    this.#established.delete(key);
    this.#scope.run(
      () => link[Symbol.asyncDispose](),
      (error) => this.#deps.log.warn({ link: key, error }, 'A link of discovery did not close.'),
    );
    this.#tell(this.#sightings.dropLink(key));
  }

  #openLink(place: LinkPlace, began: number): EngineLink {
    const { isAlone, isProtected } = this.#deps;
    const key = placeKey(place);
    const listener: EngineLinkListener = {
      service: (link, service) => this.#tell(this.#sightings.set(link.key, link.place, service)),
      gone: (link, instance) => this.#tell(this.#sightings.gone(link.key, instance)),
      established: (link, name) => this.#establishedOn(link, name),
      conflict: (link, name) => this.#conflictOn(link, name),
      state: () => this.#wakeWaiting(),
    };
    return new EngineLink(
      place,
      {
        ...this.#deps,
        began,
        own: this.#own,
        browse: browsedType,
        isOwn: (address) => this.#addresses.has(address),
        mayUnicast: () => this.#isOnlyOne(place.family) && isAlone(this.#links.size),
        isProtected: (instance) => {
          const id = this.#sightings.deviceOf(key, instance);
          return id !== undefined && isProtected(id);
        },
        isOwnInstance: (instance) => this.#names.has(instance),
      },
      listener,
    );
  }

  /** Of several sockets of ours, unicast goes to the one that was bound last, whatever its card. */
  #isOnlyOne(family: 4 | 6): boolean {
    return Array.from(this.#links.values()).filter(({ place }) => place.family === family).length <= 1;
  }

  #sayAll(): void {
    for (const [key, link] of Array.from(this.#links))
      if (!this.#closing.has(key)) link.want(ownRecords(this.#names.host, this.#names.services, link.place));
  }

  #establishedOn(link: EngineLink, name: DnsName): void {
    const names = this.#established.get(link.key) ?? new Set();
    this.#established.set(link.key, names);
    names.add(nameKey(name));
    this.#wakeWaiting();
  }

  #conflictOn(link: EngineLink, name: DnsName): void {
    this.#established.get(link.key)?.delete(nameKey(name));
    const { clock, log, names } = this.#deps;
    if (!this.#names.conflict(name, clock.now())) return;
    log.info({ name, host: this.#names.host }, 'Announced under another name: the own one is taken.');
    names.save(this.#names.memory);
    this.#sayAll();
    this.#guard(() => this.renames.emit('renamed'));
  }

  #isAnnounced(): boolean {
    const wanted = [this.#names.host, ...this.#names.services.map(({ instance }) => instance)].map(nameKey);
    return Array.from(this.#links.values())
      .filter((link) => link.failure === undefined)
      .every((link) => wanted.every((name) => this.#established.get(link.key)?.has(name) === true));
  }

  #wakeWaiting(): void {
    for (const look of Array.from(this.#waiting)) look();
  }

  #tell(changes: readonly SightingChange[]): void {
    for (const { seen, lost } of changes)
      this.#guard(() => {
        if (lost !== undefined) this.events.emit('lost', lost);
        if (seen !== undefined) this.events.emit('seen', seen);
      });
  }

  #guard(tell: () => void): void {
    try {
      tell();
    } catch (error) {
      this.#deps.log.error({ error }, 'A listener to discovery failed.');
    }
  }

  /** On-link, and an address of one machine. */
  #isUsable(address: string, { card }: LinkPlace): boolean {
    if (address.startsWith('127.') || address === '::1') return card.loopback;
    return isLinkLocal(address) || this.#deps.cards.onLink(address);
  }
}

/** No address of the card is in a subnet that it had before: another network, with other owners of names. */
function isElsewhere({ card: old }: LinkPlace, { card }: LinkPlace): boolean {
  const before = linkTest([global(old)], []);
  const now = global(card).addresses;
  return now.length > 0 && !now.some(({ address }) => before(address));
}

function global(card: Card): Card {
  return { ...card, addresses: card.addresses.filter(({ zone }) => zone === undefined) };
}

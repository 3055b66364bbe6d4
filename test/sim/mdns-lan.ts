/**
 * LANs of multicast DNS in memory: the packets of many engines, with latency, loss, cut cables and a capture, by a clock
 * that is turned by hand. As on a real PC each socket hears its own packets too, and those of other agents there.
 */
import { Emitter } from '../../agent/base/emitter.ts';
import { silentLog } from '../../agent/base/log.ts';
import type { CardWatcher } from '../../agent/discovery/card-watcher.ts';
import { type Card, linkTest } from '../../agent/discovery/cards.ts';
import type { Sighting } from '../../agent/discovery/discovery.ts';
import { decodeMessage } from '../../agent/discovery/dns-decode.ts';
import type { DnsMessage } from '../../agent/discovery/dns-types.ts';
import { Engine, type EngineDeps } from '../../agent/discovery/engine.ts';
import type { NameMemory } from '../../agent/discovery/engine-names.ts';
import { type LinkListener, type LinkPlace, type LinkSocket, senderTest } from '../../agent/discovery/link-socket.ts';
import { type DeviceId, hostNameOf } from '../../protocol/ids.ts';
import { seeded, type SimClock } from './clock.ts';

export interface CapturedPacket {
  readonly at: number;
  readonly from: string;
  readonly port: number;
  /** Undefined: to the group. */
  readonly to: { readonly address: string; readonly port: number } | undefined;
  readonly bytes: Uint8Array;
  readonly message: DnsMessage | undefined;
}

interface LanOptions {
  readonly latencyMs?: () => number;
  /** 0 to 1, of each packet at each receiver. */
  readonly loss?: number;
  readonly random?: () => number;
}

export class MdnsLan {
  readonly clock: SimClock;
  readonly captured: CapturedPacket[] = [];
  loss: number;
  readonly #options: LanOptions;
  readonly #sockets = new Set<SimMdnsSocket>();
  readonly #cut = new Set<string>();
  readonly #lastArrival = new Map<string, number>();
  readonly #decoded = new WeakMap<Uint8Array, DnsMessage | Error>();

  constructor(clock: SimClock, options: LanOptions = {}) {
    this.clock = clock;
    this.#options = options;
    this.loss = options.loss ?? 0;
  }

  /** Nothing passes between this address and others. */
  cut(address: string): void {
    this.#cut.add(address);
  }

  heal(address: string): void {
    this.#cut.delete(address);
  }

  plug(place: LinkPlace, listener: LinkListener): LinkSocket {
    const socket = new SimMdnsSocket(this, place, listener);
    this.#sockets.add(socket);
    return socket;
  }

  unplug(socket: SimMdnsSocket): void {
    this.#sockets.delete(socket);
  }

  /** A stranger's packet; to the group unless `to` says otherwise. */
  inject(bytes: Uint8Array, from: string, port = 5353, to?: CapturedPacket['to']): void {
    const now = this.clock.now();
    const latency = (this.#options.latencyMs ?? (() => 1))();
    this.captured.push({ at: now, from, port, to, bytes, message: this.#read(bytes) });
    // A switch keeps the order of one sender's packets.
    const arrival = Math.max(now + latency, this.#lastArrival.get(from) ?? 0);
    this.#lastArrival.set(from, arrival);
    this.clock.timer(arrival - now, () => {
      for (const socket of Array.from(this.#sockets)) this.#deliver(socket, { bytes, from, port, to });
    });
  }

  /** Each packet is decoded once for all of its receivers. */
  decode(bytes: Uint8Array): DnsMessage {
    const known = this.#decoded.get(bytes);
    if (known instanceof Error) throw known;
    if (known !== undefined) return known;
    try {
      const message = decodeMessage(bytes);
      this.#decoded.set(bytes, message);
      return message;
    } catch (error) {
      this.#decoded.set(bytes, error as Error);
      throw error;
    }
  }

  #deliver(socket: SimMdnsSocket, packet: Pick<CapturedPacket, 'bytes' | 'from' | 'port' | 'to'>): void {
    const { bytes, from, port, to } = packet;
    if (to !== undefined && (to.port !== 5353 || !socket.has(to.address))) return;
    const isOwn = socket.has(from);
    if (!isOwn && (this.#cut.has(from) || socket.isCut(this.#cut))) return;
    if (!isOwn && this.loss > 0 && (this.#options.random ?? Math.random)() < this.loss) return;
    socket.deliver(bytes, from, port);
  }

  #read(bytes: Uint8Array): DnsMessage | undefined {
    try {
      return this.decode(bytes);
    } catch {
      // Captured all the same.
      return undefined;
    }
  }
}

class SimMdnsSocket implements LinkSocket {
  readonly #lan: MdnsLan;
  readonly #listener: LinkListener;
  readonly #addresses: ReadonlySet<string>;
  readonly #from: string;
  readonly #family: 4 | 6;
  readonly #hears: (sender: string) => boolean;
  #ready = false;
  #closed = false;

  constructor(lan: MdnsLan, place: LinkPlace, listener: LinkListener) {
    this.#lan = lan;
    this.#listener = listener;
    this.#family = place.family;
    const own = place.card.addresses.filter(({ family }) => family === place.family);
    this.#addresses = new Set(own.map(({ address }) => address));
    // As systems choose it for a link-local group.
    this.#from = (own.find(({ zone }) => zone !== undefined) ?? own[0])?.address ?? '';
    this.#hears = senderTest(place);
    lan.clock.timer(0, () => {
      if (this.#closed) return;
      this.#ready = true;
      listener.ready();
    });
  }

  has(address: string): boolean {
    return this.#addresses.has(address);
  }

  isCut(cut: ReadonlySet<string>): boolean {
    return cut.has(this.#from);
  }

  deliver(bytes: Uint8Array, from: string, port: number): void {
    const isFamily = from.includes(':') === (this.#family === 6);
    if (this.#ready && !this.#closed && isFamily && this.#hears(from)) this.#listener.received(bytes, from, port);
  }

  send(bytes: Uint8Array, to?: { readonly address: string; readonly port: number }): void {
    if (this.#ready && !this.#closed) this.#lan.inject(bytes, this.#from, 5353, to);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#lan.unplug(this);
    return Promise.resolve();
  }
}

/** The cards of one PC, as a test changes them. */
export class SimCards implements Pick<CardWatcher, 'cards' | 'events' | 'onLink'> {
  readonly events: CardWatcher['events'] = new Emitter();
  cards: readonly Card[];
  onLink: (address: string) => boolean;

  constructor(cards: readonly Card[]) {
    this.cards = cards;
    this.onLink = linkTest(cards, []);
  }

  change(cards: readonly Card[]): void {
    this.cards = cards;
    this.onLink = linkTest(cards, []);
    this.events.emit('changed', cards);
  }
}

export function card(name: string, ...addresses: readonly string[]): Card {
  return {
    name,
    loopback: name === 'lo',
    addresses: addresses.map((address) => {
      if (!address.includes(':')) return { address, family: 4, prefix: name === 'lo' ? 8 : 16 };
      return { address, family: 6, prefix: 64, zone: address.startsWith('fe80:') ? name : undefined };
    }),
  };
}

/** An engine on LANs in memory, and what it has seen. */
export class SimMdnsAgent {
  readonly engine: Engine;
  readonly cards: SimCards;
  readonly id: DeviceId;
  readonly name: string;
  readonly seen = new Map<DeviceId, Sighting>();
  /** All that was told, in order. */
  readonly told: (Sighting | DeviceId)[] = [];
  readonly held = new Set<DeviceId>();
  memory: NameMemory;

  constructor(
    options: {
      readonly id: DeviceId;
      readonly name: string;
      readonly cards: readonly Card[];
      /** By name of the card. */
      readonly lanOf: (card: string) => MdnsLan;
      readonly seed: number;
      readonly memory?: NameMemory;
    },
    deps: Partial<EngineDeps> = {},
  ) {
    const { id, name, cards, lanOf, seed, memory } = options;
    this.id = id;
    this.name = name;
    this.cards = new SimCards(cards);
    this.memory = memory ?? { host: 1, instances: {} };
    const lan = lanOf(cards[0]?.name ?? '');
    this.engine = new Engine({
      self: id,
      hostName: hostNameOf(id),
      cards: this.cards,
      clock: lan.clock,
      random: seeded(seed),
      log: silentLog,
      open: (place, listener) => lanOf(place.card.name).plug(place, listener),
      isAlone: () => false,
      isProtected: (other) => this.held.has(other),
      names: { memory: this.memory, save: (next) => (this.memory = next) },
      decode: (bytes) => lan.decode(bytes),
      ...deps,
    });
    this.engine.events.on('seen', (sighting) => {
      this.seen.set(sighting.id, sighting);
      this.told.push(sighting);
    });
    this.engine.events.on('lost', (other) => {
      this.seen.delete(other);
      this.told.push(other);
    });
  }

  announce(port = 6631): Promise<void> {
    const { id, name } = this;
    return this.engine.announce([{ name, type: 'nethood', subtypes: [], port, txt: { id, v: '1', name } }]);
  }

  addressesOf(other: SimMdnsAgent): string[] | undefined {
    return this.seen.get(other.id)?.addresses.map(({ address, zone }) => (zone ? `${address}%${zone}` : address));
  }
}

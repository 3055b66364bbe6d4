/**
 * What the links found, as devices: one sighting for each, with the addresses of all links. Pure. Bounded by what the
 * queriers keep.
 */
import { isDeepStrictEqual } from 'node:util';
import { AgentTxt } from '../../protocol/dns-sd.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { isLinkLocal } from './cards.ts';
import type { Address, Sighting } from './discovery.ts';
import { nameKey } from './dns-name.ts';
import type { DnsName } from './dns-types.ts';
import type { LinkPlace } from './link-socket.ts';
import type { FoundService } from './querier-types.ts';

/** Nobody is in so many places; somebody may say so. */
const mostAddresses = 16;

interface Found {
  readonly id: DeviceId;
  readonly name: string;
  readonly port: number;
  readonly addresses: readonly Address[];
  readonly instance: DnsName;
  readonly link: string;
  /** Counts up: the highest was told last. */
  readonly order: number;
}

interface SightingTableDeps {
  /** Ours: never a sighting. */
  readonly self: DeviceId;
  /** On-link, and of one machine. */
  readonly usable: (address: string, place: LinkPlace) => boolean;
  /** A session to it stands. */
  readonly isProtected: (id: DeviceId) => boolean;
}

export interface SightingChange {
  readonly seen?: Sighting;
  readonly lost?: DeviceId;
}

export class SightingTable {
  readonly #deps: SightingTableDeps;
  /** By link and instance. */
  readonly #found = new Map<string, Found>();
  readonly #byDevice = new Map<DeviceId, Set<Found>>();
  readonly #told = new Map<DeviceId, Sighting>();
  #order = 0;

  constructor(deps: SightingTableDeps) {
    this.#deps = deps;
  }

  /** What a link knows of an instance now. */
  set(link: string, place: LinkPlace, service: FoundService): SightingChange[] {
    const key = keyOf(link, service.instance);
    const old = this.#found.get(key);
    const found = this.#read(link, place, service);
    if (old !== undefined) this.#remove(key, old);
    if (found !== undefined) this.#add(key, found);
    const changed = new Set([old?.id, found?.id].filter((id) => id !== undefined));
    return Array.from(changed).flatMap((id) => this.#change(id));
  }

  gone(link: string, instance: DnsName): SightingChange[] {
    const key = keyOf(link, instance);
    const old = this.#found.get(key);
    if (old === undefined) return [];
    this.#remove(key, old);
    return this.#change(old.id);
  }

  /** The card is gone. */
  dropLink(link: string): SightingChange[] {
    const ids = new Set<DeviceId>();
    for (const [key, found] of Array.from(this.#found)) {
      if (found.link !== link) continue;
      this.#remove(key, found);
      ids.add(found.id);
    }
    return Array.from(ids).flatMap((id) => this.#change(id));
  }

  /** Its session has failed: what outranked the newest word counts no more. */
  release(id: DeviceId): SightingChange[] {
    return this.#change(id, false);
  }

  /** Where it is known from. */
  instancesOf(id: DeviceId): { readonly link: string; readonly instance: DnsName }[] {
    return Array.from(this.#byDevice.get(id) ?? []);
  }

  deviceOf(link: string, instance: DnsName): DeviceId | undefined {
    return this.#found.get(keyOf(link, instance))?.id;
  }

  #read(link: string, place: LinkPlace, service: FoundService): Found | undefined {
    const txt = AgentTxt.safeParse({
      id: textOf(service.txt.get('id')),
      v: textOf(service.txt.get('v')),
      name: textOf(service.txt.get('name')),
    });
    // A foreign service of our type, or ourselves.
    if (!txt.success || txt.data.id === this.#deps.self) return undefined;
    const zone = place.card.addresses.find((address) => address.zone !== undefined)?.zone ?? place.card.name;
    const addresses = this.#standing(txt.data.id, service)
      .filter((address) => this.#deps.usable(address, place))
      .map((address): Address => (isLinkLocal(address) ? { address, zone } : { address }));
    const { id, name } = txt.data;
    return { id, name, port: service.port, addresses, instance: service.instance, link, order: ++this.#order };
  }

  /** Where one is no more is not worth a dial; but whom we talk to, nobody's word moves. */
  #standing(id: DeviceId, { addresses, leaving }: FoundService): readonly string[] {
    const standing = addresses.filter((address) => !leaving.includes(address));
    return standing.length === 0 || this.#deps.isProtected(id) ? addresses : standing;
  }

  #add(key: string, found: Found): void {
    this.#found.set(key, found);
    const all = this.#byDevice.get(found.id) ?? new Set();
    this.#byDevice.set(found.id, all);
    all.add(found);
  }

  #remove(key: string, found: Found): void {
    this.#found.delete(key);
    const all = this.#byDevice.get(found.id);
    all?.delete(found);
    if (all?.size === 0) this.#byDevice.delete(found.id);
  }

  #change(id: DeviceId, isProtected = this.#deps.isProtected(id)): SightingChange[] {
    const told = this.#told.get(id);
    const all = Array.from(this.#byDevice.get(id) ?? []).filter(({ addresses }) => addresses.length > 0);
    if (all.length === 0) {
      this.#told.delete(id);
      return told === undefined ? [] : [{ lost: id }];
    }
    const seen = this.#sighting(id, all, isProtected ? told : undefined);
    if (seen === undefined || isDeepStrictEqual(seen, told)) return [];
    this.#told.set(id, seen);
    return [{ seen }];
  }

  /**
   * Anybody can announce an instance with a foreign id, or in a foreign name: while a session stands (`held` is what led
   * to it), only what agrees on the port counts.
   */
  #sighting(id: DeviceId, all: readonly Found[], held: Sighting | undefined): Sighting | undefined {
    const newest = all.toSorted((a, b) => b.order - a.order);
    const chosen = held === undefined ? newest[0] : newest.find(({ port }) => port === held.port);
    if (chosen === undefined) return held;
    const addresses = new Map<string, Address>();
    const same = newest.filter(({ port }) => port === chosen.port);
    for (const address of [chosen, ...same].flatMap((found) => found.addresses))
      if (addresses.size < mostAddresses) addresses.set(`${address.address}%${address.zone ?? ''}`, address);
    const sorted = Array.from(addresses.values()).toSorted(byFamily);
    return { id, name: chosen.name, port: chosen.port, addresses: sorted };
  }
}

function keyOf(link: string, instance: DnsName): string {
  return `${link}\n${nameKey(instance)}`;
}

function textOf(value: Uint8Array | true | undefined): string | undefined {
  return value instanceof Uint8Array ? new TextDecoder().decode(value) : undefined;
}

/** IPv4, IPv6, link-local; then by text, so that the order says nothing but changes. */
function byFamily(a: Address, b: Address): number {
  return familyRank(a) - familyRank(b) || (a.address < b.address ? -1 : 1);
}

function familyRank({ address, zone }: Address): number {
  if (zone !== undefined) return 2;
  return address.includes(':') ? 1 : 0;
}

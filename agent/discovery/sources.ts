/**
 * Several sources of sightings as one: multicast now, others (gossip, unicast DNS-SD) beside it. Who is seen by one of
 * them is seen; it is lost only when the last of them loses it. The order of the sources is their rank: name and port
 * are those of the first that sees a device.
 */
import type { DeviceId } from '../../protocol/ids.ts';
import { Emitter } from '../base/emitter.ts';
import type { Address, DiscoveryEvents, Sighting } from './discovery.ts';

export interface SightingSource {
  readonly events: Emitter<DiscoveryEvents>;
  /** A session to it failed: what is known of it is looked up again. */
  reconfirm(id: DeviceId): void;
}

export interface MergedSources extends SightingSource, Disposable {
  /** By source: whom it sees now. */
  sightings(): ReadonlyMap<string, readonly Sighting[]>;
}

/** Keys are the sources' names, in their rank. They are listened to, not owned. */
export function mergeSources(sources: Readonly<Record<string, SightingSource>>): MergedSources {
  return new Merger(sources);
}

class Merger implements MergedSources {
  readonly events = new Emitter<DiscoveryEvents>();
  readonly #sources: readonly SightingSource[];
  /** In rank; each as large as its source lets it grow. */
  readonly #seen: ReadonlyMap<string, Map<DeviceId, Sighting>>;
  readonly #listening: Disposable[];

  constructor(sources: Readonly<Record<string, SightingSource>>) {
    this.#sources = Object.values(sources);
    this.#seen = new Map(Object.keys(sources).map((name) => [name, new Map<DeviceId, Sighting>()]));
    this.#listening = Object.entries(sources).flatMap(([name, { events }]) => [
      events.on('seen', (sighting) => {
        this.#seen.get(name)?.set(sighting.id, sighting);
        this.#tell(sighting.id);
      }),
      events.on('lost', (id) => {
        if (this.#seen.get(name)?.delete(id) === true) this.#tell(id);
      }),
    ]);
  }

  reconfirm(id: DeviceId): void {
    for (const source of this.#sources) source.reconfirm(id);
  }

  sightings(): ReadonlyMap<string, readonly Sighting[]> {
    return new Map(Array.from(this.#seen, ([name, seen]) => [name, Array.from(seen.values())]));
  }

  [Symbol.dispose](): void {
    for (const listening of this.#listening) listening[Symbol.dispose]();
  }

  #tell(id: DeviceId): void {
    const [first, ...others] = Array.from(this.#seen.values(), (seen) => seen.get(id)).filter(
      (sighting) => sighting !== undefined,
    );
    if (first === undefined) this.events.emit('lost', id);
    else this.events.emit('seen', { ...first, addresses: joined(first, others) });
  }
}

/** Addresses belong to a port: those of a source that names another port would lead astray. */
function joined(first: Sighting, others: readonly Sighting[]): Address[] {
  const all = [first, ...others.filter(({ port }) => port === first.port)].flatMap(({ addresses }) => addresses);
  return Array.from(new Map(all.map((address) => [`${address.address}%${address.zone ?? ''}`, address])).values());
}

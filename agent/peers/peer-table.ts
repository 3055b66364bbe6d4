/**
 * The neighbours that we know, in session or not: what their keys proved kept apart from what rumours say. Bounded: the
 * oldest rumours go first, then the strangers not seen for longest; never who is paired, of our office, or in session.
 */
import type { DeviceId } from '../../protocol/ids.ts';
import { noResources, type Resources } from '../../protocol/resources.ts';
import type { Address, Sighting } from '../discovery/discovery.ts';
import { addressText, mayBeDialled } from './peer-address.ts';

export const tableLimits = { records: 1_000, proved: 4, rumoured: 12 } as const;

export interface Candidate extends Address {
  readonly port: number;
}

export interface PeerRecord {
  readonly id: DeviceId;
  readonly name: string;
  /** Where its key was found, last success first. */
  readonly proved: readonly Candidate[];
  /** Of the latest sighting. */
  readonly rumoured: readonly Candidate[];
  /** As typed for `neighbour add`, where that was a name: looked up again at each dial. */
  readonly host: { readonly name: string; readonly port: number } | undefined;
  /** Discovery sees it now. */
  readonly sighted: boolean;
  /** Wall-clock milliseconds; undefined until its key was proved. */
  readonly lastSeen: number | undefined;
  /** As it last said. */
  readonly resources: Resources;
}

export interface TableRules {
  /** Neither paired nor of our office, and not in session. */
  readonly dispensable: (id: DeviceId) => boolean;
  /** Addresses that a rumour may send us to. */
  readonly onLink: (address: string) => boolean;
  /** Loopback is a card in use: nothing else is there. Default: never. */
  readonly loopbackServes?: (() => boolean) | undefined;
}

/** What changed: `fresh` says that there is something new to dial, `evicted` who had to go. */
export interface Noted {
  readonly record: PeerRecord;
  readonly fresh: boolean;
  readonly evicted: DeviceId | undefined;
}

export class PeerTable {
  readonly #records = new Map<DeviceId, PeerRecord>();
  readonly #rules: TableRules;

  constructor(rules: TableRules, known: readonly PeerRecord[]) {
    this.#rules = rules;
    for (const record of known) this.#records.set(record.id, record);
  }

  get(id: DeviceId): PeerRecord | undefined {
    return this.#records.get(id);
  }

  all(): readonly PeerRecord[] {
    return Array.from(this.#records.values());
  }

  /** Undefined where the rumour is of no use: no address that may be dialled, or no room left. */
  sight({ id, name, port, addresses }: Sighting): Noted | undefined {
    const old = this.#records.get(id);
    const { onLink, loopbackServes = () => false } = this.#rules;
    const rumoured = addresses
      .filter((address) => port >= 1024 && mayBeDialled(address, loopbackServes()) && onLink(addressText(address)))
      .slice(0, tableLimits.rumoured)
      .map(({ address, zone }): Candidate => ({ address, zone, port }));
    if (old === undefined && rumoured.length === 0) return undefined;
    const fresh = old === undefined || !old.sighted || !sameCandidates(old.rumoured, rumoured);
    // Only itself can say what a proved device is called: a rumour must not pass it off as somebody else.
    const shown = old?.lastSeen === undefined ? name : old.name;
    return this.#put({ ...(old ?? unknown(id)), name: shown, rumoured, sighted: true }, fresh);
  }

  unsight(id: DeviceId): void {
    const old = this.#records.get(id);
    if (old !== undefined) this.#records.set(id, { ...old, sighted: false });
  }

  /** Its key was seen at this address. */
  prove(id: DeviceId, proof: { name?: string; at: Candidate; wall: number }): Noted | undefined {
    const old = this.#records.get(id) ?? unknown(id);
    const others = old.proved.filter((candidate) => key(candidate) !== key(proof.at));
    const proved = [proof.at, ...others].slice(0, tableLimits.proved);
    return this.#put({ ...old, name: proof.name ?? old.name, proved, lastSeen: proof.wall }, false);
  }

  change(id: DeviceId, change: Partial<Pick<PeerRecord, 'name' | 'host' | 'lastSeen' | 'resources'>>): void {
    const old = this.#records.get(id);
    if (old !== undefined) this.#records.set(id, { ...old, ...change });
  }

  forget(id: DeviceId): void {
    this.#records.delete(id);
  }

  #put(record: PeerRecord, fresh: boolean): Noted | undefined {
    const full = !this.#records.has(record.id) && this.#records.size >= tableLimits.records;
    const evicted = full ? this.#least() : undefined;
    if (full && evicted === undefined) return undefined;
    if (evicted !== undefined) this.#records.delete(evicted);
    this.#records.set(record.id, record);
    return { record, fresh, evicted };
  }

  /** Rumours have no `lastSeen` and come first, in the order in which they came. */
  #least(): DeviceId | undefined {
    let least: PeerRecord | undefined;
    for (const record of this.#records.values()) {
      if (!this.#rules.dispensable(record.id)) continue;
      if (record.lastSeen === undefined) return record.id;
      if (least?.lastSeen === undefined || record.lastSeen < least.lastSeen) least = record;
    }
    return least?.id;
  }
}

/** In the order to try them: where it answered last, then what was announced. */
export function candidatesOf({ proved, rumoured }: PeerRecord): readonly Candidate[] {
  const all = [...proved, ...rumoured];
  const keys = all.map(key);
  return all.filter((candidate, at) => keys.indexOf(key(candidate)) === at);
}

/** It was announced at this address, and is not any more. */
export function hasLeft(address: string, before: PeerRecord | undefined, now: PeerRecord): boolean {
  const names = ({ rumoured }: PeerRecord): boolean => rumoured.some((at) => addressText(at) === address);
  return before !== undefined && names(before) && !names(now);
}

function unknown(id: DeviceId): PeerRecord {
  const nothing = { proved: [], rumoured: [], host: undefined, lastSeen: undefined, resources: noResources };
  return { id, name: id.slice(0, 8), sighted: false, ...nothing };
}

function key(candidate: Candidate): string {
  return `${addressText(candidate)} ${candidate.port}`;
}

function sameCandidates(some: readonly Candidate[], others: readonly Candidate[]): boolean {
  return some.length === others.length && some.map(key).every((text) => others.some((other) => key(other) === text));
}

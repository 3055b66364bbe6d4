/**
 * The records that follow from what this device says about itself, as sets: the records of one name and type that are
 * ours alone (the cache-flush bit on a part of them would erase the rest, RFC 6762 10.2), or one shared record.
 */
import { NethoodError } from '../../protocol/errors.ts';
import { addressBytes, addressText } from './dns-address.ts';
import { typeCode } from './dns-data.ts';
import { isDnsName, nameKey, nameText } from './dns-name.ts';
import { type DnsName, type DnsRecord, type RecordData, recordTypes } from './dns-types.ts';
import { recordKey } from './responder-compare.ts';
import type { OwnRecords, OwnService } from './responder-types.ts';

/** Seconds (RFC 6762 10): what holds a host's name or addresses, and the rest. */
const hostTtl = 120;
const otherTtl = 4_500;

export interface OwnRecord {
  readonly key: string;
  readonly record: DnsRecord;
}

/**
 * - `unique`: ours alone, once its name is.
 * - `shared`: others have some under this name too; this one is ours (a type's PTR to our instance).
 * - `common`: others have the same (the list of types): never taken back.
 * - `negative`: NSEC; said only where nothing else is there to be said (RFC 6762 6.1).
 */
type SetKind = 'unique' | 'shared' | 'common' | 'negative';

export interface RecordSet {
  readonly key: string;
  readonly kind: SetKind;
  /** Key of its name. */
  readonly name: string;
  readonly type: number;
  readonly records: readonly OwnRecord[];
  /** Keys of the names one of which must be ours before it is said. */
  readonly owners: readonly string[];
  /** Keys of the sets to be said beside it (RFC 6763 12, RFC 6762 6.1). */
  readonly more: readonly string[];
}

export interface Zone {
  /** Key of the host's name, on which everything depends. */
  readonly host: string;
  /** The names to be probed for, the host's first. */
  readonly names: readonly DnsName[];
  readonly sets: ReadonlyMap<string, RecordSet>;
  readonly byName: ReadonlyMap<string, readonly RecordSet[]>;
}

export const emptyZone: Zone = { host: '', names: [], sets: new Map(), byName: new Map() };

/** @throws NethoodError `internal` for a name that does not fit the format: whoever chooses names minds their length */
export function zoneOf(own: OwnRecords): Zone {
  for (const name of [own.host, ...own.services.map(({ instance }) => instance)])
    if (!isDnsName(name)) throw new NethoodError('internal', `"${nameText(name)}" cannot be a DNS name.`);
  if (own.addresses.length === 0) return emptyZone;
  const host = nameKey(own.host);
  const services = new Map(own.services.map((service) => [nameKey(service.instance), service]));
  const addresses = addressSets(own);
  const sets = [...addresses, ...serviceSets(own, services, addresses)];
  const byName = new Map<string, RecordSet[]>();
  for (const set of sets) {
    const others = byName.get(set.name);
    if (others === undefined) byName.set(set.name, [set]);
    else others.push(set);
  }
  return {
    host,
    names: [own.host, ...Array.from(services.values(), ({ instance }) => instance)],
    sets: new Map(sets.map((set) => [set.key, set])),
    byName,
  };
}

/** What is proposed in a probe for a name (RFC 6762 8.2). */
export function proposalOf(zone: Zone, name: string): DnsRecord[] {
  const unique = (zone.byName.get(name) ?? []).filter(({ kind }) => kind === 'unique');
  // The cache-flush bit is for responses (10.2).
  return unique.flatMap(({ records }) => records.map(({ record }) => ({ ...record, flush: false })));
}

/** Whether two sets say the same. */
export function sameRecords(a: RecordSet, b: RecordSet): boolean {
  return (
    a.records.length === b.records.length && a.records.every(({ key }) => b.records.some((own) => own.key === key))
  );
}

function addressSets({ host, addresses }: OwnRecords): RecordSet[] {
  const families = (['A', 'AAAA'] as const)
    .map((type) => ({ type, of: addressesOf(addresses, type) }))
    .filter(({ of }) => of.length > 0);
  const name = nameKey(host);
  const keys = families.map(({ type }) => setKey(name, recordTypes[type]));
  const types = families.map(({ type }) => recordTypes[type]);
  const none = negativeSet(host, types);
  // A host of one family says that it has none of the other (RFC 6762 6.2).
  const more = families.length === 1 ? [none.key] : keys;
  const said = families.map(({ type, of }): RecordSet => {
    const data = of.map((address): RecordData => ({ type, address }));
    return uniqueSet(host, data, { ttl: hostTtl, more });
  });
  return [...said, none];
}

/** Each once, and written as a received one is, so that the same are equal. */
function addressesOf(addresses: readonly string[], type: 'A' | 'AAAA'): string[] {
  const bytes = addresses.map((address) => addressBytes(address, type)).filter((each) => each !== undefined);
  return Array.from(new Set(bytes.map(addressText)));
}

function serviceSets(
  own: OwnRecords,
  services: ReadonlyMap<string, OwnService>,
  addresses: readonly RecordSet[],
): RecordSet[] {
  const sets: RecordSet[] = [];
  const types = new Map<string, { name: DnsName; owners: string[] }>();
  const hostKeys = addresses.filter(({ kind }) => kind === 'unique').map(({ key }) => key);
  const [first] = addresses;
  const hostMore = Array.from(new Set([...hostKeys, ...(first?.more ?? [])]));
  for (const [key, service] of services) {
    const name = service.instance.slice(1);
    const type = types.get(nameKey(name)) ?? { name, owners: [] };
    types.set(nameKey(name), type);
    type.owners.push(key);
    sets.push(...instanceSets(service, own.host, hostMore));
  }
  for (const { name, owners } of types.values()) {
    // RFC 6763 9: the domain follows the two labels of the type.
    const list = ['_services', '_dns-sd', '_udp', ...name.slice(2)];
    sets.push({ ...pointer(list, name, []), kind: 'common', owners });
  }
  return sets;
}

function instanceSets({ instance, subtypes, port, txt }: OwnService, host: DnsName, hostMore: string[]): RecordSet[] {
  const strings = txt.length === 0 ? [new Uint8Array()] : txt;
  const srv = uniqueSet(instance, [{ type: 'SRV', priority: 0, weight: 0, port, target: host }], {
    ttl: hostTtl,
    more: hostMore,
  });
  const text = uniqueSet(instance, [{ type: 'TXT', strings }], { ttl: otherTtl, more: [] });
  const more = [srv.key, text.key, ...hostMore];
  const type = instance.slice(1);
  const names = [type, ...Array.from(new Set(subtypes), (subtype) => [`_${subtype}`, '_sub', ...type])];
  return [
    srv,
    text,
    negativeSet(instance, [recordTypes.TXT, recordTypes.SRV]),
    ...names.map((name) => pointer(name, instance, more)),
  ];
}

function uniqueSet(
  name: DnsName,
  data: readonly RecordData[],
  { ttl, more }: { ttl: number; more: readonly string[] },
): RecordSet {
  const key = nameKey(name);
  const records = data.map((each) => ownRecord({ name, ttl, flush: true, data: each }));
  const type = data[0] === undefined ? 0 : typeCode(data[0]);
  return { key: setKey(key, type), kind: 'unique', name: key, type, records, owners: [key], more };
}

/** That the name has these types and no others. What is missing would mostly have been of the host. */
function negativeSet(name: DnsName, types: readonly number[]): RecordSet {
  return { ...uniqueSet(name, [{ type: 'NSEC', next: name, types }], { ttl: hostTtl, more: [] }), kind: 'negative' };
}

function pointer(name: DnsName, target: DnsName, more: readonly string[]): RecordSet {
  const record = ownRecord({ name, ttl: otherTtl, flush: false, data: { type: 'PTR', target } });
  const owners = [nameKey(target)];
  return {
    key: record.key,
    kind: 'shared',
    name: nameKey(name),
    type: recordTypes.PTR,
    records: [record],
    owners,
    more,
  };
}

/** Not to be taken for a `recordKey`, whose second part is a number. */
function setKey(name: string, type: number): string {
  return `${type} - ${name}`;
}

function ownRecord(record: DnsRecord): OwnRecord {
  return { key: recordKey(record), record };
}

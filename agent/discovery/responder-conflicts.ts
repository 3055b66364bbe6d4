/** Whether a record of another host contradicts ours (RFC 6762 9). Pure. */
import { nameKey } from './dns-name.ts';
import type { DnsRecord } from './dns-types.ts';
import { recordKey } from './responder-compare.ts';
import type { Claim } from './responder-claims.ts';
import type { Zone } from './responder-zone.ts';

interface Heard {
  readonly zone: Zone;
  readonly isOwn: (address: string) => boolean;
  /** Address of the sender. */
  readonly from: string;
}

/** A goodbye contradicts nothing, and NSEC repeats what other records say. */
export function isConflict(record: DnsRecord, claim: Claim, heard: Heard): boolean {
  if (record.ttl === 0 || record.data.type === 'NSEC' || isOurs(record, heard)) return false;
  const sets = (heard.zone.byName.get(claim.key) ?? []).filter(({ kind }) => kind === 'unique');
  const key = recordKey(record);
  if (sets.some(({ records }) => records.some((own) => own.key === key))) return false;
  switch (claim.state) {
    case 'probing':
      return true;
    case 'established':
      return isAddress(record) || sets.some(({ records }) => records.some((own) => sameType(own.record, record)));
    case 'lost':
      return false;
  }
}

/** Whether a probe for a name of ours is ours too: from another card, or brought to this LAN by a reflector. */
export function isOwnProbe(name: string, proposed: readonly DnsRecord[], heard: Heard): boolean {
  if (name === heard.zone.host) return proposed.every((record) => isOurs(record, heard));
  return heard.isOwn(heard.from) && proposed.some((record) => namesOurHost(record, heard.zone));
}

/**
 * Said by us on another card, where our addresses are others and a change may come earlier. Another agent on this PC
 * has our addresses but not our host name: its SRV tells the two apart.
 */
function isOurs(record: DnsRecord, { zone, isOwn, from }: Heard): boolean {
  const { data } = record;
  if (data.type === 'A' || data.type === 'AAAA') return isOwn(data.address) || isOwn(from);
  if (!isOwn(from)) return false;
  return data.type === 'SRV' ? namesOurHost(record, zone) : true;
}

function namesOurHost({ data }: DnsRecord, zone: Zone): boolean {
  return data.type === 'SRV' && nameKey(data.target) === zone.host;
}

/** Addresses of whichever family: the host's name is no other's. */
function isAddress({ data }: DnsRecord): boolean {
  return data.type === 'A' || data.type === 'AAAA';
}

function sameType(a: DnsRecord, b: DnsRecord): boolean {
  return a.data.type === b.data.type;
}

/**
 * The multicast DNS responder of one link (RFC 6762, RFC 6763): probes for our names, announces, answers, defends, says
 * goodbye. No I/O and no clock of its own: packets and times go in, effects come out. The shell keeps the echo of our
 * own packets from it, splits large messages, and calls `tick` at `nextAt`.
 */
import { nameKey } from './dns-name.ts';
import {
  type DnsMessage,
  type DnsQuestion,
  type DnsRecord,
  type ReceivedMessage,
  recordTypes,
  type SendEffect,
} from './dns-types.ts';
import { Answers, send, type Sender } from './responder-answers.ts';
import { type Claim, Claims } from './responder-claims.ts';
import { compareProposals } from './responder-compare.ts';
import { isConflict, isOwnProbe } from './responder-conflicts.ts';
import { probeMessage, response } from './responder-questions.ts';
import type { OwnRecords, ResponderDeps, ResponderEffect } from './responder-types.ts';
import {
  emptyZone,
  type OwnRecord,
  proposalOf,
  type RecordSet,
  sameRecords,
  type Zone,
  zoneOf,
} from './responder-zone.ts';

const mdnsPort = 5353;

export class Responder {
  readonly #deps: ResponderDeps;
  readonly #claims: Claims;
  readonly #answers: Answers;
  #zone: Zone = emptyZone;

  constructor(deps: ResponderDeps) {
    this.#deps = deps;
    this.#claims = new Claims(deps.random);
    const zone = (): Zone => this.#zone;
    this.#answers = new Answers(deps.random, {
      get zone() {
        return zone();
      },
      isSaid: (set) => this.#isSaid(set),
      othersWith: (name) => this.#deps.othersWith?.(name) ?? 0,
    });
  }

  /**
   * What is new is probed for and announced, what changed is announced, what is gone says goodbye.
   * @throws NethoodError `internal`, and leaves everything as it was, where a name is none
   */
  set(want: OwnRecords, now: number): ResponderEffect[] {
    const old = this.#zone;
    const zone = zoneOf(want);
    const goodbyes = this.#goodbyes(zone);
    this.#zone = zone;
    this.#claims.want(zone.names, now);
    this.#answers.keep(now);
    for (const set of zone.sets.values()) {
      const before = old.sets.get(set.key);
      // RFC 6762 8.4. A name that is still to be probed for is announced after that.
      if (this.#isSaid(set) && (before === undefined || !sameRecords(before, set))) this.#answers.announce(set, now);
    }
    return [...goodbyes, ...this.tick(now)];
  }

  /** Any packet of the link but the echo of our own. */
  receive({ message, ...sender }: ReceivedMessage): ResponderEffect[] {
    if (!this.#deps.onLink(sender.from)) return [];
    const effects = message.response ? this.#hear(message, sender) : this.#asked(message, sender);
    return [...effects, ...this.tick(sender.now)];
  }

  tick(now: number): ResponderEffect[] {
    const { probe, established } = this.#claims.advance(now);
    this.#announceAll(established, now);
    return [
      ...established.map(({ name }) => ({ type: 'established', name }) as const),
      ...(probe.length > 0 ? [send(this.#probe(probe))] : []),
      ...this.#answers.tick(now),
    ];
  }

  /** Clock milliseconds; Infinity when nothing is to be done. */
  nextAt(): number {
    return Math.min(this.#claims.nextAt(), this.#answers.nextAt());
  }

  /** The link is another, or was away for a while: all names must prove themselves again (RFC 6762 8). */
  wake(now: number): ResponderEffect[] {
    this.#answers.drop();
    this.#claims.restart(now);
    return this.tick(now);
  }

  /** Says goodbye; nothing more is said until the next `set`. */
  stop(now: number): ResponderEffect[] {
    const goodbyes = this.#goodbyes(emptyZone);
    this.#zone = emptyZone;
    this.#answers.drop();
    this.#answers.keep(now);
    this.#claims.want([], now);
    return goodbyes;
  }

  /** An instance waits for the host too: its SRV would point to a name that may be another's. */
  #isSaid({ owners }: RecordSet): boolean {
    return this.#claims.isEstablished(this.#zone.host) && owners.some((owner) => this.#claims.isEstablished(owner));
  }

  #announceAll(established: readonly Claim[], now: number): void {
    if (established.length === 0) return;
    const keys = new Set(established.map(({ key }) => key));
    const all = keys.has(this.#zone.host);
    for (const set of this.#zone.sets.values())
      if (this.#isSaid(set) && (all || set.owners.some((owner) => keys.has(owner)))) this.#answers.announce(set, now);
  }

  #probe(claims: readonly Claim[]): DnsMessage {
    const unicast = this.#deps.mayUnicast?.() ?? true;
    return probeMessage(
      claims.map(({ name }): DnsQuestion => ({ name, type: recordTypes.ANY, unicast })),
      claims.flatMap(({ key }) => proposalOf(this.#zone, key)),
    );
  }

  /** For what the next zone does not have, as far as it is ours alone (RFC 6762 10.1). */
  #goodbyes(next: Zone): SendEffect[] {
    const gone = Array.from(this.#zone.sets.values())
      .filter(({ owners }) => owners.some((owner) => this.#claims.get(owner)?.ours === true))
      .flatMap((set) => retracted(set, next.sets.get(set.key)));
    for (const { key } of gone) this.#answers.forget(key);
    if (gone.length === 0) return [];
    return [send(response(gone.map(goodbye), []))];
  }

  #asked(query: DnsMessage, sender: Sender): ResponderEffect[] {
    if (sender.port !== mdnsPort) return this.#answers.askedByLegacy(query, sender);
    const proposals = byName(query.authorities);
    for (const [key, proposed] of proposals) if (isOwnProbe(key, proposed, this.#heard(sender))) proposals.delete(key);
    const effects = Array.from(proposals, ([key, proposed]) => this.#tieBreak(key, proposed, sender.now)).flat();
    this.#answers.asked(query, sender, new Set(proposals.keys()));
    return effects;
  }

  /** RFC 6762 8.2: both of us want the name now. */
  #tieBreak(key: string, proposed: readonly DnsRecord[], now: number): ResponderEffect[] {
    const claim = this.#claims.get(key);
    if (claim?.state !== 'probing' || compareProposals(proposalOf(this.#zone, key), proposed) >= 0) return [];
    return this.#claims.loseTie(claim, now) ? [{ type: 'conflict', name: claim.name }] : [];
  }

  #hear(message: DnsMessage, sender: Sender): ResponderEffect[] {
    // RFC 6762 6: what comes from another port is not of multicast DNS.
    if (sender.port !== mdnsPort) return [];
    const records = [...message.answers, ...message.additionals];
    const heard = this.#heard(sender);
    const lost = new Set<Claim>();
    const contested = new Set<Claim>();
    for (const record of records) {
      const claim = this.#claims.get(nameKey(record.name));
      if (claim !== undefined && isConflict(record, claim, heard)) contested.add(claim);
    }
    for (const claim of contested) if (this.#claims.conflict(claim, sender.now)) lost.add(claim);
    this.#answers.heard(records, sender.now);
    return Array.from(lost, ({ name }) => ({ type: 'conflict', name }));
  }

  #heard({ from }: Sender): { zone: Zone; isOwn: (address: string) => boolean; from: string } {
    return { zone: this.#zone, isOwn: this.#deps.isOwn, from };
  }
}

/** The records of a set that end with it, or with their place in it. */
function retracted({ kind, type, records }: RecordSet, after: RecordSet | undefined): RecordSet['records'] {
  if (kind === 'common' || kind === 'negative') return [];
  if (after === undefined) return records;
  // A changed SRV or TXT takes the place of the old one (RFC 6762 8.4); an address may have gone without a successor.
  if (type !== recordTypes.A && type !== recordTypes.AAAA) return [];
  return records.filter(({ key }) => !after.records.some((other) => other.key === key));
}

function goodbye({ record }: OwnRecord): DnsRecord {
  return { ...record, ttl: 0 };
}

function byName(records: readonly DnsRecord[]): Map<string, DnsRecord[]> {
  const names = new Map<string, DnsRecord[]>();
  for (const record of records) {
    const key = nameKey(record.name);
    const others = names.get(key);
    if (others === undefined) names.set(key, [record]);
    else others.push(record);
  }
  return names;
}

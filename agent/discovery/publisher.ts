/**
 * What we announce, under which names: probes for each name before using it (RFC 6762 8.1), gives way in ties (8.2) and
 * conflicts (section 9) by a number behind the name, and at last by the device's id, which ends all strife.
 */
import { isDeepStrictEqual } from 'node:util';
import type { DeviceId } from '../../protocol/ids.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Instance, Question } from './bonjour-card.ts';
import type { OutRecord } from './bonjour-packets.ts';
import type { Announcement } from './discovery.ts';
import { compareSrv, instanceLabel, lastAttempt, type SrvData } from './instance-names.ts';
import { type MdnsRecord, type RawPacket, readRecords } from './mdns-records.ts';

const probeEveryMs = 250;
const probes = 3;
const tieWaitMs = 1_000;
const defendEveryMs = 1_000;

/** All cards in use as one. */
export interface Stage {
  publish(instance: Instance): void;
  withdraw(fqdn: string, goodbye: boolean): Promise<void>;
  announce(fqdn: string): void;
  query(questions: readonly Question[], authorities: readonly OutRecord[]): void;
}

interface PublisherDeps {
  readonly self: DeviceId;
  readonly hostName: string;
  readonly stage: Stage;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Ends every wait; nothing is said after it. */
  readonly signal: AbortSignal;
}

interface Publication {
  wanted: Announcement;
  attempt: number;
  state: 'probing' | 'established';
  /** What was heard while probing: the name is taken, or another probes for it and goes first. */
  heard: 'nothing' | 'taken' | 'tie';
  defended: number;
}

export class Publisher {
  readonly #deps: PublisherDeps;
  #publications: Publication[] = [];
  #queue: Promise<unknown> = Promise.resolve();

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
  }

  /** Resolves when everything is announced, after about a second where a name is new. */
  announce(services: readonly Announcement[]): Promise<void> {
    return this.#inTurn(async () => {
      const old = this.#publications;
      const kept = services.map((wanted) => ({ wanted, publication: old.find(sameAs(wanted)) }));
      const gone = old.filter((publication) => kept.every((pair) => pair.publication !== publication));
      await Promise.all(gone.map((publication) => this.#deps.stage.withdraw(this.#fqdn(publication), true)));
      this.#publications = kept.map(({ wanted, publication }) => publication ?? fresh(wanted));
      for (const { wanted, publication } of kept)
        if (publication !== undefined) await this.#change(publication, wanted);
      await Promise.all(this.#publications.filter(isProbing).map((publication) => this.#establish(publication)));
    });
  }

  announcedName(name: string): string {
    const publication = this.#publications.find(({ wanted }) => wanted.name === name);
    return publication === undefined ? name : this.#label(publication);
  }

  /** For a card that has just come: everything at once, and a question whether the names are free there too. */
  instances(): Instance[] {
    return this.#publications
      .filter(({ state }) => state === 'established')
      .map((publication) => this.#instance(publication));
  }

  probeAgain(): void {
    for (const publication of this.#publications) if (publication.state === 'established') this.#probe(publication);
  }

  heard(packet: RawPacket, kind: 'query' | 'response'): void {
    if (this.#deps.signal.aborted) return;
    const records = readRecords(
      kind === 'query' ? (packet.authorities ?? []) : [...(packet.answers ?? []), ...(packet.additionals ?? [])],
    );
    for (const publication of this.#publications) {
      const name = this.#fqdn(publication).toLowerCase();
      if (kind === 'query')
        this.#heardProbe(
          publication,
          records.filter((record) => record.name === name),
        );
      else for (const record of records) this.#heardRecord(publication, name, record);
    }
  }

  /** Another's probe for a name of ours matters only while we probe too: established names answer it by themselves. */
  #heardProbe(publication: Publication, records: readonly MdnsRecord[]): void {
    const srv = records.find((record) => record.type === 'SRV');
    if (srv === undefined || this.#isOurs(srv) || publication.state !== 'probing') return;
    // Ours proposes SRV alone. Records are compared by type first: a TXT (16) comes before our SRV (33), and loses.
    if (records.some(({ type }) => type === 'TXT')) return;
    if (compareSrv(this.#srv(publication), srv) < 0) publication.heard = 'tie';
  }

  #heardRecord(publication: Publication, name: string, record: MdnsRecord): void {
    if (record.ttl === 0) {
      // bonjour-service, losing our name, says goodbye for us: contradict it.
      if (record.type === 'PTR' && record.target === name) this.#defend(publication);
      return;
    }
    if (record.type !== 'SRV' || record.name !== name || this.#isOurs(record)) return;
    if (publication.state === 'probing') publication.heard = 'taken';
    else if (compareSrv(this.#srv(publication), record) > 0 || publication.attempt >= lastAttempt)
      this.#defend(publication);
    else this.#giveWay(publication);
  }

  #defend(publication: Publication): void {
    const now = this.#deps.clock.now();
    if (publication.state !== 'established' || now - publication.defended < defendEveryMs) return;
    publication.defended = now;
    this.#deps.stage.announce(this.#fqdn(publication));
  }

  /** Two links became one, or somebody did not probe. */
  #giveWay(publication: Publication): void {
    publication.state = 'probing';
    const old = this.#fqdn(publication);
    publication.attempt++;
    this.#inTurn(async () => {
      // Not a goodbye: the name is another's now.
      await this.#deps.stage.withdraw(old, false);
      if (this.#publications.includes(publication)) await this.#establish(publication);
    }).catch((error: unknown) => this.#deps.log.warn({ error }, 'A service cannot be announced under another name.'));
  }

  /** Same name, other port or text: said anew, without a goodbye that would make it flicker. */
  async #change(publication: Publication, wanted: Announcement): Promise<void> {
    const changed = !isDeepStrictEqual(publication.wanted, wanted);
    publication.wanted = wanted;
    if (!changed || publication.state !== 'established') return;
    await this.#deps.stage.withdraw(this.#fqdn(publication), false);
    this.#deps.stage.publish(this.#instance(publication));
  }

  async #establish(publication: Publication): Promise<void> {
    while (!this.#isFreeAmongOurs(publication)) publication.attempt++;
    await sleep(this.#deps.clock, probeEveryMs * this.#deps.random(), this.#deps.signal);
    while (!(await this.#isFree(publication))) {
      if (publication.heard === 'tie') await sleep(this.#deps.clock, tieWaitMs, this.#deps.signal);
      else publication.attempt++;
    }
    publication.state = 'established';
    if (publication.attempt > 1)
      this.#deps.log.info({ name: this.#label(publication) }, 'Announced under another name: the own one is taken.');
    this.#deps.stage.publish(this.#instance(publication));
  }

  async #isFree(publication: Publication): Promise<boolean> {
    publication.heard = 'nothing';
    for (let sent = 0; sent < probes; sent++) {
      this.#probe(publication);
      await sleep(this.#deps.clock, probeEveryMs, this.#deps.signal);
      if (publication.heard !== 'nothing') return publication.attempt >= lastAttempt;
    }
    return true;
  }

  #probe(publication: Publication): void {
    const name = this.#fqdn(publication);
    const data = { ...this.#srv(publication), priority: 0, weight: 0 };
    this.#deps.stage.query([{ name, type: 'ANY' }], [{ name, type: 'SRV', ttl: 120, data }]);
  }

  #isFreeAmongOurs(publication: Publication): boolean {
    const name = this.#fqdn(publication);
    return this.#publications.every((other) => other === publication || this.#fqdn(other) !== name);
  }

  #isOurs(record: { readonly target: string }): boolean {
    return record.target === this.#deps.hostName.toLowerCase();
  }

  #srv({ wanted }: Publication): SrvData {
    return { port: wanted.port, target: this.#deps.hostName };
  }

  #label({ wanted, attempt }: Publication): string {
    return instanceLabel(wanted.name, attempt, this.#deps.self);
  }

  #fqdn(publication: Publication): string {
    return `${this.#label(publication)}._${publication.wanted.type}._tcp.local`;
  }

  #instance(publication: Publication): Instance {
    const { type, subtypes, port, txt } = publication.wanted;
    return { label: this.#label(publication), type, subtypes, port, txt };
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(work, work).catch((error: unknown) => {
      // Ended in the middle of a wait: nothing is to be announced any more.
      if (!this.#deps.signal.aborted) throw error;
    });
    this.#queue = turn;
    return turn;
  }
}

function fresh(wanted: Announcement): Publication {
  return { wanted, attempt: 1, state: 'probing', heard: 'nothing', defended: -Infinity };
}

function isProbing({ state }: Publication): boolean {
  return state === 'probing';
}

function sameAs(wanted: Announcement): (publication: Publication) => boolean {
  return (publication) => publication.wanted.name === wanted.name && publication.wanted.type === wanted.type;
}

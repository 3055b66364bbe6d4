/**
 * bonjour-service on one network card, with its known faults kept inside: it never throws from a socket, hears only its
 * own link, tells only its own addresses, does not end a foreign name with a goodbye, and paces its answers.
 */
import { Bonjour, type Service } from 'bonjour-service';
import type { Clock } from '../base/clock.ts';
import { AnswerPace } from './answer-pace.ts';
import { corrected, hostRecords, type OutPacket, type OutRecord } from './bonjour-packets.ts';
import { type Card, linkTest } from './cards.ts';
import { cutToBytes } from './instance-names.ts';
import type { RawPacket, RawRecord } from './mdns-records.ts';

/** One instance of ours under the label it got. */
export interface Instance {
  readonly label: string;
  readonly type: string;
  readonly subtypes: readonly string[];
  readonly port: number;
  readonly txt: Readonly<Record<string, string>>;
}

export interface Question {
  readonly name: string;
  readonly type: string;
}

/** The part of multicast-dns that is used, through bonjour-service, which does not type it. */
interface MulticastDns {
  emit: (event: string, ...args: unknown[]) => boolean;
  on(event: 'error' | 'warning', listener: (error: Error) => void): void;
  on(event: 'networkInterface', listener: () => void): void;
  query(packet: object, sent: (error?: Error | null) => void): void;
  respond: (packet: OutPacket | OutRecord[], sent: (error?: Error | null) => void) => void;
}
interface Server {
  readonly mdns: MulticastDns;
  register(records: unknown): void;
}

interface CardDeps {
  readonly hostName: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** A query or response of this link; ours come back too. */
  readonly heard: (packet: RawPacket, kind: 'query' | 'response', source: string) => void;
  readonly failed: (error: NodeJS.ErrnoException) => void;
  /** The socket is bound and has joined the group. */
  readonly joined: () => void;
}

export class BonjourCard implements AsyncDisposable {
  readonly card: Card;
  readonly #deps: CardDeps;
  readonly #bonjour: Bonjour;
  readonly #server: Server;
  readonly #pace: AnswerPace;
  readonly #respond: MulticastDns['respond'];
  readonly #services = new Map<string, Service>();
  /** While an instance is taken back without a word. */
  #muted = false;
  #closed = false;

  constructor(card: Card, deps: CardDeps) {
    this.card = card;
    this.#deps = deps;
    this.#pace = new AnswerPace(deps);
    // The interface alone would bind to its address, which receives no multicast on Linux.
    const options = { interface: card.addresses[0]?.address, bind: '0.0.0.0' };
    this.#bonjour = new Bonjour(options as object, deps.failed);
    this.#server = (this.#bonjour as unknown as { server: Server }).server;
    const { mdns } = this.#server;
    this.#respond = mdns.respond.bind(mdns);
    mdns.on('error', deps.failed);
    mdns.on('warning', deps.failed);
    mdns.on('networkInterface', deps.joined);
    mdns.respond = (packet, sent) => this.#send(packet, sent);
    mdns.emit = this.#gate(mdns.emit.bind(mdns));
    this.#server.register(hostRecords(card, deps.hostName));
  }

  /** Announces it at once; whether the name is free is the caller's affair. */
  publish({ label, type, subtypes, port, txt }: Instance): void {
    // probe: bonjour-service's own says goodbye in the name of the rightful owner when it loses.
    const service = this.#bonjour.publish({
      name: label,
      type,
      port,
      txt: shortened(txt),
      subtypes: subtypes.map((subtype) => subtype.replace(/^_/, '')),
      host: this.#deps.hostName,
      probe: false,
    });
    this.#services.set(service.fqdn, service);
  }

  /** Takes it back, with a goodbye unless another now owns the name, or it is published anew at once. */
  withdraw(fqdn: string, goodbye: boolean): Promise<void> {
    const service = this.#services.get(fqdn);
    if (service === undefined) return Promise.resolve();
    this.#services.delete(fqdn);
    return new Promise((resolve) => {
      this.#muted = !goodbye;
      service.stop(() => resolve());
      this.#muted = false;
      // Stopping one service unregisters the records it shares with others: host, type, list of types.
      this.#server.register(hostRecords(this.card, this.#deps.hostName));
      for (const other of this.#services.values()) this.#server.register(other.records());
    });
  }

  /** Says again what one instance is. */
  announce(fqdn: string): void {
    const service = this.#services.get(fqdn);
    if (service !== undefined) this.#server.mdns.respond(service.records(), ignore);
  }

  query(questions: readonly Question[], known: readonly OutRecord[], authorities: readonly OutRecord[] = []): void {
    if (this.#closed) return;
    this.#server.mdns.query({ questions, answers: known, authorities }, (error) => {
      if (error) this.#deps.failed(error);
    });
  }

  /** The addresses that the card had before. */
  retract(old: Card): void {
    const gone = old.addresses.filter((was) => this.card.addresses.every(({ address }) => address !== was.address));
    const answers = hostRecords({ ...old, addresses: gone }, this.#deps.hostName, 0);
    if (answers.length > 0) this.#respond({ answers, additionals: [] }, this.#sent);
  }

  /** Without a word: the card, or its address, is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#pace[Symbol.dispose]();
    await new Promise<void>((resolve) => this.#bonjour.destroy(resolve));
  }

  /** Says goodbye for everything of ours, then closes. */
  async leave(): Promise<void> {
    await Promise.all(Array.from(this.#services.keys(), (fqdn) => this.withdraw(fqdn, true)));
    const answers = hostRecords(this.card, this.#deps.hostName, 0);
    await new Promise<void>((resolve) => this.#respond({ answers, additionals: [] }, () => resolve()));
    await this[Symbol.asyncDispose]();
  }

  /** Lets in what comes from this card's subnets: with several cards each socket hears them all (IP_MULTICAST_ALL). */
  #gate(emit: MulticastDns['emit']): MulticastDns['emit'] {
    const onCard = linkTest([this.card], []);
    return (event, ...args) => {
      if (event !== 'query' && event !== 'response') return emit(event, ...args);
      const [packet, sender] = args as [RawPacket, { address: string }];
      if (this.#closed || !onCard(sender.address)) return false;
      try {
        this.#deps.heard(packet, event, sender.address);
        if (event === 'query') this.#answer(packet, (questions) => emit(event, { ...packet, questions }, sender));
      } catch (error) {
        // A packet that trips us must not end the agent.
        this.#deps.failed(error as Error);
      }
      return true;
    };
  }

  #answer(packet: RawPacket, answer: (questions: readonly RawRecord[]) => void): void {
    const questions = packet.questions ?? [];
    const unique = questions.filter(({ type }) => type !== 'PTR');
    if (unique.length > 0) answer(unique);
    for (const question of questions) {
      if (question.type !== 'PTR' || typeof question.name !== 'string') continue;
      if (!this.#knows(packet, question.name.toLowerCase()))
        this.#pace.ask(question.name.toLowerCase(), () => answer([question]));
    }
  }

  /** Whether the asker has all our answers already, with half their life left (RFC 6762 7.1). */
  #knows({ answers = [] }: RawPacket, name: string): boolean {
    const known = new Set(
      answers
        .filter(({ type, ttl }) => type === 'PTR' && Number(ttl) >= 2_250)
        .map(({ data }) => String(data).toLowerCase()),
    );
    const ours = Array.from(this.#services.values()).filter(({ type }) => `${type}.local` === name);
    return ours.length > 0 && ours.every(({ fqdn }) => known.has(fqdn.toLowerCase()));
  }

  #send(packet: OutPacket | OutRecord[], sent: (error?: Error | null) => void): void {
    const whole = Array.isArray(packet) ? { answers: packet, additionals: [] } : packet;
    const packets = this.#muted ? [] : corrected(whole, this.card, this.#deps.hostName);
    const last = packets.pop();
    for (const earlier of packets) this.#respond(earlier, this.#sent);
    if (last === undefined) queueMicrotask(() => sent());
    else this.#respond(last, sent);
  }

  readonly #sent = (error?: Error | null): void => {
    if (error) this.#deps.failed(error);
  };
}

/** Failures of a repetition: the next one, or a card's change, mends them. */
function ignore(): void {}

/** A string of a TXT record has at most 255 bytes (RFC 6763 6.1); dns-packet would write a longer one as garbage. */
function shortened(txt: Instance['txt']): Record<string, string> {
  const entries = Object.entries(txt);
  return Object.fromEntries(entries.map(([key, value]) => [key, cutToBytes(value, 254 - Buffer.byteLength(key))]));
}

/**
 * One link (card and family): its socket, querier and responder, and the timer that both need. Decides nothing; what
 * comes in goes to both, what they want is done. A link lives on while its card changes address: only the socket is new.
 */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { LinkReport } from './discovery-report.ts';
import { decodeMessage } from './dns-decode.ts';
import { encodeMessage, splitMessage } from './dns-encode.ts';
import { nameKey, sameName } from './dns-name.ts';
import type { DnsMessage, DnsName, SendEffect } from './dns-types.ts';
import type { OwnPackets } from './engine-own-packets.ts';
import { withOwnAnswers } from './engine-records.ts';
import { LinkTraffic } from './engine-traffic.ts';
import type { LinkListener, LinkPlace, LinkSocket, OpenLink } from './link-socket.ts';
import { placeKey, senderTest } from './link-socket.ts';
import { Querier } from './querier.ts';
import type { FoundService, QuerierEffect } from './querier-types.ts';
import { Responder } from './responder.ts';
import type { OwnRecords, ResponderEffect } from './responder-types.ts';

export interface EngineLinkDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly open: OpenLink;
  readonly own: OwnPackets;
  /** Of any card of this PC. */
  readonly isOwn: (address: string) => boolean;
  /** Unicast to port 5353 reaches this link's socket and no other. */
  readonly mayUnicast: () => boolean;
  readonly isProtected: (instance: DnsName) => boolean;
  /** Announced by ourselves. */
  readonly isOwnInstance: (instance: DnsName) => boolean;
  readonly browse: DnsName;
  /** When the reason came to open it: the program was started, the card is up. */
  readonly began: number;
  /** `decodeMessage`, or one that remembers (many engines in one process read the same packet). */
  readonly decode?: ((bytes: Uint8Array) => DnsMessage) | undefined;
}

export interface EngineLinkListener {
  service(link: EngineLink, service: FoundService): void;
  gone(link: EngineLink, instance: DnsName): void;
  established(link: EngineLink, name: DnsName): void;
  conflict(link: EngineLink, name: DnsName): void;
  /** It works, or not: what to tell people. */
  state(link: EngineLink): void;
}

/** Below an Ethernet frame's 1,500 bytes less the headers of IPv6 and UDP. */
const packetBytes = 1_440;
/** A port that another holds, a card without a route yet. */
const retryMs = { least: 1_000, most: 30_000 } as const;

export class EngineLink implements AsyncDisposable {
  readonly key: string;
  readonly #deps: EngineLinkDeps;
  readonly #listener: EngineLinkListener;
  readonly #querier: Querier;
  readonly #responder: Responder;
  #place: LinkPlace;
  #onLink: (address: string) => boolean;
  #addresses: ReadonlySet<string>;
  #socket: LinkSocket;
  #open = false;
  #closed = false;
  readonly #established = new Set<string>();
  #browsing = false;
  #moved = false;
  #want: OwnRecords | undefined;
  #failure: NodeJS.ErrnoException | undefined;
  #timer: Disposable | undefined;
  #armedFor = Infinity;
  #retry: Disposable | undefined;
  #retries = 0;
  readonly #traffic = new LinkTraffic();

  constructor(place: LinkPlace, deps: EngineLinkDeps, listener: EngineLinkListener) {
    this.key = placeKey(place);
    this.#deps = deps;
    this.#listener = listener;
    this.#place = place;
    this.#onLink = senderTest(place);
    this.#addresses = addressesOf(place);
    const { random, isProtected, isOwnInstance } = deps;
    this.#querier = new Querier({ random, isProtected, isOwn: isOwnInstance });
    const onLink = (address: string): boolean => this.#onLink(address);
    this.#responder = new Responder({ ...deps, onLink, othersWith: (type) => this.#querier.instancesOf(type) });
    this.#socket = this.#openSocket();
  }

  get place(): LinkPlace {
    return this.#place;
  }

  /** Why it does not work. */
  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  get report(): LinkReport {
    const { card, family } = this.#place;
    const problem = this.#failure?.code ?? this.#failure?.message;
    return { card: card.name, family, works: this.#open, problem, ...this.#traffic.counts };
  }

  want(records: OwnRecords): void {
    this.#want = records;
    if (this.#open) this.#run(this.#responder.set(records, this.#now()));
  }

  reconfirm(instance: DnsName): void {
    if (this.#open) this.#run(this.#querier.reconfirm(instance, this.#now()));
  }

  /**
   * The card has other addresses, or the PC slept: memberships may be lost, and nothing that was heard is certain.
   * `moved`: it may be another network, where somebody else has our names.
   */
  renew(place: LinkPlace, moved: boolean): void {
    this.#retries = 0;
    this.#reopen(place, moved);
  }

  /** Says goodbye as far as that is possible, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    if (this.#open) this.#run(this.#responder.stop(this.#now()));
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    this.#retry?.[Symbol.dispose]();
    await this.#socket[Symbol.asyncDispose]();
  }

  #reopen(place: LinkPlace, moved: boolean): void {
    const old = this.#socket;
    this.#place = place;
    this.#onLink = senderTest(place);
    this.#addresses = addressesOf(place);
    this.#open = false;
    this.#moved ||= moved;
    this.#socket = this.#openSocket();
    void this.#end(old);
  }

  #openSocket(): LinkSocket {
    // A listener of a socket that was replaced meanwhile is not heard.
    const current: { socket?: LinkSocket } = {};
    const isCurrent = (): boolean => !this.#closed && (current.socket === undefined || current.socket === this.#socket);
    const listener: LinkListener = {
      ready: () => isCurrent() && this.#ready(),
      received: (bytes, from, port) => isCurrent() && this.#received(bytes, from, port),
      unsent: (error) => isCurrent() && this.#unsent(error),
      failed: (error) => isCurrent() && this.#failed(error),
    };
    current.socket = this.#deps.open(this.#place, listener);
    return current.socket;
  }

  #ready(): void {
    this.#open = true;
    this.#failure = undefined;
    this.#listener.state(this);
    const now = this.#now();
    const responder = this.#want === undefined ? [] : this.#responder.set(this.#want, now);
    const again = this.#moved ? this.#responder.wake(now) : [];
    this.#moved = false;
    const { browse, mayUnicast, began } = this.#deps;
    const asked = this.#browsing
      ? this.#querier.wake(now)
      : this.#querier.browse(browse, now, { mayUnicast: mayUnicast(), began });
    this.#browsing = true;
    this.#run([...responder, ...again, ...asked]);
  }

  #received(bytes: Uint8Array, from: string, port: number): void {
    const now = this.#now();
    if (this.#deps.isOwn(from)) {
      this.#traffic.own(bytes.byteLength);
      if (this.#deps.own.isEcho(bytes, from, this.key, now)) return;
    } else this.#traffic.received(bytes.byteLength, this.#deps.clock.wall());
    const message = this.#read(bytes);
    // RFC 6762 section 6: an answer from another port than 5353 is not one of multicast DNS.
    if (message === undefined || (message.response && port !== 5353)) return;
    const packet = { message, from, port, now };
    this.#run([...this.#querier.receive(packet), ...this.#responder.receive(packet)]);
  }

  #read(bytes: Uint8Array): DnsMessage | undefined {
    try {
      return (this.#deps.decode ?? decodeMessage)(bytes);
    } catch {
      // Anybody may send anything to the group; what is no DNS message says nothing.
      return undefined;
    }
  }

  #run(effects: readonly (QuerierEffect | ResponderEffect)[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#send(effect);
          break;
        case 'service':
          this.#listener.service(this, effect.service);
          break;
        case 'gone':
          this.#listener.gone(this, effect.instance);
          break;
        case 'established':
          this.#established.add(nameKey(effect.name));
          this.#listener.established(this, effect.name);
          break;
        case 'conflict':
          this.#established.delete(nameKey(effect.name));
          this.#listener.conflict(this, effect.name);
          break;
      }
    }
    this.#arm();
  }

  #send({ message, to }: SendEffect): void {
    const whole = withOwnAnswers(message, this.#deps.browse, this.#ownAnswers());
    for (const part of splitMessage(whole, packetBytes)) {
      const bytes = encodeMessage(part);
      this.#traffic.sent(bytes.byteLength);
      if (to === undefined) this.#deps.own.sent(bytes, this.#addresses, this.#now());
      this.#socket.send(bytes, to);
    }
  }

  /** Of the browsed type, and probed. */
  #ownAnswers(): DnsName[] {
    const instances = (this.#want?.services ?? []).map(({ instance }) => instance);
    return instances.filter(
      (instance) => sameName(instance.slice(1), this.#deps.browse) && this.#established.has(nameKey(instance)),
    );
  }

  #arm(): void {
    if (this.#closed || !this.#open) return;
    const next = Math.min(this.#querier.nextAt(), this.#responder.nextAt());
    // One that is due too early does no harm, and most packets move nothing.
    if (next >= this.#armedFor) return;
    this.#timer?.[Symbol.dispose]();
    this.#armedFor = next;
    this.#timer = this.#deps.clock.timer(Math.max(0, next - this.#now()), () => {
      this.#armedFor = Infinity;
      if (this.#closed || !this.#open) return;
      const now = this.#now();
      this.#run([...this.#querier.tick(now), ...this.#responder.tick(now)]);
    });
  }

  /** What was probed or announced meanwhile was heard by nobody: it begins anew. */
  #unsent(error: NodeJS.ErrnoException): void {
    this.#deps.log.debug({ link: this.key, error }, 'A packet could not be sent.');
    this.#again(() => {
      if (!this.#open) return;
      const now = this.#now();
      this.#run([...this.#responder.wake(now), ...this.#querier.wake(now)]);
    });
  }

  #failed(error: NodeJS.ErrnoException): void {
    const isNew = this.#failure?.code !== error.code;
    this.#failure = error;
    this.#open = false;
    if (isNew) this.#deps.log.warn({ link: this.key, error }, 'A link of discovery does not work.');
    this.#listener.state(this);
    this.#again(() => this.#reopen(this.#place, false));
  }

  #again(act: () => void): void {
    if (this.#retry !== undefined || this.#closed) return;
    const wait = Math.min(retryMs.least * 2 ** this.#retries++, retryMs.most);
    this.#retry = this.#deps.clock.timer(wait, () => {
      this.#retry = undefined;
      if (!this.#closed) act();
    });
  }

  async #end(socket: LinkSocket): Promise<void> {
    try {
      await socket[Symbol.asyncDispose]();
    } catch (error) {
      this.#deps.log.warn({ link: this.key, error }, 'A socket of discovery did not close.');
    }
  }

  #now(): number {
    return this.#deps.clock.now();
  }
}

function addressesOf({ card }: LinkPlace): ReadonlySet<string> {
  return new Set(card.addresses.map(({ address }) => address));
}

/**
 * An independent look at who announces an agent here, by another implementation: bonjour-service, one browser a card,
 * for a few seconds. It shares neither code nor cache with our own engine, so that what both see is surely there.
 *
 * Its known faults stay in this file: the default error callback and an unheard `error` event end the process; the list
 * of a browser grows without end; with several cards each socket hears all of them; a name is cut at its first dot; an
 * address that comes later is never taken up (hence a fresh browser for each round); it asks once.
 */
import { isIP } from 'node:net';
import { Bonjour, type Browser, type Service } from 'bonjour-service';
import { agentServiceType } from '../../protocol/dns-sd.ts';
import { DeviceId } from '../../protocol/ids.ts';
import { type Clock, sleep } from '../base/clock.ts';
import { type Card, linkTest } from './cards.ts';

export interface SecondOpinionDeps {
  readonly cards: readonly Card[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** It cannot look on this card. */
  readonly failed: (card: string, error: NodeJS.ErrnoException) => void;
}

/** An agent's instance, as seen on one card. */
export interface SeenInstance {
  readonly card: string;
  readonly instance: string;
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
  readonly id?: DeviceId;
}

const suffix = `._${agentServiceType.name}._${agentServiceType.protocol}.local`;
/** An office has fewer; a flood has more, and each packet walks through the whole list. */
const mostInstances = 1_000;
const mostAddresses = 32;
const longestName = 255;
/** The second asks those whose answer to the first was lost, or held back (RFC 6762 section 6: one multicast a second). */
const rounds = 2;

/** Waits `ms`, then gives all that was seen. @throws the signal's reason */
export async function browseOnce(deps: SecondOpinionDeps, ms: number): Promise<SeenInstance[]> {
  const looks = deps.cards.map((card) => new CardLook(card, (error) => deps.failed(card.name, error)));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const look of looks) look.ask();
      await sleep(deps.clock, ms / rounds, deps.signal);
    }
    return looks.flatMap((look) => look.seen());
  } finally {
    await Promise.all(looks.map((look) => look[Symbol.asyncDispose]()));
  }
}

class CardLook implements AsyncDisposable {
  readonly #card: Card;
  readonly #bonjour: Bonjour;
  readonly #browsers: Browser[] = [];

  constructor(card: Card, failed: (error: NodeJS.ErrnoException) => void) {
    this.#card = card;
    let told = false;
    const failedOnce = (error: NodeJS.ErrnoException): void => {
      if (!told) failed(error);
      told = true;
    };
    this.#bonjour = new Bonjour(socketOptions(card), failedOnce);
    // The emitter of multicast-dns below, which bonjour-service does not type.
    const { mdns } = (this.#bonjour as unknown as { server: { mdns: NodeJS.EventEmitter } }).server;
    mdns.emit = gated(mdns.emit.bind(mdns), linkTest([card], []));
    mdns.on('error', failedOnce);
    mdns.on('warning', (error: NodeJS.ErrnoException) => {
      // A packet that cannot be decoded is a warning too, and says nothing about the card.
      if (error.syscall !== undefined) failedOnce(error);
    });
  }

  ask(): void {
    const browser = this.#bonjour.find({ type: agentServiceType.name });
    browser.on('up', () => {
      if (browser.services.length >= mostInstances) browser.stop();
    });
    this.#browsers.push(browser);
  }

  seen(): SeenInstance[] {
    const found = new Map<string, SeenInstance>();
    for (const service of this.#browsers.flatMap((browser) => browser.services)) {
      const read = readService(this.#card.name, service);
      if (read === undefined) continue;
      const addresses = new Set([...(found.get(read.instance)?.addresses ?? []), ...read.addresses]);
      found.set(read.instance, { ...read, addresses: Array.from(addresses).slice(0, mostAddresses) });
    }
    return Array.from(found.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const browser of this.#browsers) browser.stop();
    await new Promise<void>((resolve) => this.#bonjour.destroy(resolve));
  }
}

/** IPv4 where the card has it; bound to any address, because one that is bound to the card's own receives no multicast. */
function socketOptions({ addresses, name }: Card): object {
  const ipv4 = addresses.find(({ family }) => family === 4);
  if (ipv4 !== undefined) return { interface: ipv4.address, bind: '0.0.0.0' };
  const zone = addresses.find((address) => address.zone !== undefined)?.zone ?? name;
  return { type: 'udp6', ip: 'ff02::fb', interface: `::%${zone}`, bind: '::' };
}

type Emit = NodeJS.EventEmitter['emit'];

/** Lets in the answers of this card's link; questions are not for us. A packet that trips the browser must not end the agent. */
function gated(emit: Emit, onLink: (address: string) => boolean): Emit {
  return (event, ...args: unknown[]) => {
    if (event === 'query' || event === 'packet') return false;
    if (event !== 'response') return emit(event, ...args);
    if (!onLink((args[1] as { readonly address: string }).address)) return false;
    try {
      return emit(event, ...args);
    } catch {
      // One bad packet is no news: anybody may send them.
      return true;
    }
  };
}

/** Nothing where it is not what an honest agent announces. */
function readService(card: string, { fqdn, host, port, addresses = [], txt }: Service): SeenInstance | undefined {
  if (!fqdn.toLowerCase().endsWith(suffix) || fqdn.length > longestName) return undefined;
  if (typeof host !== 'string' || host.length > longestName || !Number.isInteger(port)) return undefined;
  const instance = fqdn.slice(0, -suffix.length);
  const id = DeviceId.safeParse((txt as { readonly id?: unknown } | undefined)?.id);
  const plain = addresses.filter((address) => isIP(address) !== 0).slice(0, mostAddresses);
  return { card, instance, host, port, addresses: plain, ...(id.success ? { id: id.data } : {}) };
}

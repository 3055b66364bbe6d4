/** What the engine wants of a link: one network card and one address family, where packets of multicast DNS go out and come in. */
import { type Card, isLinkLocal, linkTest } from './cards.ts';

export interface LinkPlace {
  readonly card: Card;
  readonly family: 4 | 6;
}

export interface LinkListener {
  /** The group is joined: from now on packets go both ways. */
  ready(): void;
  /** From this link; ours come back too. `from` is without zone. */
  received(bytes: Uint8Array, from: string, port: number): void;
  /** A packet did not leave: the network is gone for a moment, or not yet there. */
  unsent(error: NodeJS.ErrnoException): void;
  /** Nothing will come: another program keeps the port for itself, or the card has no such family. */
  failed(error: NodeJS.ErrnoException): void;
}

export interface LinkSocket extends AsyncDisposable {
  /** To the group, or to one address of this link. Never throws; before `ready` it does nothing. */
  send(bytes: Uint8Array, to?: { readonly address: string; readonly port: number }): void;
}

export type OpenLink = (place: LinkPlace, listener: LinkListener) => LinkSocket;

/** Those of the links on which this PC speaks: a card for each family that it has an address of. */
export function placesOf(cards: readonly Card[]): LinkPlace[] {
  return cards.flatMap((card) => {
    const has4 = card.addresses.some(({ family }) => family === 4);
    // Loopback's IPv6 has no multicast route on most systems, and whoever is there has IPv4 too.
    const has6 = card.addresses.some(({ family }) => family === 6) && !(card.loopback && has4);
    const families: (4 | 6)[] = [...(has4 ? ([4] as const) : []), ...(has6 ? ([6] as const) : [])];
    return families.map((family) => ({ card, family }));
  });
}

export function placeKey({ card, family }: LinkPlace): string {
  return `${card.name} ${family}`;
}

/**
 * Whether a sender is on this card's link (RFC 6762 section 11): with several cards each socket hears the packets of
 * all of them (IP_MULTICAST_ALL on Linux). `address` may have a zone.
 */
export function senderTest({ card }: LinkPlace): (address: string) => boolean {
  const onLink = remembered(linkTest([card], []));
  const zones = new Set(card.addresses.map(({ zone }) => zone ?? card.name));
  return (sender) => {
    const [address = '', zone] = sender.split('%');
    if (isLinkLocal(address)) return zone === undefined || zones.has(zone);
    if (address.startsWith('127.') || address === '::1') return card.loopback || isOwn(card, address);
    return onLink(address);
  };
}

function isOwn(card: Card, address: string): boolean {
  return card.addresses.some((own) => own.address === address);
}

const mostRemembered = 1_000;

/** The same few hundred senders come again and again. */
function remembered(test: (address: string) => boolean): (address: string) => boolean {
  const known = new Map<string, boolean>();
  return (address) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    if (known.size >= mostRemembered) known.clear();
    const answer = test(address);
    known.set(address, answer);
    return answer;
  };
}

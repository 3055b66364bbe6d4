/**
 * Which network cards are used, and who counts as on-link. Pure: the list of the operating system goes in. Virtual
 * cards, tunnels and bridges of containers are left alone (what is announced there comes back as conflicts, or leaves
 * the office); `lan.use` and `lan.ignore` overrule every rule. Loopback serves only where nothing else is left.
 */
import { BlockList, isIP } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';

interface CardAddress {
  readonly address: string;
  readonly family: 4 | 6;
  /** Bits of the subnet. */
  readonly prefix: number;
  /** Of a link-local IPv6 address, as this system's sockets want it: the card's name, on Windows its number. */
  readonly zone?: string | undefined;
}

export interface Card {
  readonly name: string;
  readonly loopback: boolean;
  /** IPv4 first. */
  readonly addresses: readonly CardAddress[];
}

/** `lan` of the configuration. */
export interface CardRules {
  readonly use: readonly string[];
  readonly ignore: readonly string[];
  /** Prefixes that count as on-link beside the cards' own subnets. */
  readonly networks: readonly string[];
}

export type SystemCards = NodeJS.Dict<readonly NetworkInterfaceInfo[]>;

const virtualNames = [
  // Containers and virtual machines on Linux and macOS. A veth pair renamed to eth0 is a real card for its owner.
  /^(docker|podman|veth|virbr|vmnet|vboxnet|vnet|lxcbr|lxdbr|cni|flannel|cali|kube|dummy|ifb|macvtap)[\w.-]*$/,
  /^br-[0-9a-f]{12}$/,
  // Apple's peer-to-peer links and the bridge of its internet sharing.
  /^(awdl|llw|anpi|ap|p2p)\d+$/,
  /^bridge1\d\d$/,
  // Windows: switches of Hyper-V and WSL that lead nowhere; an external switch has the LAN's address and is used.
  /^vEthernet \((Default Switch|WSL.*|nat|.*Docker.*)\)$/i,
  /^(VirtualBox Host-Only|VMware Network Adapter)/i,
];
const tunnelNames = [/^(tun|tap|ppp|wg|utun|ipsec|gif|stf|tailscale|zt|nordlynx|sit|gre|teredo|isatap)[\w-]*$/i];
/** Host-only adapters of VirtualBox and VMware, whatever Windows calls them. */
const virtualMacs = /^(0a:00:27|00:50:56:c0)/i;
const noMac = '00:00:00:00:00:00';

/** Why a card is used, or left alone. */
export type CardVerdict =
  | 'ordinary'
  /** Named in `lan.use`. */
  | 'wanted'
  /** Loopback, and nothing else is left. */
  | 'last-resort'
  /** Named in `lan.ignore`. */
  | 'ignored'
  | 'no-address'
  | 'loopback'
  | 'virtual'
  | 'tunnel'
  | 'no-hardware'
  | 'point-to-point';

export interface JudgedCard {
  readonly card: Card;
  readonly used: boolean;
  readonly verdict: CardVerdict;
}

export function chooseCards(system: SystemCards, rules: CardRules, platform: NodeJS.Platform): Card[] {
  return judgeCards(system, rules, platform).flatMap(({ card, used }) => (used ? [card] : []));
}

/** Every card of the system, each with the reason why it is used or not. */
export function judgeCards(system: SystemCards, rules: CardRules, platform: NodeJS.Platform): JudgedCard[] {
  const all = Object.entries(system).map(([name, infos = []]) => {
    const card = cardOf(name, infos, platform);
    return { card, verdict: verdictOn(card, infos, rules) };
  });
  const othersServe = all.some(({ verdict }) => verdict === 'ordinary' || verdict === 'wanted');
  return all.map(({ card, verdict }) =>
    verdict === 'loopback' && !othersServe ? judged(card, 'last-resort') : judged(card, verdict),
  );
}

const usable: ReadonlySet<CardVerdict> = new Set(['ordinary', 'wanted', 'last-resort']);

function judged(card: Card, verdict: CardVerdict): JudgedCard {
  return { card, used: usable.has(verdict), verdict };
}

function verdictOn(card: Card, infos: readonly NetworkInterfaceInfo[], rules: CardRules): CardVerdict {
  if (rules.ignore.includes(card.name)) return 'ignored';
  if (card.addresses.length === 0) return 'no-address';
  if (rules.use.includes(card.name)) return 'wanted';
  return card.loopback ? 'loopback' : rankOf(card.name, infos);
}

function cardOf(name: string, infos: readonly NetworkInterfaceInfo[], platform: NodeJS.Platform): Card {
  const addresses = infos.map((info): CardAddress => {
    const prefix = Number(info.cidr?.split('/')[1] ?? (info.family === 'IPv4' ? 32 : 128));
    if (info.family === 'IPv4') return { address: info.address, family: 4, prefix };
    if (!isLinkLocal(info.address)) return { address: info.address, family: 6, prefix };
    const zone = platform === 'win32' ? String(info.scopeid) : name;
    return { address: info.address, family: 6, prefix, zone };
  });
  return {
    name,
    loopback: infos.some((info) => info.internal),
    addresses: addresses.toSorted((a, b) => a.family - b.family || (a.address < b.address ? -1 : 1)),
  };
}

function rankOf(name: string, infos: readonly NetworkInterfaceInfo[]): CardVerdict {
  if (virtualNames.some((pattern) => pattern.test(name))) return 'virtual';
  if (tunnelNames.some((pattern) => pattern.test(name))) return 'tunnel';
  if (infos.some(({ mac }) => virtualMacs.test(mac))) return 'virtual';
  if (infos.some(({ mac }) => mac === noMac)) return 'no-hardware';
  // A subnet of one or two addresses is a line to one other machine, not an office.
  const ipv4 = infos.filter(({ family }) => family === 'IPv4');
  const isOffice = ipv4.length === 0 || ipv4.some(({ cidr }) => Number(cidr?.split('/')[1]) < 31);
  return isOffice ? 'ordinary' : 'point-to-point';
}

/** `fe80::/10` (RFC 4291 2.5.6), without zone. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address);
}

interface Network {
  readonly address: string;
  readonly family: 4 | 6;
  readonly prefix: number;
}

/** `10.20.0.0/16`; nothing where it is no prefix. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', bits = ''] = /^([^/%]+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = isIP(address);
  const prefix = Number(bits);
  if ((family !== 4 && family !== 6) || prefix > (family === 4 ? 32 : 128)) return undefined;
  return { address, family, prefix };
}

/** An IPv4 address that came in over an IPv6 socket, as IPv4; anything else as it is. */
export function unmapped(address: string): string {
  const dotted = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (dotted !== undefined) return dotted;
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address) ?? [];
  if (high === undefined || low === undefined) return address;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
}

/** Who is on-link: this PC, the subnets of the cards in use, their link-local neighbours, and `networks`. */
export function linkTest(cards: readonly Card[], networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  list.addSubnet('127.0.0.0', 8, 'ipv4');
  list.addAddress('::1', 'ipv6');
  const own: Network[] = cards.flatMap((card) => card.addresses);
  const added = networks.map(parseNetwork).filter((network) => network !== undefined);
  for (const { address, prefix, family } of [...own, ...added])
    if (!isLinkLocal(address)) list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  const zones = new Set(cards.flatMap((card) => [card.name, ...card.addresses.map(({ zone }) => zone ?? card.name)]));
  return (text) => {
    const [address = '', zone] = unmapped(text).split('%');
    const family = isIP(address);
    if (family === 0) return false;
    if (isLinkLocal(address)) return zone === undefined || zones.has(zone);
    return list.check(address, family === 4 ? 'ipv4' : 'ipv6');
  };
}

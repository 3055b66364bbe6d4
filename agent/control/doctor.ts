/** Gathers what the parts know about the network around, for some seconds, and lets the diagnosis say what it means. */
import type {
  DoctorCard,
  DoctorFacts,
  DoctorLink,
  DoctorNeighbour,
  DoctorReport,
  DoctorSighting,
} from '../../protocol/doctor.ts';
import { type DeviceId, DisplayName, shortId } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import { Scope } from '../base/scope.ts';
import type { Card, CardVerdict, JudgedCard } from '../discovery/cards.ts';
import type { Sighting } from '../discovery/discovery.ts';
import type { LinkReport, Reporting } from '../discovery/discovery-report.ts';
import type { PortUsers } from '../discovery/port-users.ts';
import type { SecondOpinionDeps, SeenInstance } from '../discovery/second-opinion.ts';
import type { MergedSources } from '../discovery/sources.ts';
import type { Neighbour, Neighbours } from '../peers/neighbours.ts';
import { addressText } from '../peers/peer-address.ts';
import { isoTime } from './views.ts';

export interface DoctorDeps {
  readonly clock: Clock;
  readonly device: { readonly id: DeviceId; readonly name: () => string };
  readonly peersPort: number;
  readonly cards: () => readonly JudgedCard[];
  readonly discovery: Reporting;
  readonly sources: Pick<MergedSources, 'sightings'>;
  readonly neighbours: Pick<Neighbours, 'list'>;
  readonly browse: (deps: SecondOpinionDeps, ms: number) => Promise<SeenInstance[]>;
  readonly portUsers: () => Promise<PortUsers>;
}

export interface Doctor extends AsyncDisposable {
  /** Takes about 3 s; who asks meanwhile gets the same answer. @throws the signal's reason, for this asker alone */
  examine(signal: AbortSignal): Promise<DoctorReport>;
}

const lookMs = 3_000;
const mostListed = 1_000;
const longestText = 4_096;

export function createDoctor(deps: DoctorDeps): Doctor {
  const scope = new Scope();
  let running: Promise<DoctorReport> | undefined;
  return {
    examine(signal) {
      running ??= examine(deps, scope.signal).finally(() => {
        running = undefined;
      });
      return unlessAborted(running, signal);
    },
    [Symbol.asyncDispose]: async () => {
      await scope[Symbol.asyncDispose]();
      // Whoever asked is told how it ended; here only its sockets matter.
      await running?.catch(() => undefined);
    },
  };
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const left = (): void => reject(signal.reason as Error);
    if (signal.aborted) left();
    signal.addEventListener('abort', left, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', left));
  });
}

async function examine(deps: DoctorDeps, signal: AbortSignal): Promise<DoctorReport> {
  const { clock, device } = deps;
  const began = { at: clock.now(), wall: clock.wall() };
  const cards = deps.cards();
  const used = cards.flatMap((one): Card[] => (one.used ? [one.card] : []));
  const failures: { card: string; code: string }[] = [];
  const failed = (card: string, error: NodeJS.ErrnoException): void =>
    void failures.push({ card, code: error.code ?? error.message.slice(0, 200) });
  const [seen, port5353] = await Promise.all([
    deps.browse({ cards: used, clock, signal, failed }, lookMs),
    deps.portUsers(),
  ]);
  const { links, hostName, announced } = deps.discovery.report();
  const byMulticast = deps.sources.sightings().get('mdns') ?? [];
  const heard = new Set(byMulticast.map(({ id }) => id));
  const facts: DoctorFacts = {
    began: isoTime(began.wall),
    seconds: Math.round(clock.now() - began.at) / 1_000,
    device: { id: device.id, name: displayName(device.name(), device.id) },
    peersPort: deps.peersPort,
    hostName,
    announced: announced.map(({ wanted, name, type, port }) => ({ wanted, name, type, port })),
    port5353,
    cards: cards.map(cardView),
    packets: links.map(linkView),
    neighbours: deps.neighbours
      .list()
      .slice(0, mostListed)
      .map((neighbour) => neighbourView(neighbour, heard)),
    sightings: byMulticast.slice(0, mostListed).map(sightingView),
    secondOpinion: { sightings: seen.map(seenView), failures },
  };
  const { diagnose } = await import('../discovery/diagnosis.ts');
  return { ...facts, findings: diagnose(facts) };
}

const reasons: Readonly<Record<CardVerdict, string>> = {
  ordinary: 'an ordinary card of a network',
  wanted: 'named in lan.use of config.json',
  'last-resort': 'nothing but loopback is left',
  ignored: 'named in lan.ignore of config.json',
  'no-address': 'has no address: not connected, or not configured',
  loopback: 'loopback: leads nowhere but to this PC',
  virtual: 'belongs to containers or virtual machines',
  tunnel: 'a tunnel or VPN',
  'no-hardware': 'has no hardware address, as tunnels and virtual cards',
  'point-to-point': 'a line to one other machine, not a network',
};

function cardView({ card, used, verdict }: JudgedCard): DoctorCard {
  const addresses = card.addresses.map(({ address, zone, prefix }) => `${addressText({ address, zone })}/${prefix}`);
  return { name: card.name, addresses, loopback: card.loopback, used, reason: reasons[verdict] };
}

function linkView({ card, family, works, sent, received, own, lastReceivedAt, problem }: LinkReport): DoctorLink {
  return {
    card,
    family,
    works,
    sent: sent.packets,
    received: received.packets,
    own: own.packets,
    lastReceived: lastReceivedAt === undefined ? null : isoTime(lastReceivedAt),
    problem: problem ?? null,
  };
}

function neighbourView(neighbour: Neighbour, heard: ReadonlySet<DeviceId>): DoctorNeighbour {
  const { id, name, state, trust, addresses, port, problem } = neighbour;
  return {
    id,
    name: displayName(name, id),
    state,
    multicast: heard.has(id),
    blocked: trust === 'blocked',
    addresses: addresses.map(addressText),
    port,
    problem: problem?.slice(0, longestText) ?? null,
  };
}

function sightingView({ id, name, port, addresses }: Sighting): DoctorSighting {
  return { id, card: null, name: name.slice(0, longestText), host: null, port, addresses: addresses.map(addressText) };
}

function seenView({ card, instance, host, port, addresses, id }: SeenInstance): DoctorSighting {
  return { id: id ?? null, card, name: instance, host, port, addresses: [...addresses] };
}

/** A rumour may call itself anything. */
function displayName(name: string, id: DeviceId): string {
  const result = DisplayName.safeParse(name);
  return result.success ? result.data : DisplayName.parse(shortId(id));
}

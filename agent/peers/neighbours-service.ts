/** What the parts above ask of neighbours, and what users do with them. */
import { mkdir } from 'node:fs/promises';
import type { Agent as HttpAgent } from 'node:http';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type DeviceId, shortId } from '../../protocol/ids.ts';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import {
  changesSomething,
  closeCodes,
  deadlines,
  type FolderEvent,
  type JobEvent,
  type PeerRequestType,
  type PeerResult,
} from '../../protocol/peer.ts';
import { Scope } from '../base/scope.ts';
import type { Address, Discovery } from '../discovery/discovery.ts';
import { Neighbourhood, type NeighbourhoodDeps } from './neighbourhood.ts';
import { loadNeighbours, NeighboursFile } from './neighbours-file.ts';
import { lookUpHost, type LookUp } from './neighbours-lookup.ts';
import type { Neighbour, Neighbours, PeerAsk } from './neighbours.ts';
import { findNeighbour, noNeighbour } from './neighbours-view.ts';
import { shownAddress } from './host-header.ts';
import type { IsOwn } from './own-addresses.ts';
import { hostHeader, parseHostAndPort } from './peer-address.ts';
import { createPeerHttpAgent, type PeerHttpAgent } from './peer-http-agent.ts';
import type { PeerSocket } from './peer-socket.ts';
import type { Candidate } from './peer-table.ts';
import type { PeerTls } from './peer-tls.ts';
import { race } from './race.ts';
import { SessionOpener, type SessionOpenerDeps } from './session-opener.ts';
import type { Session } from './session.ts';
import { waitForSession } from './session-wait.ts';
import { watchWaking } from './wake-watch.ts';

export interface NeighboursDeps extends SessionOpenerDeps, Omit<NeighbourhoodDeps, 'open' | 'discovery' | 'lookUp'> {
  readonly discovery: Pick<Discovery, 'events' | 'reconfirm'>;
  readonly tls: PeerTls;
  /** Holds `neighbours.json`. */
  readonly stateFolder: string;
  /** Default: the system's resolver. */
  readonly lookUp?: LookUp | undefined;
}

export interface NeighboursService extends Neighbours, AsyncDisposable {
  /** `host`, `host:port`, `[IPv6%card]:port`: kept when a session with whoever is there stands. @throws `usage`, `unreachable`, `timeout` */
  addByHand(address: string): Promise<Neighbour>;
  /** It comes back when it is seen anew or calls. @throws `not-found` */
  forget(id: DeviceId): Promise<void>;
  /** Every session is told our new name. */
  rename(name: string): void;
  /** What we think of it is another matter now: a block ends its session at once. */
  trustChanged(id: DeviceId): void;
  /** Our addresses changed: connections from those that are gone end, and are made again from what is there now. */
  readdressed(isOwn: IsOwn): void;
}

/** Dials the neighbours that were known, and begins to listen. @throws what the disk fails with */
export async function createNeighbours(deps: NeighboursDeps): Promise<NeighboursService> {
  await mkdir(deps.stateFolder, { recursive: true, mode: 0o700 });
  const path = join(deps.stateFolder, 'neighbours.json');
  const known = await loadNeighbours(path, deps.log);
  return new Service(deps, path, known);
}

class Service implements NeighboursService {
  readonly #deps: NeighboursDeps;
  readonly #scope = new Scope();
  readonly #opener: SessionOpener;
  readonly #hood: Neighbourhood;
  readonly #file: NeighboursFile;
  readonly #lookUp: LookUp;
  readonly #agents = new Map<DeviceId, PeerHttpAgent>();

  constructor(deps: NeighboursDeps, path: string, known: ConstructorParameters<typeof Neighbourhood>[1]) {
    this.#deps = deps;
    this.#lookUp = deps.lookUp ?? lookUpHost;
    const { clock, log, discovery, transport } = deps;
    this.#opener = new SessionOpener(deps);
    const open = (socket: PeerSocket): Session => this.#opener.open(socket, this.#hood.get(socket.id)?.name);
    this.#hood = new Neighbourhood({ ...deps, open, lookUp: this.#lookUp }, known);
    this.#file = this.#scope.use(new NeighboursFile({ path, clock, log, records: () => this.#hood.table.all() }));
    this.#scope.use(this.#hood);
    const { sessions } = this.#hood;
    this.#scope.use(sessions.events.on('ready', (session, _, old) => this.#sessionReady(session, old)));
    this.#scope.use(sessions.events.on('lost', ({ id }, { code }) => this.#sessionLost(id, code)));
    this.#scope.use(discovery.events.on('seen', (sighting) => this.#hood.seen(sighting)));
    this.#scope.use(discovery.events.on('lost', (id) => this.#hood.unseen(id)));
    this.#scope.use(transport.events.on('incoming', (socket) => void this.#hood.adopt(socket)));
    this.#scope.use(watchWaking(clock, () => this.#hood.woke()));
    this.#scope.defer(() => this.#agents.forEach((agent) => agent[Symbol.dispose]()));
    this.#hood.start();
  }

  get events(): Neighbours['events'] {
    return this.#hood.events;
  }

  list(): readonly Neighbour[] {
    return this.#hood.list();
  }

  get(id: DeviceId): Neighbour | undefined {
    return this.#hood.get(id);
  }

  find(text: string): Neighbour {
    return findNeighbour(this.list(), text);
  }

  async request<T extends PeerRequestType>(
    id: DeviceId,
    type: T,
    ask: PeerAsk<T>,
    signal?: AbortSignal,
  ): Promise<PeerResult<T>> {
    for (;;) {
      const session = await this.#session(id, signal);
      this.#hood.used(id);
      try {
        return await session.request(type, ask, signal);
      } catch (error) {
        // Two dials crossed and the other session stayed: what only reads can be asked again.
        const crossed = hasCode(error, 'interrupted') && session.end?.code === closeCodes.replaced;
        if (!crossed || changesSomething(type)) throw error;
      }
    }
  }

  httpAgent(id: DeviceId): HttpAgent {
    const known = this.#agents.get(id);
    if (known !== undefined) return known;
    const { clock, tls } = this.#deps;
    const agent = createPeerHttpAgent(async (signal) => {
      const ways = await this.#hood.candidates(id);
      if (ways.length === 0) throw noNeighbour(id);
      const attempt = (way: Candidate, lost: AbortSignal): ReturnType<PeerTls['connectTls']> =>
        tls.connectTls(id, way, way.port, lost);
      const racing = race({ ways, clock, signal, attempt, discard: (socket) => void socket.destroy() });
      const { prize } = await racing.catch(named(this.#hood.get(id)?.name ?? shortId(id)));
      return prize;
    });
    this.#agents.set(id, agent);
    return agent;
  }

  httpHost(id: DeviceId): string {
    const neighbour = this.#hood.get(id);
    const address = neighbour?.addresses[0];
    if (neighbour === undefined) throw noNeighbour(id);
    if (address === undefined) throw new NethoodError('unreachable', `No address of ${neighbour.name} is known.`);
    return hostHeader(address, neighbour.port);
  }

  sendJobEvent(id: DeviceId, event: JobEvent): void {
    const session = this.#hood.sessions.get(id);
    if (session?.greeting?.features.has('job-events') === true) session.tell(event);
  }

  sendFolderEvent(id: DeviceId, event: FolderEvent): void {
    this.#hood.sessions.get(id)?.tell(event);
  }

  resourcesChanged(): void {
    for (const session of this.#hood.sessions.all()) this.#opener.tellResources(session);
  }

  rename(name: string): void {
    for (const session of this.#hood.sessions.all()) session.tell({ type: 'name', name });
  }

  trustChanged(id: DeviceId): void {
    this.#hood.trustChanged(id);
    for (const session of this.#hood.sessions.all()) if (session.id === id) this.#opener.tellResources(session);
    if (this.#deps.trustOf(id) === 'blocked') this.#dropAgent(id);
  }

  readdressed(isOwn: IsOwn): void {
    this.#hood.readdressed(isOwn);
    for (const agent of this.#agents.values()) agent.end(({ localAddress }) => !isOwn(localAddress));
  }

  async addByHand(text: string): Promise<Neighbour> {
    const { host, zone, port } = parseHostAndPort(text);
    const addresses: readonly Address[] = zone === undefined ? await this.#lookUp(host) : [{ address: host, zone }];
    const { way, prize } = await race({
      ways: addresses.slice(0, 16),
      clock: this.#deps.clock,
      signal: this.#scope.signal,
      attempt: (address, lost) => this.#deps.transport.dialUnknown(address, port, lost),
      discard: (socket) => socket.close(1000, 'another way was faster'),
    });
    const { id } = prize;
    const at: Candidate = { address: way.address, zone: way.zone, port };
    if (id === this.#deps.self) {
      prize.close(1000, 'the caller itself');
      throw new NethoodError('usage', `"${text}" is this device itself.`);
    }
    await this.#settle(prize, at);
    this.#hood.table.prove(id, { at, wall: this.#deps.clock.wall() });
    if (isIP(host) === 0) this.#hood.table.change(id, { host: { name: host, port } });
    await this.#file.save();
    const neighbour = this.#hood.get(id);
    if (neighbour === undefined) throw new NethoodError('unreachable', `"${text}" went away at once.`);
    return neighbour;
  }

  async forget(id: DeviceId): Promise<void> {
    if (this.#hood.get(id) === undefined) throw noNeighbour(id);
    this.#hood.forget(id);
    this.#dropAgent(id);
    await this.#file.save();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  /** A session is there already, or comes of this socket. */
  async #settle(socket: PeerSocket, at: Candidate): Promise<void> {
    if (this.#hood.sessions.get(socket.id) !== undefined) return socket.close(1000, 'a session is there already');
    const waiting = waitForSession(this.#hood, socket.id, { clock: this.#deps.clock, ms: deadlines.hello });
    this.#hood.adopt(socket, at);
    await waiting;
  }

  async #session(id: DeviceId, signal: AbortSignal | undefined): Promise<Session> {
    const session = this.#hood.sessions.get(id);
    if (session !== undefined) return session;
    const neighbour = this.#hood.get(id);
    if (neighbour === undefined) throw noNeighbour(id);
    if (neighbour.trust === 'blocked') throw new NethoodError('not-permitted', `${neighbour.name} is blocked.`);
    const waiting = waitForSession(this.#hood, id, { clock: this.#deps.clock, ms: deadlines.dial, signal });
    this.#hood.want(id);
    return await waiting.catch(named(neighbour.name));
  }

  /** Who calls from elsewhere in the middle of a session has left where it was: nothing answers there any more. */
  #sessionReady({ id, socket }: Session, old: Session | undefined): void {
    this.#file.changed();
    const left = old?.socket.address;
    if (left === undefined || left === socket.address) return;
    this.#agents.get(id)?.end(({ remoteAddress }) => shownAddress(remoteAddress) === left);
  }

  #sessionLost(id: DeviceId, code: number): void {
    this.#file.changed();
    // What moves on its other sockets would notice only when they stall.
    if (code === closeCodes.dead) this.#dropAgent(id);
  }

  #dropAgent(id: DeviceId): void {
    this.#agents.get(id)?.[Symbol.dispose]();
    this.#agents.delete(id);
  }
}

/** A person knows it by its name, not by the address that was tried. */
function named(name: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof NethoodError) || !hasCode(error, 'unreachable', 'timeout')) throw error;
    throw new NethoodError(error.code, `"${name}" does not answer: ${error.message}`, { cause: error });
  };
}

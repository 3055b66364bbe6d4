/**
 * The neighbours as they are: what discovery says, what the disk remembers and what sessions prove, brought together.
 * A sighting is a rumour: it can lead to a dial and to nothing else; whoever is in session stays whatever is rumoured.
 */
import { NethoodError } from '../../protocol/errors.ts';
import type { Trust } from '../../protocol/control.ts';
import { type DeviceId, shortId } from '../../protocol/ids.ts';
import { closeCodes, type PeerEvent } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import type { Discovery, Sighting } from '../discovery/discovery.ts';
import { DialSchedule } from './dial-schedule.ts';
import type { LookUp } from './neighbours-lookup.ts';
import type { Neighbour, NeighbourEvents } from './neighbours.ts';
import { looksSame, viewOf } from './neighbours-view.ts';
import type { IsOwn } from './own-addresses.ts';
import { addressFromText } from './peer-address.ts';
import type { PeerSocket, PeerTransport } from './peer-socket.ts';
import { candidatesOf, hasLeft, PeerTable, type Candidate, type PeerRecord } from './peer-table.ts';
import { lossOf } from './session-loss.ts';
import type { Session, SessionEnd } from './session.ts';
import type { Greeting } from './session-state.ts';
import { SessionTable } from './session-table.ts';

export interface NeighbourhoodDeps {
  readonly self: DeviceId;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly transport: PeerTransport;
  readonly discovery: Pick<Discovery, 'reconfirm'>;
  readonly trustOf: (id: DeviceId) => Trust;
  readonly onLink: (address: string) => boolean;
  /** Loopback is a card in use: nothing else is there. Default: never. */
  readonly loopbackServes?: (() => boolean) | undefined;
  readonly lookUp: LookUp;
  readonly open: (socket: PeerSocket) => Session;
}

/** Why it has no session. */
interface Absence {
  readonly down: boolean;
  readonly problem: string | undefined;
  /** While a broken session is dialled again: what counts it as gone if that takes too long. */
  readonly retrying: Disposable | undefined;
}

/** From a broken session to `gone`, where neither a refusal nor an answer comes first; with what broke it within 15 s. */
const retryMs = 10_000;

export class Neighbourhood implements Disposable {
  readonly events = new Emitter<NeighbourEvents>();
  /** A dial that led to no session. */
  readonly failures = new Emitter<{ failed: [DeviceId, NethoodError] }>();
  readonly sessions: SessionTable;
  readonly table: PeerTable;
  readonly #deps: NeighbourhoodDeps;
  readonly #schedule: DialSchedule;
  readonly #absences = new Map<DeviceId, Absence>();
  readonly #views = new Map<DeviceId, Neighbour>();
  /** Where a socket was dialled, until its session is ready. */
  readonly #dialledAt = new WeakMap<PeerSocket, Candidate>();

  constructor(deps: NeighbourhoodDeps, known: readonly PeerRecord[]) {
    const { self, clock, random, log, transport, trustOf, onLink, loopbackServes, open } = deps;
    this.#deps = deps;
    const isBlocked = (id: DeviceId): boolean => trustOf(id) === 'blocked';
    this.sessions = new SessionTable({ self, log, open, isBlocked });
    const dispensable = (id: DeviceId): boolean => !this.#isTrusted(id) && this.sessions.get(id) === undefined;
    this.table = new PeerTable({ dispensable, onLink, loopbackServes }, known);
    this.#schedule = new DialSchedule({
      self,
      clock,
      random,
      transport,
      candidates: (id) => this.candidates(id),
      opened: (socket, at) => this.adopt(socket, at),
      failed: (id, error) => this.#dialFailed(id, error),
    });
    this.sessions.events.on('ready', (session, greeting) => this.#ready(session, greeting));
    this.sessions.events.on('lost', (session, end) => this.#lost(session, end));
    this.sessions.events.on('failed', (session, end) => this.#sessionFailed(session, end));
    this.sessions.events.on('event', (session, event) => this.#told(session, event));
  }

  /** Dials everybody whom the disk remembers. */
  start(): void {
    for (const { id } of this.table.all()) {
      this.#dialSoon(id, { fresh: true, remembered: true });
      this.#changed(id);
    }
  }

  list(): readonly Neighbour[] {
    return this.table.all().flatMap(({ id }) => this.get(id) ?? []);
  }

  get(id: DeviceId): Neighbour | undefined {
    const record = this.table.get(id);
    return record && this.#view(record);
  }

  /** Where to try, in this order; a name that was typed is looked up anew. */
  async candidates(id: DeviceId): Promise<readonly Candidate[]> {
    const record = this.table.get(id);
    if (record === undefined) return [];
    const { host } = record;
    if (host === undefined || this.sessions.get(id) !== undefined) return candidatesOf(record);
    // The name may mean nothing just now; the known addresses may still do.
    const found = await this.#deps.lookUp(host.name).catch(() => []);
    const looked = found.map(({ address, zone }) => ({ address, zone, port: host.port }));
    return candidatesOf({ ...record, rumoured: [...looked, ...record.rumoured] });
  }

  /** Says hello on a new socket, and tells where it was dialled. Undefined where it is turned away. */
  adopt(socket: PeerSocket, at?: Candidate): Session | undefined {
    if (at !== undefined) this.#dialledAt.set(socket, at);
    const session = this.sessions.adopt(socket);
    if (session === undefined && socket.dialled) {
      this.#dialFailed(
        socket.id,
        new NethoodError('not-permitted', `${shortId(socket.id)} is blocked, or one too many.`),
      );
    }
    return session;
  }

  seen(sighting: Sighting): void {
    const { id } = sighting;
    if (id === this.#deps.self) return;
    const before = this.table.get(id);
    const noted = this.table.sight(sighting);
    if (noted === undefined) return;
    const session = this.sessions.get(id);
    if (session !== undefined && hasLeft(session.socket.address, before, noted.record)) session.doubt();
    this.#evict(noted.evicted);
    if (noted.fresh) this.#setAbsence(id, undefined);
    this.#dialSoon(id, { fresh: noted.fresh });
    this.#changed(id);
  }

  unseen(id: DeviceId): void {
    this.table.unsight(id);
    this.#changed(id);
  }

  /** A request waits for a session with it. */
  want(id: DeviceId): void {
    this.#schedule.tell({ type: 'wanted', id });
    this.#changed(id);
  }

  used(id: DeviceId): void {
    this.#schedule.tell({ type: 'used', id });
  }

  forget(id: DeviceId): void {
    this.table.forget(id);
    this.#evict(id);
    this.sessions.close(id, closeCodes.goingAway, 'forgotten');
  }

  /** Who is blocked loses its session at once, and who is not any more is dialled. */
  trustChanged(id: DeviceId): void {
    if (this.#deps.trustOf(id) === 'blocked') {
      this.#schedule.tell({ type: 'forgotten', id });
      this.sessions.close(id, closeCodes.blocked, 'blocked');
    } else if (this.table.get(id) !== undefined) this.#dialSoon(id, { fresh: true });
    this.#changed(id);
  }

  /** Sessions by addresses that we had end at once, and those who knew us by them are dialled by us: they cannot know. */
  readdressed(isOwn: IsOwn): void {
    for (const session of this.sessions.all())
      if (!isOwn(session.socket.localAddress)) session.close(closeCodes.moved, 'another address');
    this.#schedule.tell({ type: 'woke' });
  }

  woke(): void {
    this.#schedule.tell({ type: 'woke' });
    for (const session of this.sessions.all()) session.woke();
  }

  [Symbol.dispose](): void {
    this.#schedule[Symbol.dispose]();
    for (const session of this.sessions.all()) session.close(closeCodes.goingAway, 'the agent stops');
    for (const id of this.#absences.keys()) this.#setAbsence(id, undefined);
  }

  #isTrusted(id: DeviceId): boolean {
    const trust = this.#deps.trustOf(id);
    return trust === 'paired' || trust === 'office';
  }

  #dialSoon(id: DeviceId, how: { readonly fresh: boolean; readonly remembered?: boolean }): void {
    if (this.#deps.trustOf(id) === 'blocked') return;
    const proved = this.table.get(id)?.lastSeen !== undefined;
    this.#schedule.tell({ type: 'seen', id, ...how, proved, trusted: this.#isTrusted(id) });
  }

  #ready(session: Session, { hello }: Greeting): void {
    const { id, socket } = session;
    const at = this.#dialledAt.get(socket) ?? { ...addressFromText(socket.address), port: hello.port };
    const noted = this.table.prove(id, { name: hello.device.name, at, wall: this.#deps.clock.wall() });
    if (noted === undefined) return session.close(closeCodes.goingAway, 'too many neighbours');
    this.#evict(noted.evicted);
    this.table.change(id, { resources: hello.resources });
    this.#setAbsence(id, undefined);
    this.#schedule.tell({ type: 'connected', id, trusted: this.#isTrusted(id) });
    this.#changed(id);
  }

  #told(session: Session, event: PeerEvent): void {
    const { id } = session;
    if (this.sessions.get(id) !== session) return;
    switch (event.type) {
      case 'resources':
        this.table.change(id, { resources: event.resources });
        return this.#changed(id);
      case 'name':
        this.table.change(id, { name: event.name });
        return this.#changed(id);
      case 'job':
        return this.#emit('job', id, event);
      case 'folder':
        return this.#emit('folder', id, event);
    }
  }

  #lost({ id, heardAt }: Session, end: SessionEnd): void {
    if (this.table.get(id) === undefined) return;
    const { kind, down, problem } = lossOf(end);
    this.table.change(id, heardAt === undefined ? {} : { lastSeen: heardAt });
    const giveUp = (): void => {
      this.#setAbsence(id, { down: true, problem: 'It does not answer any more.', retrying: undefined });
      this.#changed(id);
    };
    const retrying = down ? undefined : this.#deps.clock.timer(retryMs, giveUp);
    this.#setAbsence(id, { down, problem, retrying });
    this.#schedule.tell({ type: 'lost', id, kind });
    this.#changed(id);
  }

  #sessionFailed({ id, socket }: Session, end: SessionEnd): void {
    if (!socket.dialled) return;
    const problem = lossOf(end).problem ?? 'It ended the connection before it said who it is.';
    this.#dialFailed(id, new NethoodError('unreachable', problem));
  }

  #dialFailed(id: DeviceId, error: NethoodError): void {
    this.#schedule.tell({ type: 'failed', id });
    if (this.table.get(id) !== undefined && this.sessions.get(id) === undefined) {
      this.#setAbsence(id, { down: true, problem: error.message, retrying: undefined });
      this.#deps.discovery.reconfirm(id);
      this.#changed(id);
    }
    this.failures.emit('failed', id, error);
  }

  #setAbsence(id: DeviceId, absence: Absence | undefined): void {
    this.#absences.get(id)?.retrying?.[Symbol.dispose]();
    if (absence === undefined) this.#absences.delete(id);
    else this.#absences.set(id, absence);
  }

  #evict(id: DeviceId | undefined): void {
    if (id === undefined) return;
    this.#schedule.tell({ type: 'forgotten', id });
    this.#setAbsence(id, undefined);
    if (this.#views.delete(id)) this.#emit('removed', id);
  }

  #view(record: PeerRecord): Neighbour {
    const { id } = record;
    const { down = false, problem, retrying } = this.#absences.get(id) ?? {};
    const dialling = this.#schedule.isDialling(id);
    const link = { session: this.sessions.get(id), dialling, retrying: retrying !== undefined, down, problem };
    return viewOf(record, link, this.#deps.trustOf(id));
  }

  #changed(id: DeviceId): void {
    const view = this.get(id);
    const before = this.#views.get(id);
    if (view === undefined || (before !== undefined && looksSame(before, view))) return;
    this.#views.set(id, view);
    this.#emit('changed', view);
  }

  /** A listener's fault is its own, not that of the session that happened to tell. */
  #emit<Name extends keyof NeighbourEvents>(name: Name, ...args: NeighbourEvents[Name]): void {
    try {
      this.events.emit(name, ...args);
    } catch (error) {
      this.#deps.log.error({ err: error, event: name }, 'a listener failed');
    }
  }
}

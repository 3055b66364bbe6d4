/** All sessions of this agent: at most one per neighbour that counts, and those that still greet. */
import type { BootId, DeviceId } from '../../protocol/ids.ts';
import { closeCodes, type PeerEvent } from '../../protocol/peer.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import type { PeerSocket } from './peer-socket.ts';
import type { Greeting } from './session-state.ts';
import type { Session, SessionEnd } from './session.ts';
import { newcomerStays } from './session-pair.ts';

export interface SessionTableDeps {
  readonly self: DeviceId;
  readonly log: Log;
  readonly open: (socket: PeerSocket) => Session;
  readonly isBlocked: (id: DeviceId) => boolean;
}

export interface SessionTableEvents {
  /** It counts from now on, in place of any earlier one, which is given. */
  readonly ready: [Session, Greeting, Session | undefined];
  /** It counted, and none follows it. */
  readonly lost: [Session, SessionEnd];
  /** It ended before it was ready. */
  readonly failed: [Session, SessionEnd];
  readonly event: [Session, PeerEvent];
}

/** Beyond these, whoever knocks is turned away. */
const mostSessions = 1_000;
const mostGreetings = 4;

export class SessionTable {
  readonly events = new Emitter<SessionTableEvents>();
  readonly #deps: SessionTableDeps;
  readonly #current = new Map<DeviceId, Session>();
  readonly #greeting = new Set<Session>();
  /** Ended by the other side in favour of one that greets still: nothing is lost until that fails too. */
  readonly #superseded = new Map<DeviceId, { readonly session: Session; readonly end: SessionEnd }>();
  readonly #replacedBoots = new Map<DeviceId, BootId>();

  constructor(deps: SessionTableDeps) {
    this.#deps = deps;
  }

  get(id: DeviceId): Session | undefined {
    return this.#current.get(id);
  }

  /** Ready ones and greeting ones. */
  all(): readonly Session[] {
    return [...this.#current.values(), ...this.#greeting];
  }

  /** Undefined where it is turned away. */
  adopt(socket: PeerSocket): Session | undefined {
    const refusal = this.#refusal(socket);
    if (refusal !== undefined) {
      socket.close(...refusal);
      return undefined;
    }
    const session = this.#deps.open(socket);
    this.#greeting.add(session);
    session.events.on('ready', (greeting) => this.#ready(session, greeting));
    session.events.on('event', (event) => this.events.emit('event', session, event));
    session.events.on('end', (end) => this.#ended(session, end));
    return session;
  }

  close(id: DeviceId, code: number, reason: string): void {
    for (const session of this.all()) if (session.id === id) session.close(code, reason);
  }

  #refusal({ id }: PeerSocket): [number, string] | undefined {
    if (id === this.#deps.self) {
      this.#deps.log.warn('another device uses the key of this one: it was copied with the disk');
      return [closeCodes.badMessage, 'the key of this device'];
    }
    if (this.#deps.isBlocked(id)) return [closeCodes.blocked, 'blocked'];
    const crowd = this.#current.size + this.#greeting.size >= mostSessions && !this.#current.has(id);
    return crowd || this.#greetings(id) >= mostGreetings ? [closeCodes.goingAway, 'too many sessions'] : undefined;
  }

  #greetings(id: DeviceId): number {
    let count = 0;
    for (const session of this.#greeting) if (session.id === id) count += 1;
    return count;
  }

  #ready(session: Session, greeting: Greeting): void {
    const { id } = session;
    this.#greeting.delete(session);
    const old = this.#current.get(id);
    if (old !== undefined && !this.#stays(old, session)) {
      return session.close(closeCodes.replaced, 'another session stays');
    }
    this.#current.set(id, session);
    this.#superseded.delete(id);
    const { address, localAddress, dialled } = session.socket;
    this.#deps.log.debug({ peer: id, address, localAddress, dialled, replaces: old !== undefined }, 'in session');
    this.events.emit('ready', session, greeting, old);
    old?.close(closeCodes.replaced, 'another session stays');
  }

  #stays(old: Session, newcomer: Session): boolean {
    const [was, is] = [old.greeting?.hello.boot, newcomer.greeting?.hello.boot];
    if (was === undefined || is === undefined) return true;
    if (was !== is) this.#watchBoots(newcomer.id, was, is);
    const rivals = [
      { boot: was, dialled: old.socket.dialled },
      { boot: is, dialled: newcomer.socket.dialled },
    ] as const;
    const { self } = this.#deps;
    return newcomerStays({ self, peer: newcomer.id, ahead: newcomer.openedAt - old.readyAt }, ...rivals);
  }

  /** A restart never brings an earlier boot back: two devices have one key. */
  #watchBoots(id: DeviceId, was: BootId, is: BootId): void {
    if (this.#replacedBoots.get(id) === is) this.#deps.log.warn({ peer: id }, 'two devices use the same key');
    this.#replacedBoots.set(id, was);
  }

  #ended(session: Session, end: SessionEnd): void {
    const { id } = session;
    this.#deps.log.debug({ peer: id, address: session.socket.address, ...end }, 'a session ended');
    const greeted = !this.#greeting.delete(session);
    if (this.#current.get(id) === session) {
      this.#current.delete(id);
      const replaced = end.by === 'them' && end.code === closeCodes.replaced && this.#greetings(id) > 0;
      if (replaced) this.#superseded.set(id, { session, end });
      else this.events.emit('lost', session, end);
    }
    if (!greeted) this.#failed(session, end);
  }

  #failed(session: Session, end: SessionEnd): void {
    const before = this.#superseded.get(session.id);
    if (before !== undefined && this.#greetings(session.id) === 0) {
      this.#superseded.delete(session.id);
      this.events.emit('lost', before.session, before.end);
    }
    this.events.emit('failed', session, end);
  }
}

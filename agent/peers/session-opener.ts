/** Makes sessions of sockets: what we say first, and who asks. */
import type { Trust } from '../../protocol/control.ts';
import { type BootId, type DeviceId, shortId } from '../../protocol/ids.ts';
import { features, protocolVersion } from '../../protocol/peer.ts';
import type { Resources } from '../../protocol/resources.ts';
import type { Clock } from '../base/clock.ts';
import { coarseClock } from '../base/coarse-clock.ts';
import type { Log } from '../base/log.ts';
import type { Asker } from '../trust/access.ts';
import type { PeerHandlers } from './neighbours.ts';
import type { PeerSocket } from './peer-socket.ts';
import { Session } from './session.ts';

export interface SessionOpenerDeps {
  readonly self: DeviceId;
  readonly boot: BootId;
  /** Our display name. */
  readonly name: () => string;
  /** Our peers port. */
  readonly port: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly handlers: PeerHandlers;
  readonly trustOf: (id: DeviceId) => Trust;
  readonly onLink: (address: string) => boolean;
  readonly resourcesFor: (asker: Asker) => Resources;
}

/** Nothing in a session needs to be punctual, and with many of them an idle agent would wake for one or the other all the time. */
const punctualMs = 250;

export class SessionOpener {
  readonly #deps: SessionOpenerDeps;
  /** One for all sessions. */
  readonly #clock: Clock;
  /** What each was told last, so that nobody is told the same twice. */
  readonly #told = new WeakMap<Session, string>();

  constructor(deps: SessionOpenerDeps) {
    this.#deps = deps;
    this.#clock = coarseClock(deps.clock, punctualMs);
  }

  /** `name` as far as it is known. */
  open(socket: PeerSocket, name: string | undefined): Session {
    const { self, boot, log, handlers, port } = this.#deps;
    const asker = (): Asker => this.#asker(socket);
    const resources = this.#deps.resourcesFor(asker());
    const session = new Session(socket, name ?? shortId(socket.id), {
      clock: this.#clock,
      log,
      handlers,
      asker,
      hello: {
        type: 'hello',
        protocol: protocolVersion,
        features: [...features],
        boot,
        device: { id: self, name: this.#deps.name() },
        port,
        resources,
      },
    });
    this.#told.set(session, JSON.stringify(resources));
    return session;
  }

  tellResources(session: Session): void {
    const resources = this.#deps.resourcesFor(this.#asker(session.socket));
    const text = JSON.stringify(resources);
    if (this.#told.get(session) === text) return;
    this.#told.set(session, text);
    session.tell({ type: 'resources', resources });
  }

  /** As of now: trust and cards change while a session lasts. */
  #asker({ id, address }: PeerSocket): Asker {
    return { kind: 'device', id, trust: this.#deps.trustOf(id), onLink: this.#deps.onLink(address) };
  }
}

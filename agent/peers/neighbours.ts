/** What the parts above (files, printing, control) know of neighbours: who is there, and how to reach one. */
import type { Agent as HttpAgent, IncomingMessage, ServerResponse } from 'node:http';
import type { NeighbourState, Trust } from '../../protocol/control.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import type { FolderEvent, JobEvent, PeerRequest, PeerRequestType, PeerResult } from '../../protocol/peer.ts';
import type { Resources } from '../../protocol/resources.ts';
import type { Emitter } from '../base/emitter.ts';
import type { Address } from '../discovery/discovery.ts';
import type { Asker } from '../trust/access.ts';

/** A neighbour as it is now; a new value at each change. */
export interface Neighbour {
  readonly id: DeviceId;
  readonly name: string;
  readonly state: NeighbourState;
  readonly trust: Trust;
  /** The one in use first. */
  readonly addresses: readonly Address[];
  readonly port: number;
  readonly resources: Resources;
  readonly features: ReadonlySet<string>;
  readonly problem: string | undefined;
  /** Wall-clock milliseconds of the last byte from it. */
  readonly lastSeen: number | undefined;
}

export interface NeighbourEvents {
  /** It appeared or anything of it changed. */
  readonly changed: [Neighbour];
  /** It was forgotten: no longer in the list at all. */
  readonly removed: [DeviceId];
  /** The owner of a printer tells about a job that we sent there. */
  readonly job: [DeviceId, JobEvent];
  /** A folder of theirs that we watch changed. */
  readonly folder: [DeviceId, FolderEvent];
}

/** Without `type` and `id`, which the session adds. */
export type PeerAsk<T extends PeerRequestType> = Omit<Extract<PeerRequest, { type: T }>, 'type' | 'id'>;

export interface Neighbours {
  readonly events: Emitter<NeighbourEvents>;
  list(): readonly Neighbour[];
  get(id: DeviceId): Neighbour | undefined;
  /** By name, or a prefix of name or id that fits one alone. @throws NethoodError `not-found`, `ambiguous` */
  find(text: string): Neighbour;
  /** Waits for a session up to the dial deadline. Cancelled at both sides when the signal aborts. @throws NethoodError of the other side, or `unreachable`, `interrupted`, `timeout` */
  request<T extends PeerRequestType>(
    id: DeviceId,
    type: T,
    ask: PeerAsk<T>,
    signal?: AbortSignal,
  ): Promise<PeerResult<T>>;
  /** For `node:http`: sockets to this neighbour over mutual TLS, its key checked before the first byte. Host header: `httpHost(id)`. */
  httpAgent(id: DeviceId): HttpAgent;
  httpHost(id: DeviceId): string;
  /** A job of theirs changed on our printer; dropped where it has no session or not the feature `job-events`. */
  sendJobEvent(id: DeviceId, event: JobEvent): void;
  /** A folder that they watch changed; dropped where it has no session: who has a new one looks anew. */
  sendFolderEvent(id: DeviceId, event: FolderEvent): void;
  /** Our own resources changed: every session is told, each filtered for its neighbour. */
  resourcesChanged(): void;
}

/** Answers one type of request. The signal aborts on `cancel` and when the session ends. */
type PeerHandler<T extends PeerRequestType> = (
  asker: Asker,
  ask: PeerAsk<T>,
  signal: AbortSignal,
) => Promise<PeerResult<T>>;

export type PeerHandlers = { readonly [T in Exclude<PeerRequestType, 'ping'>]: PeerHandler<T> };

/** A path prefix of the peers or the guests port, and who answers below it. `path` is what follows the prefix, undecoded, without query. */
export interface HttpRoute {
  /** `/files/`, `/ipp/print/` */
  readonly prefix: string;
  handle(exchange: HttpExchange): Promise<void>;
}

export interface HttpExchange {
  readonly asker: Asker;
  /** Address of the other side, as text. */
  readonly address: string;
  readonly path: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborts when the other side goes away or the port closes. */
  readonly signal: AbortSignal;
}

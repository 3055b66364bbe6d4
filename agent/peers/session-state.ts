/**
 * One session between two agents, from the open socket to its end: what is said, in which order, and by when.
 *
 *     greeting --hello--> ready --> ended      (any fault, silence or close leads to ended)
 *
 * Pure: the shell (`session.ts`) performs the effects, and comes back with `tick` when `nextDeadline` is reached.
 */
import type { NethoodError } from '../../protocol/errors.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import type { Hello, PeerEvent, PeerRequest, PeerRequestType } from '../../protocol/peer.ts';
import { deadlines } from '../../protocol/peer.ts';
import { beginHeartbeat, heartbeatDue, type Heartbeat } from './session-heartbeat.ts';
import type { Incoming, Outgoing } from './session-frames.ts';
import { fullBucket, type Bucket } from './rate-limit.ts';

/** How much each side may say: requests, events, and answers that nobody waits for. */
export const peerRate = { burst: 1_000, perSecond: 500 } as const;

/** A request of ours. */
export interface Ask {
  /** The asker's own number for it. */
  readonly ask: number;
  /** Its number on the wire. */
  readonly id: number;
  readonly request: PeerRequest;
  readonly deadline: number;
  /** Nobody waits for it any more; it holds its place until the other side has let go of it. */
  readonly abandoned: boolean;
}

/** What both sides agreed on. */
export interface Greeting {
  readonly version: number;
  readonly features: ReadonlySet<string>;
  readonly hello: Hello;
}

export interface SessionState {
  readonly phase: 'greeting' | 'ready' | 'ended';
  readonly ours: Hello;
  readonly peer: DeviceId;
  /** How it is named in messages: its name once it said it. */
  readonly label: string;
  readonly helloBy: number;
  readonly heartbeat: Heartbeat;
  readonly bucket: Bucket;
  readonly lastId: number;
  /** Sent and not yet answered, oldest first. */
  readonly asks: ReadonlyMap<number, Ask>;
  /** Not yet sent, because we are not ready or 64 are open; oldest first. */
  readonly waiting: readonly Ask[];
  /** Requests of theirs; a stopping one holds its place until its handler has let go. */
  readonly work: ReadonlyMap<number, 'running' | 'stopping'>;
  readonly malformed: number;
}

export type Outcome =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly error: NethoodError };

export type SessionEvent =
  /** `congested`: they do not read what we answer. */
  | { readonly type: 'frame'; readonly now: number; readonly frame: Incoming; readonly congested: boolean }
  | { readonly type: 'ask'; readonly now: number; readonly ask: number; readonly request: AskedFor }
  | { readonly type: 'abandon'; readonly ask: number }
  /** Our handler of a request has ended; the answer in the form in which it goes out. */
  | { readonly type: 'worked'; readonly answer: Extract<Outgoing, { type: 'result' | 'error' }> }
  | { readonly type: 'tell'; readonly event: PeerEvent }
  | { readonly type: 'tick'; readonly now: number }
  /** They may have gone: our computer slept, or they are rumoured to be elsewhere. */
  | { readonly type: 'doubted'; readonly why: 'woke' | 'rumour'; readonly now: number }
  /** `by` them: the socket is closed already. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string; readonly by: 'us' | 'them' };

/** A request without its number. */
export type AskedFor = { [T in PeerRequestType]: Omit<Extract<PeerRequest, { type: T }>, 'id'> }[PeerRequestType];

export type SessionEffect =
  | { readonly type: 'send'; readonly frame: Outgoing }
  | { readonly type: 'work'; readonly request: PeerRequest }
  | { readonly type: 'stop'; readonly id: number }
  | { readonly type: 'settle'; readonly ask: number; readonly outcome: Outcome }
  | { readonly type: 'ready'; readonly greeting: Greeting }
  | { readonly type: 'event'; readonly event: PeerEvent }
  /** `by` us: the socket is still to be closed. */
  | { readonly type: 'end'; readonly code: number; readonly reason: string; readonly by: 'us' | 'them' };

export interface SessionStep {
  readonly state: SessionState;
  readonly effects: readonly SessionEffect[];
}

export function openSession(peer: DeviceId, label: string, ours: Hello, now: number): SessionStep {
  const state: SessionState = {
    phase: 'greeting',
    ours,
    peer,
    label,
    helloBy: now + deadlines.hello,
    heartbeat: beginHeartbeat(ours.device.id < peer, now),
    bucket: fullBucket(peerRate, now),
    lastId: 0,
    asks: new Map(),
    waiting: [],
    work: new Map(),
    malformed: 0,
  };
  return { state, effects: [{ type: 'send', frame: ours }] };
}

/** When `tick` is due. Both lists are in the order of their deadlines. */
export function nextDeadline(state: SessionState): number {
  if (state.phase === 'ended') return Infinity;
  const [oldest] = state.asks.values();
  const asked = Math.min(oldest?.deadline ?? Infinity, state.waiting[0]?.deadline ?? Infinity);
  return Math.min(asked, state.phase === 'greeting' ? state.helloBy : heartbeatDue(state.heartbeat));
}

/** What a session does with a message from the other side. */
import { NethoodError } from '../../protocol/errors.ts';
import { closeCodes, peerLimits, type PeerRequest } from '../../protocol/peer.ts';
import { take } from './rate-limit.ts';
import { heard } from './session-heartbeat.ts';
import type { Incoming } from './session-frames.ts';
import { end, stay } from './session-end.ts';
import { peerRate, type Outcome, type SessionEffect, type SessionState, type SessionStep } from './session-state.ts';

interface Received {
  readonly now: number;
  readonly frame: Incoming;
  readonly congested: boolean;
}

/** The third message that fits no schema ends the session. */
const mostMalformed = 3;

export function receive(silent: SessionState, received: Received): SessionStep {
  const state = { ...silent, heartbeat: heard(silent.heartbeat, received.now) };
  return state.phase === 'greeting' ? greet(state, received.frame) : converse(state, received);
}

function converse(state: SessionState, received: Received): SessionStep {
  const { frame } = received;
  switch (frame.kind) {
    case 'hello':
      return illegal(state, 'a second hello');
    case 'request':
    case 'unknown':
    case 'event':
      return metered(state, received);
    case 'cancel':
      return cancel(state, received.now, frame.id);
    case 'result':
      return answered(state, received.now, frame.id, { ok: true, body: frame.body });
    case 'error':
      return answered(state, received.now, frame.id, { ok: false, error: frame.error });
    case 'bad-result':
      return badResult(state, received.now, frame);
    case 'malformed':
      return malformed(state, frame.id, frame.reason);
  }
}

function greet(state: SessionState, frame: Incoming): SessionStep {
  if (frame.kind !== 'hello') {
    const id = frame.kind === 'request' ? frame.request.id : frame.kind === 'unknown' ? frame.id : undefined;
    return illegal(state, 'a message before hello', id);
  }
  const version = Math.min(frame.versions.max, state.ours.protocol.max);
  if (!(version >= frame.versions.min && version >= state.ours.protocol.min)) {
    return end(state, { code: closeCodes.unsupportedVersion, reason: 'no version in common', by: 'us' });
  }
  const { hello } = frame;
  if (hello === undefined) return illegal(state, 'a malformed hello');
  // The key on the socket says who it is; a hello that says otherwise is a lie or a mix-up.
  if (hello.device.id !== state.peer) return illegal(state, 'a hello of another device');
  const theirs = new Set(hello.features);
  const features = new Set(state.ours.features.filter((feature) => theirs.has(feature)));
  return {
    state: { ...state, phase: 'ready', label: hello.device.name },
    effects: [{ type: 'ready', greeting: { version, features, hello } }],
  };
}

/** What costs us work comes out of the bucket. */
function metered(state: SessionState, { now, frame, congested }: Received): SessionStep {
  const { bucket, retryAfterMs } = take(peerRate, state.bucket, now);
  const paid = { ...state, bucket };
  if (frame.kind === 'event') return event(paid, frame, retryAfterMs);
  if (frame.kind === 'unknown') return unknown(paid, frame.id, retryAfterMs);
  if (frame.kind !== 'request') return stay(paid);
  const { request } = frame;
  if (state.work.has(request.id)) return illegal(paid, 'a number that is in use', request.id);
  if (retryAfterMs > 0) return refuse(paid, request.id, busy(retryAfterMs));
  if (request.type === 'ping')
    return reply(paid, { type: 'send', frame: { type: 'result', id: request.id, body: {} } });
  if (congested || state.work.size >= peerLimits.openRequests) return refuse(paid, request.id, busy(1_000));
  return begin(paid, request);
}

function begin(state: SessionState, request: PeerRequest): SessionStep {
  const work = new Map(state.work).set(request.id, 'running');
  return reply({ ...state, work }, { type: 'work', request });
}

/** An event can't be refused, and to drop one would leave us wrong about the other side. */
function event(state: SessionState, frame: Incoming & { kind: 'event' }, retryAfterMs: number): SessionStep {
  if (retryAfterMs > 0) return illegal(state, 'too many events');
  return reply(state, { type: 'event', event: frame.event });
}

/** A later version's request is refused, its event ignored. */
function unknown(state: SessionState, id: number | undefined, retryAfterMs: number): SessionStep {
  if (id === undefined) return stay(state);
  if (retryAfterMs > 0) return refuse(state, id, busy(retryAfterMs));
  return refuse(state, id, new NethoodError('unsupported', 'This agent does not know such a request.'));
}

function cancel(state: SessionState, now: number, id: number): SessionStep {
  if (state.work.get(id) !== 'running') return stray(state, now);
  return reply({ ...state, work: new Map(state.work).set(id, 'stopping') }, { type: 'stop', id });
}

function answered(state: SessionState, now: number, id: number, outcome: Outcome): SessionStep {
  if (id > state.lastId) return illegal(state, 'an answer to nothing');
  const open = state.asks.get(id);
  if (open === undefined) return stray(state, now);
  const asks = new Map(state.asks);
  asks.delete(id);
  return { state: { ...state, asks }, effects: open.abandoned ? [] : [{ type: 'settle', ask: open.ask, outcome }] };
}

/** A cancel that crossed our answer, an answer to a ping or after its deadline: proof of life and nothing else. */
function stray(state: SessionState, now: number): SessionStep {
  const { bucket, retryAfterMs } = take(peerRate, state.bucket, now);
  return retryAfterMs > 0 ? illegal(state, 'too many messages') : stay({ ...state, bucket });
}

function badResult(state: SessionState, now: number, frame: { id: number; reason: string }): SessionStep {
  const { id, reason } = frame;
  const error = new NethoodError(
    'bad-message',
    `${state.label} answered with something that fits no schema: ${reason}`,
  );
  const { state: settled, effects } = answered(state, now, id, { ok: false, error });
  const counted = malformed(settled, undefined, reason);
  return { state: counted.state, effects: [...effects, ...counted.effects] };
}

function malformed(state: SessionState, id: number | undefined, reason: string): SessionStep {
  const counted = { ...state, malformed: state.malformed + 1 };
  const error = new NethoodError('bad-message', `The message fits no schema: ${reason}`);
  const refused = id === undefined ? stay(counted) : refuse(counted, id, error);
  if (counted.malformed < mostMalformed) return refused;
  const ended = illegal(counted, 'three messages that fit no schema');
  return { state: ended.state, effects: [...refused.effects, ...ended.effects] };
}

/** What no agent of ours would ever say: the reason, to whom it can be told, and the end. */
function illegal(state: SessionState, what: string, id?: number): SessionStep {
  const error = new NethoodError('bad-message', `Illegal here: ${what}.`);
  const told = id === undefined ? [] : refuse(state, id, error).effects;
  const ended = end(state, { code: closeCodes.badMessage, reason: what, by: 'us' });
  return { state: ended.state, effects: [...told, ...ended.effects] };
}

function refuse(state: SessionState, id: number, error: NethoodError): SessionStep {
  return reply(state, { type: 'send', frame: { type: 'error', id, error } });
}

function reply(state: SessionState, effect: SessionEffect): SessionStep {
  return { state, effects: [effect] };
}

function busy(retryAfterMs: number): NethoodError {
  return new NethoodError('busy', 'Too many requests at once.', { retryAfterMs });
}

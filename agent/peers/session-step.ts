/** The transitions of a session: `step(state, event)` of `session-state.ts`. */
import { NethoodError } from '../../protocol/errors.ts';
import { closeCodes, deadlineOf, peerLimits, type PeerRequest } from '../../protocol/peer.ts';
import { beat, doubted, sleptMs, woken, type Heartbeat } from './session-heartbeat.ts';
import {
  nextDeadline,
  type Ask,
  type AskedFor,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  type SessionStep,
} from './session-state.ts';
import { receive } from './session-receive.ts';
import { end, stay } from './session-end.ts';

/** Requests that wait for a place among the 64. */
const mostWaiting = 1_000;

export function step(state: SessionState, event: SessionEvent): SessionStep {
  if (state.phase === 'ended') return afterEnd(state, event);
  switch (event.type) {
    case 'frame':
      return sendWaiting(receive(state, event));
    case 'ask':
      return sendWaiting(enqueue(state, event));
    case 'abandon':
      return sendWaiting(abandon(state, event.ask));
    case 'worked':
      return worked(state, event.answer);
    case 'tell':
      return { state, effects: [{ type: 'send', frame: event.event }] };
    case 'tick':
      return tick(state, event.now);
    case 'doubted':
      return doubt(state, event);
    case 'close':
      return end(state, event);
  }
}

/** Late answers of handlers, frames that were under way: all said and done. Only an asker must still hear of it. */
function afterEnd(state: SessionState, event: SessionEvent): SessionStep {
  if (event.type !== 'ask') return stay(state);
  const error = new NethoodError('interrupted', `The connection to ${state.label} has ended.`);
  return { state, effects: [{ type: 'settle', ask: event.ask, outcome: { ok: false, error } }] };
}

function enqueue(state: SessionState, event: { now: number; ask: number; request: AskedFor }): SessionStep {
  if (state.waiting.length >= mostWaiting) {
    const error = new NethoodError('busy', `Too many requests to ${state.label} are open.`, { retryAfterMs: 1_000 });
    return { state, effects: [{ type: 'settle', ask: event.ask, outcome: { ok: false, error } }] };
  }
  const id = state.lastId + 1;
  const request: PeerRequest = { ...event.request, id };
  const deadline = event.now + deadlineOf(event.request.type);
  const waiting = [...state.waiting, { ask: event.ask, id, request, deadline, abandoned: false }];
  return stay({ ...state, lastId: id, waiting });
}

/** Moves requests from the queue to the wire while there is room. */
function sendWaiting({ state, effects }: SessionStep): SessionStep {
  const room = peerLimits.openRequests - state.asks.size;
  if (state.phase !== 'ready' || room <= 0 || state.waiting.length === 0) return { state, effects };
  const now = state.waiting.slice(0, room);
  const asks = new Map(state.asks);
  for (const each of now) asks.set(each.id, each);
  const sent = now.map(({ request }): SessionEffect => ({ type: 'send', frame: request }));
  return { state: { ...state, asks, waiting: state.waiting.slice(room) }, effects: [...effects, ...sent] };
}

function abandon(state: SessionState, ask: number): SessionStep {
  const open = Array.from(state.asks.values()).find((each) => each.ask === ask);
  if (open === undefined) return stay({ ...state, waiting: state.waiting.filter((each) => each.ask !== ask) });
  const asks = new Map(state.asks).set(open.id, { ...open, abandoned: true });
  return { state: { ...state, asks }, effects: [{ type: 'send', frame: { type: 'cancel', id: open.id } }] };
}

function worked(state: SessionState, answer: Extract<SessionEvent, { type: 'worked' }>['answer']): SessionStep {
  const was = state.work.get(answer.id);
  const work = new Map(state.work);
  work.delete(answer.id);
  const cancelled = new NethoodError('cancelled', 'The request was cancelled.');
  const frame = was === 'stopping' ? ({ type: 'error', id: answer.id, error: cancelled } as const) : answer;
  return { state: { ...state, work }, effects: was === undefined ? [] : [{ type: 'send', frame }] };
}

function tick(late: SessionState, now: number): SessionStep {
  const state = shifted(late, sleptMs(nextDeadline(late), now));
  if (state.phase === 'greeting' && now >= state.helloBy) {
    return end(state, { code: closeCodes.helloTimeout, reason: 'no hello within 5 s', by: 'us' });
  }
  const { state: rest, effects } = expire(state, now);
  if (rest.phase === 'greeting') return { state: rest, effects };
  const { heartbeat, act } = beat(rest.heartbeat, now);
  const beaten = act === 'wait' ? stay(rest) : act === 'ping' ? ping({ ...rest, heartbeat }) : dead(rest);
  const sent = sendWaiting(beaten);
  return { state: sent.state, effects: [...effects, ...sent.effects] };
}

/** What we slept through counts for no deadline. */
function shifted(state: SessionState, by: number): SessionState {
  if (by === 0) return state;
  const later = (each: Ask): Ask => ({ ...each, deadline: each.deadline + by });
  const heartbeat: Heartbeat = { ...state.heartbeat, heardAt: state.heartbeat.heardAt + by };
  const asks = new Map(Array.from(state.asks, ([id, each]) => [id, later(each)]));
  return { ...state, heartbeat, helloBy: state.helloBy + by, asks, waiting: state.waiting.map(later) };
}

function expire(state: SessionState, now: number): SessionStep {
  const overdue = [...state.asks.values(), ...state.waiting].filter(({ deadline }) => now >= deadline);
  if (overdue.length === 0) return stay(state);
  const asks = new Map(state.asks);
  const effects: SessionEffect[] = [];
  for (const each of overdue) {
    if (asks.delete(each.id) && !each.abandoned) {
      effects.push({ type: 'send', frame: { type: 'cancel', id: each.id } });
    }
    const message = `${state.label} did not answer "${each.request.type}" within ${deadlineOf(each.request.type) / 1000} s.`;
    const outcome = { ok: false, error: new NethoodError('timeout', message) } as const;
    if (!each.abandoned) effects.push({ type: 'settle', ask: each.ask, outcome });
  }
  return { state: { ...state, asks, waiting: state.waiting.filter(({ deadline }) => now < deadline) }, effects };
}

function ping(state: SessionState): SessionStep {
  if (state.phase !== 'ready') return stay(state);
  const id = state.lastId + 1;
  // Not among the open requests: whatever comes next is proof of life.
  return { state: { ...state, lastId: id }, effects: [{ type: 'send', frame: { type: 'ping', id } }] };
}

function doubt(state: SessionState, { why, now }: Extract<SessionEvent, { type: 'doubted' }>): SessionStep {
  const heartbeat = (why === 'woke' ? woken : doubted)(state.heartbeat, now);
  return heartbeat === state.heartbeat ? stay(state) : ping({ ...state, heartbeat });
}

function dead(state: SessionState): SessionStep {
  return end(state, { code: closeCodes.dead, reason: 'silent for too long', by: 'us' });
}

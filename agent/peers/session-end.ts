import { NethoodError } from '../../protocol/errors.ts';
import type { SessionEffect, SessionState, SessionStep } from './session-state.ts';

interface Ending {
  readonly code: number;
  readonly reason: string;
  readonly by: 'us' | 'them';
}

export function stay(state: SessionState): SessionStep {
  return { state, effects: [] };
}

/** Stops the work on both sides: theirs by its signal, ours by telling who waits for it. */
export function end(state: SessionState, { code, reason, by }: Ending): SessionStep {
  const error = new NethoodError('interrupted', `The connection to ${state.label} has ended.`);
  const lost = [...state.asks.values(), ...state.waiting].filter(({ abandoned }) => !abandoned);
  const stopped = Array.from(state.work.keys(), (id): SessionEffect => ({ type: 'stop', id }));
  const settled = lost.map(({ ask }): SessionEffect => ({ type: 'settle', ask, outcome: { ok: false, error } }));
  return {
    state: { ...state, phase: 'ended', asks: new Map(), waiting: [], work: new Map() },
    effects: [...stopped, ...settled, { type: 'end', code, reason, by }],
  };
}

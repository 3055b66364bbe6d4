/**
 * Who is dialled when. Pure: the shell (`dialler.ts`) dials and tells how it went.
 *
 * The smaller DeviceId of a pair dials at once, the other after 1 s, so that two dials rarely cross; whom we remember at
 * our own start we dial at once in any case, because nobody else knows yet that we are there. Failures back off
 * from 1 to 60 s; a new sighting and waking up begin anew. At most 16 dials are under way, half of them to those whose
 * key was never proved: forged sightings cannot keep known neighbours waiting. Sessions are held to all up to 200; beyond
 * that only the trusted, the lately used and whoever is asked for are dialled.
 */
import type { DeviceId } from '../../protocol/ids.ts';

export const dialLimits = {
  underWay: 16,
  unproved: 8,
  held: 200,
  /** Head start of the smaller DeviceId. */
  otherSideMs: 1_000,
  firstBackoffMs: 1_000,
  mostBackoffMs: 60_000,
  jitter: 0.5,
  /**
   * A session that lasted so long was a good one: the next loss is dialled without delay. Less than silence takes to end
   * one, or a network that comes and goes would be waited for longer and longer.
   */
  steadyMs: 10_000,
  recentMs: 3_600_000,
} as const;

interface DialEntry {
  readonly phase: 'idle' | 'dialling' | 'connected';
  /** Its key was proved once. */
  readonly proved: boolean;
  /** Paired, or of our office. */
  readonly trusted: boolean;
  /** A request waits for it. */
  readonly wanted: boolean;
  readonly usedAt: number;
  readonly failures: number;
  /** Not before. */
  readonly dueAt: number;
  readonly triedAt: number;
  readonly connectedAt: number;
}

export interface DialState {
  readonly self: DeviceId;
  readonly entries: ReadonlyMap<DeviceId, DialEntry>;
}

/** `left`: it said goodbye; `refused`: it will not have us, or speaks another version; `moved`: we did, and only we know. */
export type LossKind = 'broken' | 'left' | 'refused' | 'moved';

export type DialEvent = { readonly now: number } & (
  | { readonly type: 'tick' }
  | { readonly type: 'woke' }
  /** `fresh`: something about it is new; `remembered`: from our last run, at the start of this one. */
  | {
      readonly type: 'seen';
      readonly id: DeviceId;
      readonly fresh: boolean;
      readonly remembered?: boolean;
      readonly proved: boolean;
      readonly trusted: boolean;
    }
  | { readonly type: 'wanted'; readonly id: DeviceId }
  | { readonly type: 'used'; readonly id: DeviceId }
  | { readonly type: 'connected'; readonly id: DeviceId; readonly trusted: boolean }
  /** `random` is a number from 0 to 1. */
  | { readonly type: 'failed'; readonly id: DeviceId; readonly random: number }
  | { readonly type: 'lost'; readonly id: DeviceId; readonly kind: LossKind; readonly random: number }
  | { readonly type: 'forgotten'; readonly id: DeviceId }
);

/** `abandon`: the dial under way is not needed any more. */
interface DialEffect {
  readonly type: 'dial' | 'abandon';
  readonly id: DeviceId;
}

export interface DialStep {
  readonly state: DialState;
  readonly effects: readonly DialEffect[];
}

export function noDials(self: DeviceId): DialState {
  return { self, entries: new Map() };
}

export function dialStep(state: DialState, event: DialEvent): DialStep {
  const { entries, abandoned } = update(state, event);
  const effects: DialEffect[] = abandoned === undefined ? [] : [{ type: 'abandon', id: abandoned }];
  return launch({ ...state, entries }, event.now, effects);
}

/** When `tick` is due. What is due already waits for a place, which another event frees. */
export function nextDialAt({ entries }: DialState, now: number): number {
  let next = Infinity;
  for (const { phase, dueAt } of entries.values()) if (phase === 'idle' && dueAt > now) next = Math.min(next, dueAt);
  return next;
}

interface Update {
  readonly entries: ReadonlyMap<DeviceId, DialEntry>;
  readonly abandoned?: DeviceId | undefined;
}

function update(state: DialState, event: DialEvent): Update {
  switch (event.type) {
    case 'tick':
      return state;
    case 'woke':
      return { entries: new Map(Array.from(state.entries, (pair) => wake(state.self, pair, event.now))) };
    case 'forgotten':
      return forget(state, event.id);
    case 'seen':
    case 'wanted':
    case 'connected':
    case 'failed':
    case 'lost':
    case 'used':
      return updateEntry(state, event);
  }
}

function forget(state: DialState, id: DeviceId): Update {
  const entries = new Map(state.entries);
  entries.delete(id);
  return { entries, abandoned: state.entries.get(id)?.phase === 'dialling' ? id : undefined };
}

/** How a dial or session ended says nothing of one who was forgotten meanwhile. */
const introductions: ReadonlySet<DialEvent['type']> = new Set(['seen', 'wanted', 'connected']);

function updateEntry(state: DialState, event: EntryEvent): Update {
  const old = state.entries.get(event.id);
  if (old === undefined && !introductions.has(event.type)) return state;
  const entry = change(old ?? unseen(state.self, event), event, state.self);
  if (entry === old) return state;
  const abandoned = old?.phase === 'dialling' && event.type === 'connected' ? event.id : undefined;
  return { entries: new Map(state.entries).set(event.id, entry), abandoned };
}

type EntryEvent = Exclude<DialEvent, { type: 'tick' | 'woke' | 'forgotten' }>;

function change(entry: DialEntry, event: EntryEvent, self: DeviceId): DialEntry {
  const { now, id } = event;
  switch (event.type) {
    case 'seen':
      return seen(entry, event, event.remembered === true ? 0 : headStart(self, id));
    case 'wanted':
      return { ...entry, wanted: entry.phase !== 'connected', usedAt: now, dueAt: Math.min(entry.dueAt, now) };
    case 'used':
      return { ...entry, usedAt: now };
    case 'connected':
      return { ...entry, phase: 'connected', proved: true, trusted: event.trusted, wanted: false, connectedAt: now };
    case 'failed':
      return entry.phase === 'dialling' ? failed(entry, now, event.random) : entry;
    case 'lost':
      return lost(entry, event, headStart(self, id));
  }
}

function seen(entry: DialEntry, event: Extract<DialEvent, { type: 'seen' }>, wait: number): DialEntry {
  const { proved, trusted } = event;
  const noted = entry.proved === proved && entry.trusted === trusted ? entry : { ...entry, proved, trusted };
  if (!event.fresh || entry.phase !== 'idle') return noted;
  // A storm of sightings does not become a storm of dials.
  const soonest = Math.max(event.now + wait, entry.triedAt + dialLimits.firstBackoffMs);
  return { ...noted, failures: 0, dueAt: Math.min(entry.dueAt, soonest) };
}

function failed(entry: DialEntry, now: number, random: number): DialEntry {
  const failures = entry.failures + 1;
  return { ...entry, phase: 'idle', wanted: false, failures, triedAt: now, dueAt: now + backoffMs(failures, random) };
}

function lost(entry: DialEntry, event: Extract<DialEvent, { type: 'lost' }>, wait: number): DialEntry {
  if (entry.phase !== 'connected') return entry;
  const { now, kind, random } = event;
  const steady = now - entry.connectedAt >= dialLimits.steadyMs;
  const idle = { ...entry, phase: 'idle', triedAt: now } as const;
  if (kind === 'moved') return { ...idle, failures: 0, dueAt: now };
  if (kind === 'refused') return { ...idle, failures: 7, dueAt: now + backoffMs(7, random) };
  if (kind === 'broken' && steady) return { ...idle, failures: 0, dueAt: now + wait };
  const failures = steady ? 1 : entry.failures + 1;
  return { ...idle, failures, dueAt: now + wait + backoffMs(failures, random) };
}

function wake(self: DeviceId, [id, entry]: readonly [DeviceId, DialEntry], now: number): [DeviceId, DialEntry] {
  if (entry.phase !== 'idle') return [id, entry];
  return [id, { ...entry, failures: 0, dueAt: Math.min(entry.dueAt, now + headStart(self, id)) }];
}

function unseen(self: DeviceId, { id, now }: { id: DeviceId; now: number }): DialEntry {
  const never = { usedAt: -Infinity, triedAt: -Infinity, connectedAt: -Infinity };
  const dueAt = now + headStart(self, id);
  return { phase: 'idle', proved: false, trusted: false, wanted: false, failures: 0, dueAt, ...never };
}

function headStart(self: DeviceId, id: DeviceId): number {
  return self < id ? 0 : dialLimits.otherSideMs;
}

function backoffMs(failures: number, random: number): number {
  const most = Math.min(dialLimits.firstBackoffMs * 2 ** (failures - 1), dialLimits.mostBackoffMs);
  return Math.round(most * (1 - dialLimits.jitter * random));
}

/** Begins what is due and has a place. */
function launch(state: DialState, now: number, before: readonly DialEffect[]): DialStep {
  const counts = count(state.entries);
  if (counts.dialling >= dialLimits.underWay) return { state, effects: before };
  const due = Array.from(state.entries).filter(([, { phase, dueAt }]) => phase === 'idle' && dueAt <= now);
  if (due.length === 0) return { state, effects: before };
  due.sort(([, a], [, b]) => urgency(b, now) - urgency(a, now) || b.usedAt - a.usedAt || a.dueAt - b.dueAt);
  const entries = new Map(state.entries);
  const effects = [...before];
  for (const [id, entry] of due) {
    const urgent = urgency(entry, now);
    if (counts.dialling >= dialLimits.underWay) break;
    if (urgent === 0 && counts.unproved >= dialLimits.unproved) break;
    if (urgent < 2 && counts.held >= dialLimits.held) break;
    counts.dialling += 1;
    counts.held += 1;
    if (urgent === 0) counts.unproved += 1;
    entries.set(id, { ...entry, phase: 'dialling', triedAt: now });
    effects.push({ type: 'dial', id });
  }
  return { state: { ...state, entries }, effects };
}

function count(entries: ReadonlyMap<DeviceId, DialEntry>): { dialling: number; unproved: number; held: number } {
  const counts = { dialling: 0, unproved: 0, held: 0 };
  for (const { phase, proved, trusted, wanted } of entries.values()) {
    if (phase !== 'idle') counts.held += 1;
    if (phase !== 'dialling') continue;
    counts.dialling += 1;
    if (!proved && !trusted && !wanted) counts.unproved += 1;
  }
  return counts;
}

/** 2 and more are dialled however many sessions there are; 0 is a rumour. */
function urgency({ wanted, trusted, usedAt, proved }: DialEntry, now: number): number {
  if (wanted) return 4;
  if (trusted) return 3;
  if (now - usedAt < dialLimits.recentMs) return 2;
  return proved ? 1 : 0;
}

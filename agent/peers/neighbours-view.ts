/** How a neighbour looks from outside: one value, made of what the table, the session and the dials know. */
import { isDeepStrictEqual } from 'node:util';
import type { NeighbourState, Trust } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { type DeviceId, shortId } from '../../protocol/ids.ts';
import type { Neighbour } from './neighbours.ts';
import { defaultPeersPort } from './peer-address.ts';
import { candidatesOf, type PeerRecord } from './peer-table.ts';
import type { Session } from './session.ts';

export interface Link {
  readonly session: Session | undefined;
  readonly dialling: boolean;
  /** The session broke a moment ago and is being dialled anew. */
  readonly retrying: boolean;
  /** The last thing heard was silence, a goodbye or a refusal. */
  readonly down: boolean;
  readonly problem: string | undefined;
}

const noFeatures: ReadonlySet<string> = new Set();

export function viewOf(record: PeerRecord, link: Link, trust: Trust): Neighbour {
  const { id, name, resources, lastSeen } = record;
  const { session } = link;
  const candidates = candidatesOf(record);
  return {
    id,
    name,
    state: stateOf(record, link),
    trust,
    addresses: candidates.map(({ address, zone }) => (zone === undefined ? { address } : { address, zone })),
    port: candidates[0]?.port ?? defaultPeersPort,
    resources,
    features: session?.greeting?.features ?? noFeatures,
    problem: session === undefined ? link.problem : undefined,
    lastSeen: session?.heardAt ?? lastSeen,
  };
}

/** Who is down stays `gone` while it is dialled again and again, until it answers or is seen anew. */
function stateOf({ sighted }: PeerRecord, { session, dialling, retrying, down }: Link): NeighbourState {
  if (session !== undefined) return 'ready';
  if (down) return 'gone';
  if (dialling || retrying) return 'connecting';
  return sighted ? 'found' : 'gone';
}

/** Time alone is no change. */
export function looksSame(one: Neighbour, other: Neighbour): boolean {
  return isDeepStrictEqual({ ...one, lastSeen: 0 }, { ...other, lastSeen: 0 });
}

/** By name or id; else by a prefix of either that fits one alone. @throws NethoodError `not-found`, `ambiguous` */
export function findNeighbour(all: readonly Neighbour[], text: string): Neighbour {
  const wanted = text.toLowerCase();
  const id = wanted.replaceAll('-', '');
  const exact = all.filter((each) => each.id === id || each.name === text);
  const loose = all.filter(
    (each) => each.name.toLowerCase().startsWith(wanted) || (id !== '' && each.id.startsWith(id)),
  );
  const found = exact.length > 0 ? exact : wanted === '' ? [] : loose;
  const [one, ...others] = found;
  if (one === undefined) throw new NethoodError('not-found', `There is no neighbour "${text}".`);
  if (others.length === 0) return one;
  const list = found.slice(0, 10).map(shown).join(', ');
  throw new NethoodError('ambiguous', `"${text}" fits several neighbours: ${list}${found.length > 10 ? ', …' : ''}.`);
}

export function noNeighbour(id: DeviceId): NethoodError {
  return new NethoodError('not-found', `There is no neighbour ${shortId(id)}.`);
}

function shown({ id, name, state }: Neighbour): string {
  return `${name} (${shortId(id)}, ${state})`;
}

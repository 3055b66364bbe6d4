/** What the faces see of the parts' own values. Pure. */
import type { EntryView, NeighbourView } from '../../protocol/control.ts';
import { DisplayName, shortId } from '../../protocol/ids.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { displayName, parseWirePath, type WirePath } from '../../protocol/wire-path.ts';
import type { Neighbour } from '../peers/neighbours.ts';
import { addressText } from '../peers/peer-address.ts';

export function neighbourView(neighbour: Neighbour): NeighbourView {
  const name = DisplayName.safeParse(neighbour.name);
  return {
    id: neighbour.id,
    // A rumour may call itself anything.
    name: name.success ? name.data : shortId(neighbour.id),
    state: neighbour.state,
    trust: neighbour.trust,
    addresses: neighbour.addresses.map(addressText),
    port: neighbour.port,
    shares: neighbour.resources.shares,
    printers: neighbour.resources.printers,
    problem: neighbour.problem ?? null,
    lastSeen: neighbour.lastSeen === undefined ? null : isoTime(neighbour.lastSeen),
  };
}

/** `folder` is the folder that was listed, from the share's root on: the view's path is from there too. */
export function entryView(folder: WirePath, { path, kind, size, modified }: PeerEntry): EntryView {
  const whole = folder === '' || path === '' ? parseWirePath(folder + path) : parseWirePath(`${folder}/${path}`);
  return { name: displayName(whole), path: whole, kind, size, modified: isoTime(modified) };
}

/** Years 1 to 9999, which ISO 8601 writes with four digits: file systems hold others too. */
const firstMoment = Date.parse('0001-01-01T00:00:00.000Z');
const lastMoment = Date.parse('9999-12-31T23:59:59.999Z');

export function isoTime(milliseconds: number): string {
  return new Date(Math.min(Math.max(milliseconds, firstMoment), lastMoment)).toISOString();
}

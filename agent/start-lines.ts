/** What `nethood run` says in a terminal: who it is, what it shares, and each neighbour as it comes and goes. Pure. */
import { type NeighbourView, type Snapshot } from '../protocol/control.ts';
import { shortId } from '../protocol/ids.ts';
import type { Audience, Rights } from '../protocol/resources.ts';

export function startLines(snapshot: Snapshot): string[] {
  const { device, ports } = snapshot;
  const guests = ports.guests === null ? 'guests none' : `guests ${ports.guests}`;
  return [
    `nethood ${snapshot.version}: ${device.name} (${shortId(device.id)})`,
    ...sharedLines(snapshot),
    `  API on http://127.0.0.1:${ports.loopback}, agents on port ${ports.peers}, ${guests}`,
    ...snapshot.notices.map(({ message }) => `  ! ${message}`),
    'Looking for neighbours. Ctrl-C stops.',
  ];
}

function sharedLines({ shares, printers, paused }: Snapshot): string[] {
  const lines = [
    ...shares.map(
      ({ name, folder, audience, rights }) => `  shares "${name}" (${folder}) ${sharedWith(audience, rights)}`,
    ),
    ...printers
      .filter(({ local, audience }) => local && audience !== null)
      .map(({ name, audience }) => `  shares the printer "${name}" ${sharedWith(audience ?? [], 'read')}`),
  ];
  if (lines.length === 0) return ['  shares nothing yet: `nethood share --public` makes and shares the folder Public'];
  return paused ? [...lines, '  sharing is paused: `nethood resume`'] : lines;
}

function sharedWith(audience: Audience, rights: Rights): string {
  const who =
    typeof audience === 'string' ? audience : `${audience.length} ${audience.length === 1 ? 'device' : 'devices'}`;
  return `with ${who}${rights === 'write' ? ', writable' : ''}`;
}

/** What changed between two lists of neighbours, one line each; nothing for what is not worth a line. */
export function neighbourLines(before: readonly NeighbourView[], after: readonly NeighbourView[]): string[] {
  const known = new Map(before.map((neighbour) => [neighbour.id, neighbour]));
  return after.flatMap((neighbour) => {
    const was = known.get(neighbour.id)?.state;
    if (neighbour.state === was) return [];
    if (neighbour.state === 'ready')
      return [
        `+ ${neighbour.name} (${shortId(neighbour.id)}) at ${neighbour.addresses[0] ?? '?'}: ${offers(neighbour)}`,
      ];
    return neighbour.state === 'gone' && was !== undefined ? [`- ${neighbour.name} is gone`] : [];
  });
}

function offers({ shares, printers }: NeighbourView): string {
  const names = [...shares, ...printers].map(({ name }) => name);
  return names.length === 0
    ? 'shares nothing with you'
    : names.slice(0, 5).join(', ') + (names.length > 5 ? ', …' : '');
}

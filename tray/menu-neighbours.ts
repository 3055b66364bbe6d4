/** The part of the menu about the neighbours: who is there, and what each one offers. */
import type { NeighbourView, Snapshot } from '../protocol/control.ts';
import type { RemotePrinter, RemoteShare } from '../protocol/resources.ts';
import { askButton, emptySlot, label, optional, slots, submenu, type MenuItem } from './menu-model.ts';
import { moreItem, printerText } from './menu-own.ts';
import { cleanText } from './menu-text.ts';

const neighbourSlots = 20;
const actionSlots = 12;
/** One more than the actions: for "… more". */
const childSlots = actionSlots + 1;

/** Always begins with a visible item, so that no two separators meet. */
export function neighbourSection(snapshot: Snapshot | undefined): MenuItem[] {
  const neighbours = (snapshot?.neighbours ?? []).filter(isShown).toSorted(byNearness);
  return [
    label(headingText(snapshot, neighbours.length)),
    ...slots(neighbours.map(neighbourItem), neighbourSlots, childSlots),
    optional(moreItem(neighbours.length - neighbourSlots, 'nethood neighbours')),
  ];
}

function headingText(snapshot: Snapshot | undefined, count: number): string {
  if (snapshot === undefined) return 'Start it with “nethood start”';
  return count === 0 ? 'No neighbours seen yet' : 'Neighbours';
}

/** Those who left are history; the command line lists them. */
function isShown(neighbour: NeighbourView): boolean {
  return neighbour.state !== 'gone' && neighbour.trust !== 'blocked';
}

const collator = new Intl.Collator('en', { numeric: true });

/** Those in reach first, by name; the id keeps twins in one order. */
function byNearness(a: NeighbourView, b: NeighbourView): number {
  const rank = Number(b.state === 'ready') - Number(a.state === 'ready');
  return rank || collator.compare(a.name, b.name) || collator.compare(a.id, b.id);
}

function neighbourItem(neighbour: NeighbourView): MenuItem {
  const name = cleanText(neighbour.name);
  if (neighbour.state !== 'ready')
    return { ...emptySlot(childSlots), hidden: false, title: `${name} (${absenceText(neighbour)})` };
  const actions = [
    ...neighbour.shares.map((share) => shareItem(neighbour, share)),
    ...neighbour.printers.map((printer) => printerItem(printer)),
  ];
  const more = moreItem(actions.length - actionSlots, `nethood neighbours`);
  const children = [...slots(actions, actionSlots), optional(more)];
  return submenu(actions.length === 0 ? `${name} (shares nothing)` : name, children);
}

function absenceText(neighbour: NeighbourView): string {
  if (neighbour.problem !== null) return cleanText(neighbour.problem, 60);
  return neighbour.state === 'connecting' ? 'connecting …' : 'seen, not connected';
}

function shareItem(neighbour: NeighbourView, share: RemoteShare): MenuItem {
  return askButton(`Fetch folder “${cleanText(share.name)}”`, {
    kind: 'get',
    neighbour: neighbour.id,
    share: share.name,
  });
}

function printerItem(printer: RemotePrinter): MenuItem {
  return label(`Printer “${cleanText(printer.name)}”: ${printerText(printer)}`);
}

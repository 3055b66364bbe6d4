/** The part of the menu about this PC: what is shared, and what could be. */
import type { PrinterView, ShareView, Snapshot } from '../protocol/control.ts';
import type { Audience, PrinterState, Supply } from '../protocol/resources.ts';
import { askButton, folderButton, label, optional, slots, submenu, type MenuItem } from './menu-model.ts';
import { cleanText, reasonsText } from './menu-text.ts';

const folderSlots = 12;
const folderActions = 3;
const printerSlots = 12;
/** Percent: somebody should have a new one at hand. */
const lowLevel = 10;
const mostSupplies = 2;

/** Always begins with a visible item, so that no two separators meet. */
export function ownSection(snapshot: Snapshot | undefined): MenuItem[] {
  return [...folderSection(snapshot), ...printerSection(snapshot)];
}

function folderSection(snapshot: Snapshot | undefined): MenuItem[] {
  const shares = snapshot?.shares ?? [];
  const offer = snapshot !== undefined && shares.length === 0;
  return [
    label(folderHeading(snapshot)),
    ...slots(shares.map(folderItem), folderSlots, folderActions),
    optional(moreItem(shares.length - folderSlots, 'nethood shares')),
    optional(offer ? askButton('Share a new folder “Public”', { kind: 'share-public' }) : undefined),
  ];
}

function folderHeading(snapshot: Snapshot | undefined): string {
  if (snapshot === undefined) return 'Nothing is shared now';
  if (snapshot.shares.length === 0) return 'No shared folders';
  return snapshot.paused ? 'Shared folders (paused)' : 'Shared folders';
}

function folderItem(share: ShareView): MenuItem {
  const rights = share.rights === 'write' ? 'may change it' : 'read only';
  const state = share.state === 'ok' ? '' : ' (folder is missing)';
  return submenu(`${cleanText(share.name)}${state}`, [
    label(`For ${audienceText(share.audience)}, ${rights}`),
    folderButton('Open folder', { kind: 'open-folder', folder: share.folder }),
    askButton('Stop sharing', { kind: 'unshare', share: share.name }),
  ]);
}

function printerSection(snapshot: Snapshot | undefined): MenuItem[] {
  const printers = (snapshot?.printers ?? []).filter(
    (printer) => printer.local && (printer.shared || printer.unshareable === null),
  );
  return [
    optional(printers.length === 0 ? undefined : label(printerHeading(snapshot))),
    ...slots(printers.map(printerItem), printerSlots),
    optional(moreItem(printers.length - printerSlots, 'nethood printers')),
  ];
}

function printerHeading(snapshot: Snapshot | undefined): string {
  return snapshot?.paused === true ? 'Printers: tick to share (paused)' : 'Printers: tick to share';
}

/** The mark is part of the title: the helper's own check marks are never taken away again on Linux. */
function printerItem(printer: PrinterView): MenuItem {
  const state = printerText(printer);
  const note = state === 'ready' ? '' : ` (${state})`;
  const name = `${cleanText(printer.name)}${note}`;
  if (!printer.shared) return askButton(`☐ ${name}`, { kind: 'printer-share', printer: printer.id });
  const { audience: who } = printer;
  const audience = who === null || who === 'everyone' ? '' : `, for ${audienceText(who)}`;
  return askButton(`☑ ${name}${audience}`, { kind: 'printer-unshare', printer: printer.id });
}

interface PrinterNews {
  readonly state: PrinterState;
  readonly stateReasons: readonly string[];
  readonly accepting: boolean;
  readonly supplies: readonly Supply[];
  readonly jobs: number;
}

/** What anybody wants to know before printing: `ready`, `printing`, or why not; how many wait, and what soon runs out. */
export function printerText(printer: PrinterNews): string {
  const waiting = printer.jobs === 0 ? [] : [printer.jobs === 1 ? '1 job' : `${printer.jobs} jobs`];
  const low = printer.supplies.flatMap(({ name, level }) =>
    level === null || level > lowLevel ? [] : [`${cleanText(name, 30)} ${level} %`],
  );
  return [stateText(printer), ...waiting, ...low.slice(0, mostSupplies)].join(', ');
}

function stateText(printer: PrinterNews): string {
  if (!printer.accepting) return 'takes no jobs';
  const reasons = reasonsText(printer.stateReasons);
  switch (printer.state) {
    case 'idle':
      return reasons === '' ? 'ready' : reasons;
    case 'processing':
      return 'printing';
    case 'stopped':
      return reasons === '' ? 'stopped' : `stopped: ${reasons}`;
  }
}

export function moreItem(count: number, command: string): MenuItem | undefined {
  return count > 0 ? label(`${count} more: run “${command}”`) : undefined;
}

function audienceText(audience: Audience): string {
  if (typeof audience === 'string') return audience;
  return audience.length === 1 ? 'one device' : `${audience.length} devices`;
}

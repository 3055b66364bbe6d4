/**
 * Supplies and trays in the words of PWG 5100.13 sections 4.7.1 to 4.7.4: octet strings of `key=value;`, the values those
 * of the Printer MIB (RFC 3805), where -2 is "unknown".
 */
import type { Supply } from '../../protocol/resources.ts';
import { keyword, octetString, stringsOf, text, type AttributeTable } from './ipp-attributes.ts';
import type { AttributeGroup } from './ipp-values.ts';

const unknown = -2;

export function supplyAttributes(described: AttributeGroup, supplies: readonly Supply[]): AttributeTable {
  // Both or none: the nth description belongs to the nth supply.
  const told = described.get('printer-supply')?.length ?? 0;
  if (told > 0 && described.get('printer-supply-description')?.length === told) return {};
  // IPP Everywhere wants them of every printer: of one that tells nothing, one supply of which nothing is known.
  const listed = supplies.length > 0 ? supplies : [{ name: 'Unknown', level: null }];
  return {
    'printer-supply': octetString(...listed.map(supply)),
    'printer-supply-description': text(...listed.map(({ name }) => name || 'Unknown')),
  };
}

function supply({ level }: Supply, at: number): string {
  return parts({
    index: at + 1,
    class: 'supplyThatIsConsumed',
    type: 'other',
    unit: 'percent',
    maxcapacity: level === null ? unknown : 100,
    level: level ?? unknown,
  });
}

/** One tray for each source and each bin that the destination names. */
export function trayAttributes(described: AttributeGroup): AttributeTable {
  const sources = named(described, 'media-source-supported').map(inputTray);
  const bins = named(described, 'output-bin-supported').map(outputTray);
  return {
    'printer-input-tray': described.get('printer-input-tray') ?? octetString(...sources),
    'printer-output-tray': described.get('printer-output-tray') ?? octetString(...bins),
  };
}

/** The keyword that stands for "whichever there is", where none is named. */
export const automatic = keyword('auto');

function named(described: AttributeGroup, attribute: string): string[] {
  const names = stringsOf(described, attribute).filter((name) => !/^\d+$|[;=\p{Cc}]/u.test(name));
  return names.length > 0 ? names : ['auto'];
}

function inputTray(name: string): string {
  const feeds = { manual: 'sheetFeedManual', 'by-pass-tray': 'sheetFeedManual', roll: 'continuousRoll' };
  const type = Object.hasOwn(feeds, name) ? feeds[name as keyof typeof feeds] : 'other';
  const sizes = { mediafeed: unknown, mediaxfeed: unknown, maxcapacity: unknown, level: unknown };
  return parts({ type, ...sizes, status: 0, name });
}

function outputTray(name: string): string {
  const faces = { 'face-up': 'faceUp', 'face-down': 'faceDown' };
  const pagedelivery = Object.hasOwn(faces, name) ? faces[name as keyof typeof faces] : 'unknown';
  return parts({
    type: 'other',
    maxcapacity: unknown,
    remaining: unknown,
    status: 0,
    stackingorder: 'unknown',
    pagedelivery,
    name,
  });
}

function parts(table: Readonly<Record<string, string | number>>): string {
  return Object.entries(table)
    .map(([key, value]) => `${key}=${value};`)
    .join('');
}

/** How full a printer is: CUPS' marker attributes, or printer-supply (PWG 5100.13 section 6.6.30), as the device last said it. */
import { type Supply } from '../../protocol/resources.ts';
import { numbersOf, stringsOf } from '../printing/ipp-attributes.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import { oneLine } from './one-line.ts';

export const supplyAttributes = [
  'marker-names',
  'marker-levels',
  'marker-types',
  'printer-supply',
  'printer-supply-description',
];

/** Undefined where the printer says nothing of it. */
export function suppliesOf(printer: AttributeGroup): readonly Supply[] | undefined {
  const supplies = [...markersOf(printer), ...papersOf(printer)];
  return supplies.length === 0 ? undefined : supplies.slice(0, 32);
}

/** Levels are percent; below zero: unknown (-1, -2), or something is left (-3). */
function markersOf(printer: AttributeGroup): Supply[] {
  const levels = numbersOf(printer, 'marker-levels');
  const types = stringsOf(printer, 'marker-types');
  return stringsOf(printer, 'marker-names').map((name, at) => ({
    name: nameOf(name, types[at]),
    level: percent(levels[at] ?? -1, 100),
  }));
}

/** Without those that stand among the markers already: CUPS makes entries of printer-supply from them. */
function papersOf(printer: AttributeGroup): Supply[] {
  const descriptions = stringsOf(printer, 'printer-supply-description');
  const markers = new Set(stringsOf(printer, 'marker-names'));
  return (printer.get('printer-supply') ?? []).flatMap((value, at) => {
    if (value.tag !== 'octetString') return [];
    const parts = partsOf(Buffer.from(value.value).toString('latin1'));
    const description = descriptions[at] ?? '';
    if (markers.has(description)) return [];
    const level = percent(Number(parts.get('level') ?? -1), Number(parts.get('maxcapacity') ?? 100));
    return [{ name: nameOf(description, parts.get('type')), level }];
  });
}

/** `index=1;class=supplyThatIsConsumed;type=toner;maxcapacity=100;level=70;` */
function partsOf(entry: string): Map<string, string> {
  return new Map(
    entry.split(';').flatMap((part): [string, string][] => {
      const at = part.indexOf('=');
      return at < 0 ? [] : [[part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()]];
    }),
  );
}

function percent(level: number, capacity: number): number | null {
  if (!(level >= 0) || !(capacity > 0)) return null;
  return Math.min(100, Math.round((level / capacity) * 100));
}

function nameOf(description: string, type: string | undefined): string {
  return oneLine(description, 255) || oneLine(type ?? '', 255) || 'supply';
}

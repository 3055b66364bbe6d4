/** The ticket of a job (RFC 8011 section 5.2) in the numbers of System.Drawing.Printing. What it does not say, the printer's own settings say. */
import { firstNumber, firstString } from '../printing/ipp-attributes.ts';
import { orientations, printQualities } from '../printing/ipp-tables.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import { mediaOf } from './windows-media.ts';
import type { PrintSettings, WindowsAbilities } from './windows-protocol.ts';

/** Of the pictures of pages. At 600 one of A4 takes 140 MB while it is drawn. */
const dpis: Readonly<Record<number, number>> = { [printQualities.draft]: 150, [printQualities.high]: 600 };
const normalDpi = 300;

const duplexes = { 'one-sided': 1, 'two-sided-long-edge': 2, 'two-sided-short-edge': 3 } as const;
const colors = { color: true, monochrome: false } as const;
const scalings = { auto: 'auto', 'auto-fit': 'auto', fit: 'fit', fill: 'fill', none: 'none' } as const;

/** @param abilities undefined while the printer tells none: then it chooses the paper by itself */
export function printSettings(template: AttributeGroup, abilities: WindowsAbilities | undefined): PrintSettings {
  const color = lookUp(colors, firstString(template, 'print-color-mode'));
  return {
    copies: firstNumber(template, 'copies') ?? 1,
    collate: firstString(template, 'multiple-document-handling') !== 'separate-documents-uncollated-copies',
    duplex: lookUp(duplexes, firstString(template, 'sides')) ?? null,
    color: color ?? null,
    paper: paperOf(template, abilities) ?? null,
    landscape: landscapeOf(template) ?? null,
    scaling: lookUp(scalings, firstString(template, 'print-scaling')) ?? 'auto',
    dpi: dpis[firstNumber(template, 'print-quality') ?? 0] ?? normalDpi,
    pages: (template.get('page-ranges') ?? []).flatMap((value) =>
      value.tag === 'rangeOfInteger' ? [{ from: value.lower, to: value.upper }] : [],
    ),
  };
}

function paperOf(template: AttributeGroup, abilities: WindowsAbilities | undefined): number | undefined {
  const media = mediaOf(abilities?.papers ?? []);
  const name = firstString(template, 'media');
  if (name !== undefined) return media.find((each) => each.name === name)?.kind;
  const size = sizeIn(template);
  return media.find(({ x, y }) => near(x, size.x) && near(y, size.y))?.kind;
}

/** Dialogs round millimetres their own way: half a millimetre either way is the same sheet. */
function near(a: number, b: number | undefined): boolean {
  return b !== undefined && Math.abs(a - b) <= 50;
}

function sizeIn(template: AttributeGroup): { x?: number | undefined; y?: number | undefined } {
  const [column] = template.get('media-col') ?? [];
  const [size] = (column?.tag === 'collection' ? column.members.get('media-size') : undefined) ?? [];
  if (size?.tag !== 'collection') return {};
  return { x: firstNumber(size.members, 'x-dimension'), y: firstNumber(size.members, 'y-dimension') };
}

function landscapeOf(template: AttributeGroup): boolean | undefined {
  const asked = firstNumber(template, 'orientation-requested');
  if (asked === orientations.portrait) return false;
  return asked === orientations.landscape ? true : undefined;
}

function lookUp<Table extends object>(table: Table, key: string | undefined): Table[keyof Table] | undefined {
  return key !== undefined && Object.hasOwn(table, key) ? table[key as keyof Table] : undefined;
}

/**
 * What the TXT record says that a printer can do (Bonjour Printing Specification 1.2 section 9.3; `URF` and `kind` as
 * AirPrint has them). A key that is left out says that nothing is known.
 */
import { firstBoolean, firstString, numbersOf, stringsOf } from './ipp-attributes.ts';
import type { AttributeGroup } from './ipp-values.ts';

export function abilities(described: AttributeGroup): Record<string, string> {
  const sides = stringsOf(described, 'sides-supported');
  return {
    Color: letter(firstBoolean(described, 'color-supported') === true),
    Duplex: letter(sides.some((side) => side.startsWith('two-sided'))),
    Copies: letter(copies(described) > 1),
    ...collation(described),
    ...finishing(described),
    ...known('PaperMax', paperMax(described)),
    ...known('kind', stringsOf(described, 'printer-kind').join(',')),
    ...known('URF', stringsOf(described, 'urf-supported').join(',')),
    ...known('mopria-certified', firstString(described, 'mopria-certified')),
  };
}

function known(key: string, value: string | undefined): Record<string, string> {
  return value === undefined || value === '' ? {} : { [key]: value };
}

function letter(can: boolean): string {
  return can ? 'T' : 'F';
}

function copies(described: AttributeGroup): number {
  const [range] = described.get('copies-supported') ?? [];
  return range?.tag === 'rangeOfInteger' ? range.upper : 1;
}

function collation(described: AttributeGroup): Record<string, string> {
  const handling = stringsOf(described, 'multiple-document-handling-supported');
  if (handling.length === 0) return {};
  return { Collate: letter(handling.includes('separate-documents-collated-copies')) };
}

/** Enums of PWG 5100.1 table 1: the general one, and the range of the particular ones. */
const finishings = { Staple: [4, 20, 35], Punch: [5, 70, 93], Bind: [7, 50, 53] } as const;

function finishing(described: AttributeGroup): Record<string, string> {
  const offered = numbersOf(described, 'finishings-supported');
  if (offered.length === 0) return {};
  const table = Object.entries(finishings).map(([key, [general, first, last]]): [string, string] => [
    key,
    letter(offered.some((code) => code === general || (code >= first && code <= last))),
  ]);
  return Object.fromEntries(table);
}

/** Millimetres: short and long edge of the larger of the two sizes in each name. */
const papers = [
  ['legal-A4', 216, 356],
  ['tabloid-A3', 297, 432],
  ['isoC-A2', 432, 610],
] as const;

function paperMax(described: AttributeGroup): string | undefined {
  const sizes = stringsOf(described, 'media-supported').flatMap((name) => sizeOf(name) ?? []);
  if (sizes.length === 0) return undefined;
  const fits = papers.find(([, short, long]) => sizes.every((size) => size.short <= short && size.long <= long));
  return fits?.[0] ?? '>isoC-A2';
}

/** Of `iso_a4_210x297mm` (PWG 5101.1 section 5.2). Sizes of one's own choice have bounds, not a size. */
function sizeOf(name: string): { short: number; long: number } | undefined {
  const [, width, height, unit] = /_(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)(mm|in)$/.exec(name) ?? [];
  if (name.startsWith('custom_') || width === undefined || height === undefined) return undefined;
  // Whole millimetres: 8.5 inches are 215.9.
  const [a, b] = [width, height].map((edge) => Math.round(Number(edge) * (unit === 'in' ? 25.4 : 1)));
  return { short: Math.min(a ?? 0, b ?? 0), long: Math.max(a ?? 0, b ?? 0) };
}

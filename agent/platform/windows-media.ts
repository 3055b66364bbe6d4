/** Paper of Windows drivers (DMPAPER_*, sizes in hundredths of an inch) in the names of PWG 5101.1. */
import type { WindowsAbilities } from './windows-protocol.ts';

export type WindowsPaper = WindowsAbilities['papers'][number];

/** wingdi.h. What is not here is told by its size. */
const namesOfKinds: Readonly<Record<number, string>> = {
  1: 'na_letter_8.5x11in',
  3: 'na_ledger_11x17in',
  5: 'na_legal_8.5x14in',
  6: 'na_invoice_5.5x8.5in',
  7: 'na_executive_7.25x10.5in',
  8: 'iso_a3_297x420mm',
  9: 'iso_a4_210x297mm',
  11: 'iso_a5_148x210mm',
  12: 'jis_b4_257x364mm',
  13: 'jis_b5_182x257mm',
  14: 'na_foolscap_8.5x13in',
  20: 'na_number-10_4.125x9.5in',
  27: 'iso_dl_110x220mm',
  28: 'iso_c5_162x229mm',
  30: 'iso_c4_229x324mm',
  31: 'iso_c6_114x162mm',
  33: 'iso_b4_250x353mm',
  34: 'iso_b5_176x250mm',
  37: 'na_monarch_3.875x7.5in',
  43: 'jpn_hagaki_100x148mm',
  66: 'iso_a2_420x594mm',
  70: 'iso_a6_105x148mm',
};

/** Drivers have hundreds: a dialog shows no more, and a description stays small. */
const mostPapers = 100;

export interface Media {
  readonly name: string;
  /** Hundredths of a millimetre. */
  readonly x: number;
  readonly y: number;
  readonly kind: number;
}

/** Each size once, the first of its name. */
export function mediaOf(papers: readonly WindowsPaper[]): Media[] {
  const media = new Map<string, Media>();
  for (const paper of papers) {
    if (paper.width === 0 || paper.height === 0) continue;
    const name = nameOf(paper);
    if (!media.has(name))
      media.set(name, { name, x: hundredths(paper.width), y: hundredths(paper.height), kind: paper.kind });
  }
  return [...media.values()].slice(0, mostPapers);
}

function nameOf({ kind, width, height }: WindowsPaper): string {
  const known = namesOfKinds[kind];
  if (known !== undefined) return known;
  const [x, y] = [millimetres(width), millimetres(height)];
  return `custom_${x}x${y}mm_${x}x${y}mm`;
}

function hundredths(inchHundredths: number): number {
  return Math.round(inchHundredths * 25.4);
}

function millimetres(inchHundredths: number): number {
  return Math.round(inchHundredths * 0.254);
}

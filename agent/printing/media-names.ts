/** Paper as people call it, and its self-describing name (PWG 5101.1 sections 5.1 and 6). */

const names: readonly (readonly [string, string])[] = [
  ['A0', 'iso_a0_841x1189mm'],
  ['A1', 'iso_a1_594x841mm'],
  ['A2', 'iso_a2_420x594mm'],
  ['A3', 'iso_a3_297x420mm'],
  ['A4', 'iso_a4_210x297mm'],
  ['A5', 'iso_a5_148x210mm'],
  ['A6', 'iso_a6_105x148mm'],
  ['A7', 'iso_a7_74x105mm'],
  ['B3', 'iso_b3_353x500mm'],
  ['B4', 'iso_b4_250x353mm'],
  ['B5', 'iso_b5_176x250mm'],
  ['B6', 'iso_b6_125x176mm'],
  ['C4', 'iso_c4_229x324mm'],
  ['C5', 'iso_c5_162x229mm'],
  ['C6', 'iso_c6_114x162mm'],
  ['DL', 'iso_dl_110x220mm'],
  ['JIS-B4', 'jis_b4_257x364mm'],
  ['JIS-B5', 'jis_b5_182x257mm'],
  ['Letter', 'na_letter_8.5x11in'],
  ['Legal', 'na_legal_8.5x14in'],
  ['Ledger', 'na_ledger_11x17in'],
  ['Tabloid', 'na_ledger_11x17in'],
  ['Executive', 'na_executive_7.25x10.5in'],
  ['Statement', 'na_invoice_5.5x8.5in'],
  ['Foolscap', 'na_foolscap_8.5x13in'],
  ['Super-B', 'na_super-b_13x19in'],
  ['Monarch', 'na_monarch_3.875x7.5in'],
  ['Env10', 'na_number-10_4.125x9.5in'],
  ['4x6', 'na_index-4x6_4x6in'],
  ['5x7', 'na_5x7_5x7in'],
  ['Hagaki', 'jpn_hagaki_100x148mm'],
  ['Folio', 'om_folio_210x330mm'],
];
const byShortName = new Map(names.map(([short, pwg]) => [short.toLowerCase(), pwg]));
/** Of two short names the first. */
const byPwgName = new Map(names.toReversed().map(([short, pwg]) => [pwg, short]));

/** `A4` or `iso_a4_210x297mm` to the latter; undefined for what is neither. */
export function pwgMediaName(text: string): string | undefined {
  const short = byShortName.get(text.toLowerCase());
  if (short !== undefined) return short;
  return /^[a-z0-9-]+_[a-z0-9.-]+_\d+(\.\d+)?x\d+(\.\d+)?(mm|in)$/.test(text) ? text : undefined;
}

/** For people. */
export function shortMediaName(pwgName: string): string {
  return byPwgName.get(pwgName) ?? pwgName;
}

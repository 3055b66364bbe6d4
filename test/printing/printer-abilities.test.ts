import { describe, expect, test } from 'vitest';
import {
  attributes,
  boolean,
  enumeration,
  keyword,
  range,
  text,
  type AttributeTable,
} from '../../agent/printing/ipp-attributes.ts';
import { abilities } from '../../agent/printing/printer-abilities.ts';

const of = (table: AttributeTable): Record<string, string> => abilities(attributes(table));

describe('what the text record says that a printer can do', () => {
  test('is nothing where the printer says nothing, but for colour, sides and copies', () => {
    expect(of({})).toEqual({ Color: 'F', Duplex: 'F', Copies: 'F' });
  });

  test('is what a large machine offers', () => {
    expect(
      of({
        'color-supported': boolean(true),
        'sides-supported': keyword('one-sided', 'two-sided-long-edge'),
        'copies-supported': range(1, 99),
        'multiple-document-handling-supported': keyword(
          'separate-documents-uncollated-copies',
          'separate-documents-collated-copies',
        ),
        'finishings-supported': enumeration(3, 20, 70),
        'media-supported': keyword('iso_a4_210x297mm', 'iso_a3_297x420mm', 'custom_max_3000x9000mm'),
        'printer-kind': keyword('document', 'envelope'),
        'urf-supported': keyword('V1.4', 'W8'),
        'mopria-certified': text('1.3'),
      }),
    ).toEqual({
      Color: 'T',
      Duplex: 'T',
      Copies: 'T',
      Collate: 'T',
      Staple: 'T',
      Punch: 'T',
      Bind: 'F',
      PaperMax: 'tabloid-A3',
      kind: 'document,envelope',
      URF: 'V1.4,W8',
      'mopria-certified': '1.3',
    });
  });

  test.each([
    [['iso_a5_148x210mm'], 'legal-A4'],
    [['iso_a4_210x297mm', 'na_legal_8.5x14in'], 'legal-A4'],
    [['na_ledger_11x17in'], 'tabloid-A3'],
    [['iso_a2_420x594mm'], 'isoC-A2'],
    [['na_c_17x22in'], 'isoC-A2'],
    [['iso_a0_841x1189mm'], '>isoC-A2'],
    [['custom_min_10x10mm', 'choice', 'om_x_1x'], undefined],
  ])('of paper %j is %s', (media, largest) => {
    expect(of({ 'media-supported': keyword(...media) })['PaperMax']).toBe(largest);
  });

  test.each([
    [[3], 'FFF'],
    [[4], 'TFF'],
    [[5], 'FTF'],
    [[7], 'FFT'],
    [[28, 91, 53], 'TTT'],
    [[100], 'FFF'],
  ])('of finishings %j is %s', (codes, letters) => {
    const { Staple, Punch, Bind } = of({ 'finishings-supported': enumeration(...codes) });
    expect(`${Staple}${Punch}${Bind}`).toBe(letters);
  });
});

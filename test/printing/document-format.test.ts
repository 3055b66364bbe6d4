import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkFormat, sniffFormat } from '../../agent/printing/document-format.ts';
import { attributesFromJson, attributesToJson, JsonAttributes } from '../../agent/printing/ipp-json.ts';
import { anyResponse } from './ipp-arbitrary.ts';

describe('a document is', () => {
  test.each([
    ['PDF', Buffer.from('%PDF-1.7\n'), 'application/pdf'],
    ['PDF after a mark and blanks', Buffer.from('\ufeff \n%PDF-1.7\n'), 'application/pdf'],
    ['JPEG', Buffer.from('ffd8ffe000104a464946', 'hex'), 'image/jpeg'],
    ['PWG raster', Buffer.from('RaS2PwgRaster\0'), 'image/pwg-raster'],
    ['Apple raster', Buffer.from('UNIRAST\0\0\0\0\u0001'), 'image/urf'],
    ['text', Buffer.from('Grüße,\r\n\tAnna\f'), 'text/plain'],
    ['text that speaks of PDF', Buffer.from('Begin with %PDF-'), 'text/plain'],
    ['text in Latin-1', Buffer.from('Gr\xfc\xdfe', 'latin1'), 'text/plain'],
    ['PostScript: nothing of ours', Buffer.from('%!PS-Adobe-3.0\n'), undefined],
    ['PCL: nothing of ours', Buffer.from('\u001b%-12345X@PJL'), undefined],
    ['a program: nothing of ours', Buffer.from('7f454c46020101', 'hex'), undefined],
    ['empty: nothing of ours', Buffer.alloc(0), undefined],
  ])('%s', (_, head, format) => {
    expect(sniffFormat(head)).toBe(format);
  });

  test('only what it claims and the printer takes', () => {
    const pdf = Buffer.from('%PDF-1.7');
    expect(checkFormat(pdf, 'Application/PDF; x=y', ['application/pdf'])).toBe('application/pdf');
    expect(checkFormat(pdf, undefined, ['application/pdf'])).toBe('application/pdf');
    expect(() => checkFormat(pdf, 'image/jpeg', ['application/pdf', 'image/jpeg'])).toThrow(/not image\/jpeg/);
    expect(() => checkFormat(pdf, undefined, ['image/jpeg'])).toThrow(/does not take application\/pdf/);
    expect(() => checkFormat(Buffer.from([0]), undefined, ['text/plain'])).toThrow(/none of the known formats/);
  });
});

test('every group of attributes comes back from the journal as it went', () => {
  fc.assert(
    fc.property(anyResponse, ({ groups }) => {
      for (const { attributes } of groups) {
        const text = JSON.stringify(attributesToJson(attributes));
        const back = attributesFromJson(JsonAttributes.parse(JSON.parse(text)));
        expect([...attributesToJson(back)]).toEqual(attributesToJson(attributes));
        expect([...back.keys()]).toEqual([...attributes.keys()]);
      }
    }),
    { numRuns: 200 },
  );
});

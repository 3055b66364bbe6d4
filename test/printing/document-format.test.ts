import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkFormat, documentFormats, sniffFormat } from '../../agent/printing/document-format.ts';
import { attributesFromJson, attributesToJson, JsonAttributes } from '../../agent/printing/ipp-json.ts';
import { anyResponse } from './ipp-arbitrary.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const nothingOfOurs = undefined;

describe('a document is', () => {
  test.each([
    ['PDF', Buffer.from('%PDF-1.7\n'), 'application/pdf'],
    ['PDF 2.0', Buffer.from('%PDF-2.0\n'), 'application/pdf'],
    ['PDF after a mark and blanks', Buffer.from('\ufeff \n%PDF-1.7\n'), 'application/pdf'],
    ['JPEG', Buffer.from('ffd8ffe000104a464946', 'hex'), 'image/jpeg'],
    ['PWG raster', Buffer.from('RaS2PwgRaster\0'), 'image/pwg-raster'],
    ['Apple raster', Buffer.from('UNIRAST\0\0\0\0\u0001'), 'image/urf'],
    ['text', Buffer.from('Grüße,\r\n\tAnna\f'), 'text/plain'],
    ['text with a mark', Buffer.from('\ufeffGrüße'), 'text/plain'],
    ['text whose last character is cut off', Buffer.from('Preis: 5 €').subarray(0, -1), 'text/plain'],
    ['text that speaks of PDF', Buffer.from('Begin with %PDF-1.4'), 'text/plain'],
    ['text in Latin-1', latin1('Gr\xfc\xdfe'), 'text/plain'],
    ["text with Windows' quotation marks", latin1('\x93Gr\xfc\xdfe\x94'), 'text/plain'],
  ])('%s', (_, head, format) => {
    expect(sniffFormat(head)).toBe(format);
  });
});

/** What a printer, or a filter on the way to it, would take for commands. */
describe('no document of ours is', () => {
  test.each([
    ['PostScript', Buffer.from('%!PS-Adobe-3.0\n')],
    ['PostScript after blanks', Buffer.from(' \r\n\t%!PS-Adobe-3.0\n')],
    ['PostScript after a mark', Buffer.from('\ufeff%!PS')],
    ['PostScript after the end of another job', Buffer.from('\u0004%!PS')],
    ['PJL', Buffer.from('\u001b%-12345X@PJL SET RESOLUTION=600\r\n')],
    ['PJL without its escape', Buffer.from('@PJL INITIALIZE\r\n')],
    ['PJL before PDF', Buffer.from('\u001b%-12345X@PJL ENTER LANGUAGE=PDF\r\n%PDF-1.7\n')],
    ['PJL lines before PDF', Buffer.from('@PJL ENTER LANGUAGE=PDF\r\n%PDF-1.7\n')],
    ['PCL', Buffer.from('\u001bE\u001b&l1X')],
    ['PCL XL', Buffer.from(') HP-PCL XL;3;0\n\u00d1X\0')],
    ['ZPL behind a control character', Buffer.from('\u0010CT~~CD,~CC^~CT~\n^XA')],
    ['text with an escape in it', Buffer.from('Hello \u001b[2J')],
    ['text with an escape of one character', Buffer.from('Hello \u009b2J')],
    ['PDF of no version', Buffer.from('%PDF-\0')],
    ['PDF far behind blanks', Buffer.from(`${'\0'.repeat(33)}%PDF-1.7`)],
    ["CUPS' own raster", Buffer.from('RaS2MediaClass\0')],
    ['raster in the other byte order', Buffer.from('2SaRPwgRaster\0')],
    ['UTF-16 with its mark', Buffer.from('\ufeffHello', 'utf16le')],
    ['UTF-16 without NUL', Buffer.from('\ufeff\u4e2d\u6587', 'utf16le')],
    ['UTF-16 without its mark', Buffer.from('Hello', 'utf16le')],
    ['a ZIP archive', Buffer.from('PK\u0003\u0004')],
    ['a program', Buffer.from('7f454c46020101', 'hex')],
    ['nothing', Buffer.alloc(0)],
  ])('%s, whatever it claims', (_, head) => {
    expect(sniffFormat(head)).toBe(nothingOfOurs);
    for (const claim of [...documentFormats, 'application/octet-stream', undefined])
      expect(() => checkFormat(head, claim, documentFormats)).toThrow(
        expect.objectContaining({ code: 'bad-document' }),
      );
  });
});

describe('a document is taken', () => {
  test('only what it claims and the printer takes', () => {
    const pdf = Buffer.from('%PDF-1.7');
    expect(checkFormat(pdf, 'Application/PDF; x=y', ['application/pdf'])).toBe('application/pdf');
    expect(checkFormat(pdf, undefined, ['application/pdf'])).toBe('application/pdf');
    expect(() => checkFormat(pdf, 'image/jpeg', ['application/pdf', 'image/jpeg'])).toThrow(/not image\/jpeg/);
    expect(() => checkFormat(pdf, undefined, ['image/jpeg'])).toThrow(/does not take application\/pdf/);
    expect(() => checkFormat(Buffer.from([0]), undefined, ['text/plain'])).toThrow(/none of the known formats/);
  });

  test('as any format, by what it is', () => {
    const octets = 'application/octet-stream';
    expect(checkFormat(Buffer.from('%PDF-1.7'), octets, documentFormats)).toBe('application/pdf');
    expect(checkFormat(Buffer.from('Hello'), octets, documentFormats)).toBe('text/plain');
  });

  test('as none but its own', () => {
    const heads = ['%PDF-1.7', '\u00ff\u00d8\u00ff\u00e0', 'RaS2PwgRaster\0', 'UNIRAST\0', 'Hello'].map(latin1);
    for (const head of heads)
      for (const claim of documentFormats) {
        const check = () => checkFormat(head, claim, documentFormats);
        if (sniffFormat(head) === claim) expect(check()).toBe(claim);
        else expect(check).toThrow(/as it claims/);
      }
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

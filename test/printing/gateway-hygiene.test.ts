/** Attributes of a neighbour on their way into a driver file of this PC's print system (CVE-2024-47175 and its kind). */
import { describe, expect, it, test } from 'vitest';
import { cleanAttributes, cleanText } from '../../agent/printing/gateway-hygiene.ts';
import {
  attributes,
  boolean,
  collection,
  enumeration,
  integer,
  keyword,
  mimeMediaType,
  name,
  octetString,
  range,
  resolution,
  stringsOf,
  text,
  uri,
  type AttributeTable,
  type IppValues,
} from '../../agent/printing/ipp-attributes.ts';

const clean = (table: AttributeTable): Map<string, unknown> => new Map(cleanAttributes(attributes(table)));
const kept = (attribute: string, values: IppValues): unknown => clean({ [attribute]: values }).get(attribute);

const hostile = 'HP"\n*FoomaticRIPCommandLine: "echo 1 > /tmp/pwned"\n*cupsFilter2: "a/b c/d 0 foomatic-rip';

describe('words for people', () => {
  it('keep letters of any language, and lose what begins or ends a line of a driver file', () => {
    expect(cleanText('HP LaserJet 4 (Büro, 2. Stock)')).toBe('HP LaserJet 4 (Büro, 2. Stock)');
    expect(cleanText(hostile)).toBe('HP FoomaticRIPCommandLine echo 1 tmp pwned cupsFilter2 a b c d 0 foomatic-rip');
    expect(cleanText('a\u0000b\u2028c\u202ed')).toBe('a b c d');
  });

  it('are bounded', () => {
    expect(cleanText('x'.repeat(100_000))).toHaveLength(1_023);
  });

  it.each(['printer-make-and-model', 'printer-info', 'printer-location', 'printer-state-message'])(
    'in %s',
    (attribute) => {
      const [words = ''] = stringsOf(cleanAttributes(attributes({ [attribute]: text(hostile) })), attribute);
      expect(words).not.toMatch(/["*:<>\n\r]/);
    },
  );
});

describe('what stands for itself must be what it claims', () => {
  it('keywords and names of media', () => {
    for (const values of [keyword, name]) {
      expect(kept('media-supported', values('iso_a4_210x297mm', hostile, 'a b', 'x"y', '', '../../x'))).toEqual(
        values('iso_a4_210x297mm'),
      );
    }
  });

  it('media types', () => {
    const values = mimeMediaType('application/pdf', 'a/b c', 'image/urf "x"', '/', 'text/plain; charset=utf-8');
    expect(kept('document-format-supported', values)).toEqual(mimeMediaType('application/pdf'));
  });

  it('trays and supplies', () => {
    const tray = 'type=sheetFeedAutoRemovableTray;level=-2;name=Tray 1;';
    expect(kept('printer-input-tray', octetString(tray, 'name="\n*x', 'a'.repeat(1_024)))).toEqual(octetString(tray));
  });

  it('device ids of IEEE 1284', () => {
    expect(kept('printer-device-id', text('MFG:HP;MDL:Laser 4;CMD:PDF;'))).toEqual(text('MFG:HP;MDL:Laser 4;CMD:PDF;'));
    expect(kept('printer-device-id', text(`MFG:${hostile};`))).toBeUndefined();
  });

  it('names of attributes', () => {
    expect([
      ...clean({ 'sides-supported': keyword('one-sided'), 'a b': integer(1), 'x"\n': integer(1) }).keys(),
    ]).toEqual(['sides-supported']);
  });
});

describe('numbers', () => {
  it('that a driver divides by, or counts with, are positive', () => {
    expect(kept('printer-resolution-supported', [...resolution(300, 0, -1)])).toEqual(resolution(300));
    expect(kept('job-password-supported', integer(-1))).toBeUndefined();
    expect(kept('copies-supported', range(1, -5))).toBeUndefined();
    expect(kept('copies-supported', range(1, 99))).toEqual(range(1, 99));
    expect(kept('print-quality-supported', enumeration(4, 0, -3))).toEqual(enumeration(4));
  });

  it('say less than nothing only of supplies', () => {
    expect(kept('marker-levels', integer(50, -2, -3, -99))).toEqual(integer(50, -2, -3));
  });
});

const size = (x: number, y: number): AttributeTable => ({
  'media-size': collection({ 'x-dimension': integer(x), 'y-dimension': integer(y) }),
});

describe('sizes of paper', () => {
  it('are whole, or not there', () => {
    const all = collection(size(21_000, 29_700), size(0, 29_700), size(21_000, -1), size(2_000_000_000, 1));
    expect(kept('media-col-database', all)).toEqual(collection(size(21_000, 29_700)));
  });

  it('are no more than anybody has', () => {
    const many = collection(...Array.from({ length: 50_000 }, () => size(21_000, 29_700)));
    expect(kept('media-col-database', many)).toHaveLength(2_000);
  });
});

test('URIs stay out: the print system would fetch what they lead to', () => {
  const table = {
    'printer-strings-uri': uri('http://evil.test/x.strings'),
    'printer-icons': uri('file:///etc/passwd'),
  };
  expect(clean({ ...table, 'color-supported': boolean(true) })).toEqual(new Map([['color-supported', boolean(true)]]));
});

import { describe, expect, test } from 'vitest';
import { attributes, boolean, enumeration, integer, keyword, range } from '../../agent/printing/ipp-attributes.ts';
import { templateOf } from '../../agent/printing/print-ticket.ts';
import { PrintTicket } from '../../protocol/print-order.ts';

const laser = {
  label: 'Anna/laser',
  described: attributes({
    'copies-supported': range(1, 9),
    'sides-supported': keyword('one-sided', 'two-sided-long-edge'),
    'print-color-mode-supported': keyword('monochrome'),
    'media-supported': keyword('iso_a4_210x297mm', 'na_letter_8.5x11in', 'custom_min_76x127mm', 'custom_max_216x356mm'),
    'page-ranges-supported': boolean(true),
    'print-quality-supported': enumeration(4, 5),
  }),
};
const bare = { label: 'slip', described: attributes({}) };
const away = { label: 'Anna/laser', described: undefined };
const ticket = (wishes: object): PrintTicket => PrintTicket.parse(wishes);
const ranges = (...pairs: [number, number][]) => pairs.flatMap(([from, to]) => range(from, to));

describe('a ticket', () => {
  test('without wishes asks for nothing: the printer has its own defaults', () => {
    expect(templateOf(ticket({}), bare)).toEqual(new Map());
  });

  test.each([
    [{ copies: '3' }, 'copies', integer(3)],
    [{ sides: 'two-sided-long-edge' }, 'sides', keyword('two-sided-long-edge')],
    [{ color: 'monochrome' }, 'print-color-mode', keyword('monochrome')],
    [{ media: 'a4' }, 'media', keyword('iso_a4_210x297mm')],
    [{ media: 'na_letter_8.5x11in' }, 'media', keyword('na_letter_8.5x11in')],
    [{ media: 'custom_card_100x150mm' }, 'media', keyword('custom_card_100x150mm')],
    [{ quality: 'high' }, 'print-quality', enumeration(5)],
    [{ pages: '7' }, 'page-ranges', ranges([7, 7])],
    [{ pages: '8-,1-3,2-5' }, 'page-ranges', ranges([1, 5], [8, 2 ** 31 - 1])],
    [{ pages: '5,1-3,4' }, 'page-ranges', ranges([1, 5])],
  ])('%j becomes %s', (wishes, name, values) => {
    expect([...templateOf(ticket(wishes), laser)]).toEqual([[name, values]]);
    expect([...templateOf(ticket(wishes), away)]).toEqual([[name, values]]);
  });

  test.each([
    [{ copies: '10' }, 'The printer Anna/laser makes 1 to 9 copies of a document, not 10.'],
    [
      { sides: 'two-sided-short-edge' },
      'The printer Anna/laser does not print two-sided-short-edge; it prints on one side or on both sides (two-sided-long-edge).',
    ],
    [{ color: 'color' }, 'The printer Anna/laser does not print in colour; it prints monochrome.'],
    [{ media: 'A3' }, 'The printer Anna/laser does not print on A3; it prints on A4 or Letter.'],
    [{ quality: 'draft' }, 'The printer Anna/laser has no draft quality; it prints in normal or high.'],
  ])('%j is refused with one sentence that names what the printer can', (wishes, message) => {
    expect(() => templateOf(ticket(wishes), laser)).toThrow(
      expect.objectContaining({ code: 'not-supported', message }),
    );
  });

  test.each([
    { copies: '2' },
    { sides: 'one-sided' },
    { color: 'color' },
    { media: 'A4' },
    { pages: '1' },
    { quality: 'high' },
  ])('a printer that says nothing of itself can nothing but print: %j', (wishes) => {
    expect(() => templateOf(ticket(wishes), bare)).toThrow(
      expect.objectContaining({ code: 'not-supported', message: expect.stringMatching(/^The printer slip [^.]+\.$/) }),
    );
  });

  test('"auto" is what a printer without that word does anyway', () => {
    expect(templateOf(ticket({ color: 'auto' }), laser)).toEqual(new Map());
  });

  test.each([{ media: '../../x' }, { media: 'paper' }, { pages: '0' }, { pages: '3-1' }])(
    '%j is no wish at all',
    (wishes) => {
      expect(() => templateOf(ticket(wishes), laser)).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );
});

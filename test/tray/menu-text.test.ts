import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesText, cleanText, reasonsText, titleFor } from '../../tray/menu-text.ts';

describe('text from elsewhere', () => {
  test.each([
    ['plain', 'plain'],
    ['  two\nlines\t and a tab ', 'two lines and a tab'],
    ['\u001b[31mred\u0007', '[31mred'],
    ['gpj.\u202eexe', 'gpj. exe'],
    ['a\u200b\u2066b\u2069\ufeffc', 'a b c'],
    ['\ud800half', 'half'],
    ['', '(no name)'],
    ['\u200b\u200b', '(no name)'],
    ['<separator>', 'SEPARATOR'],
    ['e\u0301'.repeat(3), 'e\u0301'.repeat(3)],
    [`z${'\u0335'.repeat(500)}`, `z${'\u0335'.repeat(4)}`],
  ])('%j is shown as %j', (text, shown) => {
    expect(cleanText(text)).toBe(shown);
  });

  test('a long one is cut between characters, not inside one', () => {
    expect(cleanText('👩‍👩‍👧‍👦'.repeat(50), 5)).not.toContain('\ufffd');
    expect(cleanText('x'.repeat(41), 40)).toBe(`${'x'.repeat(39)}…`);
    expect(cleanText('x'.repeat(40), 40)).toBe('x'.repeat(40));
  });

  test('a megabyte is cut in no time', () => {
    expect(cleanText('ab '.repeat(300_000))).toBe(`${'ab '.repeat(13)}…`);
    expect(cleanText(`${' '.repeat(1_000_000)}x`)).toBe('…');
  });

  test('nothing unseen, no line break and never too much is left of any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.integer({ min: 2, max: 60 }), (text, longest) => {
        const shown = cleanText(text, longest);
        expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u);
        expect(shown.trim()).toBe(shown);
        expect(shown.length).toBeGreaterThan(0);
        const length = Array.from(new Intl.Segmenter('en').segment(shown)).length;
        expect(length).toBeLessThanOrEqual(Math.max(longest, '(no name)'.length));
      }),
    );
  });
});

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1_000, '1.0 kB'],
  [12_345_678, '12 MB'],
  [9_990_000_000, '10.0 GB'],
  [5e15, '5000 TB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});

test('reasons are words, at most two of them', () => {
  expect(reasonsText(['none'])).toBe('');
  expect(reasonsText(['media-empty-error', 'door-open', 'toner-low-warning'])).toBe('media empty, door open');
});

test('marks of access keys are doubled where the system takes them for such', () => {
  expect(titleFor('linux', 'a_b & c__d')).toBe('a__b & c____d');
  expect(titleFor('win32', 'a_b & c')).toBe('a_b && c');
  expect(titleFor('darwin', 'a_b & c')).toBe('a_b & c');
});

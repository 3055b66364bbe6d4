import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { audienceText } from '../../cli/format/audience.ts';
import { escapeText, jsonLine } from '../../cli/format/escape.ts';
import { progressLine, ProgressLine } from '../../cli/format/progress.ts';
import { bytesText, countText, durationText, rateText } from '../../cli/format/quantity.ts';
import { tableLines, textWidth } from '../../cli/format/table.ts';
import { DisplayName } from '../../protocol/ids.ts';
import { annaId, bobId, transfer } from '../control/samples.ts';

// oxlint-disable-next-line no-control-regex -- these are what must never be there
const harmful = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/;

describe('text from elsewhere', () => {
  it.each([
    ['plain, ünï ✓ 日本 😀', 'plain, ünï ✓ 日本 😀'],
    ['two\nlines\ttab\r', String.raw`two\nlines\ttab\r`],
    ['\u001b]0;owned\u0007', String.raw`\x1b]0;owned\x07`],
    ['abc\u202egnp.exe', String.raw`abc\u{202e}gnp.exe`],
    ['a\u200bb\ufeff', String.raw`a\u{200b}b\u{feff}`],
    ['\u009b31m', String.raw`\x9b31m`],
    ['lone \ud800', String.raw`lone \u{d800}`],
  ])('%j is shown as %s', (text, shown) => {
    expect(escapeText(text)).toBe(shown);
  });

  it('never reaches a terminal as it came, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(escapeText(text).replaceAll(/\p{Co}|[\u{10000}-\u{10ffff}]/gu, '')).not.toMatch(harmful);
      }),
    );
  });

  it('is the same value again from JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const line = jsonLine(value);
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
    const tag = '\u{e0041}';
    expect(JSON.parse(jsonLine({ [tag]: tag }))).toEqual({ [tag]: tag });
  });
});

describe('a table', () => {
  const columns = [
    { title: 'NAME', cell: (row: { name: string; size: number }) => row.name },
    { title: 'SIZE', cell: (row: { size: number }) => String(row.size), align: 'right' as const },
    { title: 'END', cell: () => 'x' },
  ];

  it('is aligned, by what a terminal shows', () => {
    const lines = tableLines(columns, [
      { name: 'a', size: 5 },
      { name: '日本', size: 12345 },
      { name: 'e\u0301', size: 1 },
    ]);
    expect(lines).toEqual(['NAME   SIZE  END', 'a         5  x', '日本  12345  x', 'e\u0301         1  x']);
  });

  it('has one line a row, whatever a name holds', () => {
    const lines = tableLines(columns, [{ name: 'two\nlines \u001b[2J', size: 1 }]);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain(String.raw`two\nlines \x1b[2J`);
  });

  it('knows wide, narrow and combining characters', () => {
    expect(['abc', '日', '😀', 'é', 'e\u0301', ''].map(textWidth)).toEqual([3, 2, 2, 1, 1, 0]);
  });
});

describe('quantities', () => {
  it('are in decimal units with three digits at most', () => {
    const sizes = [0, 999, 1000, 1234, 99_949, 99_950, 999_499, 999_500, 12_345_678, 1e9, 5.5e12, 2 ** 53];
    expect(sizes.map(bytesText)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.2 kB',
      '99.9 kB',
      '100 kB',
      '999 kB',
      '1.0 MB',
      '12.3 MB',
      '1.0 GB',
      '5.5 TB',
      '9.0 PB',
    ]);
    expect(rateText(1_500_000)).toBe('1.5 MB/s');
  });

  it('of time and number read as people say them', () => {
    expect([0, 7.4, 59.6, 754, 3723, -5].map(durationText)).toEqual([
      '0:00',
      '0:07',
      '1:00',
      '12:34',
      '1:02:03',
      '0:00',
    ]);
    expect([countText(1, 'file'), countText(0, 'file'), countText(2, 'is', 'are')]).toEqual([
      '1 file',
      '0 files',
      '2 are',
    ]);
  });
});

describe('the line of a transfer', () => {
  it('shows how far it is, how fast, and how long it takes', () => {
    expect(progressLine(transfer, 100)).toBe(
      'big.bin  [##########----------]  50 %  500 kB of 1.0 MB  250 kB/s  0:02 left',
    );
  });

  it('says what the limit is', () => {
    expect(progressLine({ ...transfer, limit: 'their-disk' }, 120)).toMatch(/ {2}0:02 left {2}limit: their disk$/);
    expect(progressLine({ ...transfer, limit: 'network', state: 'done' }, 120)).not.toContain('limit');
  });

  it('keeps to what matters most in a narrow terminal', () => {
    const slow = { ...transfer, limit: 'their-disk' as const };
    expect(progressLine(slow, 81)).toBe(
      'big.bin  [##---]  50 %  500 kB of 1.0 MB  250 kB/s  0:02 left  limit: their disk',
    );
    expect(progressLine(slow, 76)).toBe('big.bin  50 %  500 kB of 1.0 MB  250 kB/s  0:02 left  limit: their disk');
    expect(progressLine(slow, 70)).toBe('50 %  250 kB/s  0:02 left  500 kB of 1.0 MB  limit: their disk');
    expect(progressLine(slow, 50)).toBe('50 %  250 kB/s  0:02 left  500 kB of 1.0 MB');
    expect(progressLine(slow, 40)).toBe('50 %  250 kB/s  0:02 left');
    expect(progressLine({ ...slow, source: 'Anna/Projects/a long name.bin' }, 76)).toContain('a long nam…  50 %');
  });

  it('counts files, and says whom it waits for', () => {
    const folder = { ...transfer, files: 12, filesTotal: 1000, state: 'waiting' as const, source: 'Anna/P/many' };
    expect(progressLine(folder, 120)).toContain('waiting for Anna  12/1000 files');
    expect(progressLine(folder, 120)).not.toContain('left');
  });

  it('goes without what is not known yet', () => {
    const early = { ...transfer, bytes: 0, bytesTotal: null, filesTotal: null, rate: 0, secondsLeft: null };
    expect(progressLine(early, 80)).toBe('big.bin  0 B');
    expect(progressLine({ ...early, bytes: 5000, rate: 1000 }, 80)).toBe('big.bin  5.0 kB  1.0 kB/s');
    expect(progressLine({ ...transfer, bytes: 0, bytesTotal: 0 }, 80)).toContain('  0 %');
  });

  it('never wraps and never breaks out, whatever it is called', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.integer({ min: 5, max: 200 }),
        fc.nat(),
        (name, columns, bytes) => {
          const line = progressLine({ ...transfer, source: `Anna/${name}`, bytes }, columns);
          expect(textWidth(line)).toBeLessThan(columns);
          expect(line.replaceAll(/[\u{10000}-\u{10ffff}]/gu, '')).not.toMatch(harmful);
        },
      ),
    );
  });

  it('is written over itself on a terminal, taken away in the end, and silent elsewhere', () => {
    let written = '';
    const sink = { write: (text: string) => void (written += text), columns: 80 };
    {
      using progress = new ProgressLine({ ...sink, isTTY: true }, true);
      progress.show('one');
      progress.show('two');
    }
    expect(written).toBe('\rone\u001b[K\rtwo\u001b[K\r\u001b[K');
    written = '';
    {
      using progress = new ProgressLine({ ...sink, isTTY: false }, true);
      progress.show('one');
    }
    expect(written).toBe('');
  });
});

describe('an audience', () => {
  it('is said with the names that are known, and the short ids of all', () => {
    expect(audienceText('everyone', [])).toBe('everyone on this network');
    const anna = { id: annaId, name: DisplayName.parse('Anna') };
    expect(audienceText([annaId], [anna])).toBe('Anna (k3q7-x2mf)');
    expect(audienceText([annaId, bobId], [anna])).toBe('Anna (k3q7-x2mf) and k3zz-cccc');
  });
});

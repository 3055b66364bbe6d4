import { describe, expect, it } from 'vitest';
import { namePatterns, splitPattern } from '../../agent/files/name-pattern.ts';

function matches(pattern: string, name: string | Buffer): boolean {
  return namePatterns(pattern)[0]?.matches(Buffer.from(name as string)) === true;
}

describe('a pattern of names', () => {
  it.each([
    ['*.pdf', ['a.pdf', 'a.pdf.pdf', 'ä b.pdf'], ['a.pdf.txt', 'a.PDF', 'pdf', '.a.pdf']],
    ['*', ['a', 'a.b', '🖨️'], ['.hidden']],
    ['.*', ['.hidden'], ['a']],
    ['a?c', ['abc', 'aöc', 'a😀c'], ['ac', 'abbc']],
    ['*a*b*', ['ab', 'xaxbx', 'aab'], ['ba', 'a']],
    ['report[1].pdf', ['report1.pdf'], ['report[1].pdf', 'report2.pdf']],
    ['[a-cx]1', ['a1', 'c1', 'x1'], ['d1', 'A1', '1']],
    ['[!0-9]*', ['a1', 'ä'], ['1a']],
    ['20[0-9][0-9]-*', ['2026-11'], ['20a6-11']],
    ['a[b', ['a[b'], ['ab']],
    ['x**y', ['xy', 'xaby'], ['x']],
  ])('%s matches as a shell does', (pattern, yes, no) => {
    expect(yes.filter((name) => !matches(pattern, name))).toEqual([]);
    expect(no.filter((name) => matches(pattern, name))).toEqual([]);
  });

  it('knows a name in either normalisation', () => {
    expect(matches('ü*', 'u\u0308ber')).toBe(true);
    expect(matches('u\u0308*', 'über')).toBe(true);
  });

  it('matches names that are no UTF-8', () => {
    const name = Buffer.from([0x66, 0xff, 0xfe, 0x2e, 0x70]);
    expect(['*', 'f*', 'f??.p', '*.q'].map((pattern) => matches(pattern, name))).toEqual([true, true, true, false]);
  });

  it('takes no longer for many stars', () => {
    const began = performance.now();
    expect(matches('*a'.repeat(40), 'a'.repeat(39) + 'b'.repeat(200))).toBe(false);
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

describe('a path with wildcards', () => {
  it('is a folder and what is looked for below it', () => {
    expect(splitPattern('docs/2026/*.pdf')).toEqual({ base: 'docs/2026', rest: '*.pdf' });
    expect(splitPattern('*/report.pdf')).toEqual({ base: '', rest: '*/report.pdf' });
    expect(splitPattern('docs/**/a')).toEqual({ base: 'docs', rest: '**/a' });
    expect(splitPattern('docs/plain')).toBeUndefined();
    expect(splitPattern('odd[name')).toBeUndefined();
    expect(splitPattern('')).toBeUndefined();
  });
});

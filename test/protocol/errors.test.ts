import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorCodes, errorTable, hasCode, isErrorCode, NethoodError, toNethoodError } from '../../protocol/errors.ts';

interface Row {
  readonly code: string;
  readonly exit: number;
  readonly http: number;
  readonly meaning: string;
  readonly help: string;
}

function documented(): Row[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/errors.md'), 'utf8');
  return text
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 7 && /^`.*`$/.test(cells[1] ?? ''))
    .map(([, code = '', exit, http, meaning = '', help = '']) => ({
      code: code.slice(1, -1),
      exit: Number(exit),
      http: Number(http),
      meaning,
      help,
    }));
}

describe('the table of errors', () => {
  test('is the one in docs/errors.md, in both directions', () => {
    const inCode = errorCodes.map((code) => ({ code, ...errorTable[code] }));
    expect(documented().map(({ code, exit, http, meaning }) => ({ code, exit, http, meaning }))).toEqual(inCode);
  });

  test('says of each what one can do', () => {
    for (const { code, help } of documented()) expect(help, code).toMatch(/^[A-Z`].{10,}\.$/);
  });

  test('has codes that are words, and HTTP statuses of errors', () => {
    for (const code of errorCodes) {
      expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(errorTable[code].http).toBeGreaterThanOrEqual(400);
      expect(errorTable[code].http).toBeLessThan(600);
    }
  });
});

describe('an error', () => {
  test('of ours stays what it is; anything else is our own fault', () => {
    const own = new NethoodError('busy', 'Ann is busy.', { retryAfterMs: 500 });
    expect(toNethoodError(own)).toBe(own);
    expect(own).toMatchObject({ name: 'NethoodError', code: 'busy', retryAfterMs: 500 });
    const cause = new TypeError('x is not a function');
    expect(toNethoodError(cause)).toMatchObject({ code: 'internal', message: 'x is not a function', cause });
    expect(toNethoodError('text')).toMatchObject({ code: 'internal', message: 'text' });
  });

  test('is asked for its code', () => {
    expect(hasCode(new NethoodError('busy', ''), 'busy', 'timeout')).toBe(true);
    expect(hasCode(Object.assign(new Error('x'), { code: 'busy' }), 'busy')).toBe(false);
    expect(['busy', 'toString', '__proto__', 'nonsense'].map(isErrorCode)).toEqual([true, false, false, false]);
  });
});

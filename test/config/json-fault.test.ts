import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonFault } from '../../config/json-fault.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the place of a JSON fault', () => {
  test.each([
    ['{"a": 1,}', 1, 9, 'expected a name in double quotes but found "}"'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'expected "," or "}" but found "\\"b\\":"'],
    ['{"a" 1}', 1, 6, 'expected ":" but found "1}"'],
    ['{a: 1}', 1, 2, 'expected a name in double quotes or "}" but found "a:"'],
    ['[1 2]', 1, 4, 'expected "," or "]" but found "2]"'],
    ['{"a":', 1, 6, 'expected a value but the file ends'],
    ['{} x', 1, 4, 'expected the end of the file but found "x"'],
    ['{"a": tru}', 1, 7, 'expected a value but found "tru}"'],
    ['{"a": 01}', 1, 7, 'expected a value but found "01}"'],
    ['{"a": "x\ny"}', 1, 7, 'expected a value but found "\\"x"'],
    ['// a remark\n{}', 1, 1, 'expected a value but found "//"'],
  ])('%j is named with line and column', (text, line, column, sentence) => {
    expect(jsonFault(text)).toEqual({ line, column, sentence });
  });

  test('a text has a fault exactly when JSON.parse refuses it', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\u00e4\\n"',
      '"ä\u0085"',
      '1',
      '-0.5e+3',
      '-',
      '.5',
      'true',
      'null',
      'nul',
      ' ',
      '\n',
      '\u00a0',
      '"',
      '\\',
    );
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
        (text) => {
          expect(jsonFault(text) === undefined).toBe(isJson(text));
        },
      ),
      { numRuns: 5_000 },
    );
    fc.assert(fc.property(fc.json(), (text) => jsonFault(text) === undefined));
    fc.assert(
      fc.property(fc.json(), fc.nat(), (text, cut) => {
        const half = text.slice(0, cut % (text.length + 1));
        expect(jsonFault(half) === undefined).toBe(isJson(half));
      }),
    );
  });

  test('neither depth nor length exhausts it', () => {
    expect(jsonFault('['.repeat(1_000_000))?.column).toBe(1_000_001);
    expect(jsonFault(`"${'ä'.repeat(4_000_000)}"`)).toBeUndefined();
  });
});

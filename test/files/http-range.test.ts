import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseContentRange, parseRange, parseRangeOfAny } from '../../agent/files/http-range.ts';

it.each([
  [undefined, undefined],
  ['bytes=0-0', { start: 0, end: 1 }],
  ['bytes=0-', { start: 0, end: 100 }],
  ['bytes=10-19', { start: 10, end: 20 }],
  ['bytes=90-200', { start: 90, end: 100 }],
  ['bytes=-10', { start: 90, end: 100 }],
  ['bytes=-1000', { start: 0, end: 100 }],
  ['bytes=99-', { start: 99, end: 100 }],
  ['bytes=0-1,5-6', undefined],
  ['lines=0-1', undefined],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=5-4', 'unsatisfiable'],
  ['bytes=', 'unsatisfiable'],
  ['bytes=-', 'unsatisfiable'],
  ['bytes=1.5-3', 'unsatisfiable'],
  ['bytes=9007199254740992-', 'unsatisfiable'],
  ['bytes=a-b', 'unsatisfiable'],
])('a file of 100 bytes and Range %s give %o', (header, expected) => {
  expect(parseRange(header, 100)).toEqual(expected);
});

it.each([
  [undefined, undefined],
  ['bytes=10-19', { start: 10, end: 20 }],
  ['bytes=10-', { start: 10, end: Number.MAX_SAFE_INTEGER }],
  ['bytes=0-1,5-6', undefined],
  ['bytes=-10', 'unsatisfiable'],
  ['bytes= -10', 'unsatisfiable'],
  ['bytes=5-4', 'unsatisfiable'],
])('a file of unknown length and Range %s give %o', (header, expected) => {
  expect(parseRangeOfAny(header)).toEqual(expected);
});

it('never gives a part outside of the file', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (text, size) => {
      const range = parseRange(`bytes=${text}`, size);
      if (typeof range !== 'object') return;
      expect(range.start).toBeGreaterThanOrEqual(0);
      expect(range.end).toBeGreaterThan(range.start);
      expect(range.end).toBeLessThanOrEqual(size);
    }),
  );
});

it('reads what a part says about itself', () => {
  expect(parseContentRange('bytes 10-19/100')).toEqual({ start: 10, end: 20, size: 100 });
  for (const header of [undefined, 'bytes */100', 'bytes 1-2/*', 'bytes -1-2/3', 'items 1-2/3'])
    expect(parseContentRange(header)).toBeNull();
});

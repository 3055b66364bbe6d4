import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { base32, randomId } from '../../agent/base/random-id.ts';
import { ShareId } from '../../protocol/ids.ts';

// RFC 4648 section 10, in lower case and without padding.
test.each([
  ['', ''],
  ['f', 'my'],
  ['fo', 'mzxq'],
  ['foo', 'mzxw6'],
  ['foob', 'mzxw6yq'],
  ['fooba', 'mzxw6ytb'],
  ['foobar', 'mzxw6ytboi'],
])('base32 of "%s" is "%s"', (text, encoded) => {
  expect(base32(Buffer.from(text))).toBe(encoded);
});

test('base32 loses nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      let bits = '';
      for (const char of base32(bytes))
        bits += 'abcdefghijklmnopqrstuvwxyz234567'.indexOf(char).toString(2).padStart(5, '0');
      const back = Array.from(bytes, (_, at) => Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2));
      expect(Uint8Array.from(back)).toEqual(bytes);
      expect(bits.slice(bytes.length * 8)).toMatch(/^0{0,4}$/);
    }),
  );
});

test('random ids have 26 characters, fit the schema and do not repeat', () => {
  const ids = new Set(Array.from({ length: 1_000 }, randomId));
  expect(ids.size).toBe(1_000);
  for (const id of ids) expect(ShareId.safeParse(id).success).toBe(true);
});

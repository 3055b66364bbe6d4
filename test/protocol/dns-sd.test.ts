import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAgentTxt } from '../../protocol/dns-sd.ts';

const id = 'a'.repeat(52);
function txt(...strings: string[]): Uint8Array[] {
  return strings.map((text) => new TextEncoder().encode(text));
}

test('a TXT record is read without regard to the case of keys, the first of each counts, others are dropped', () => {
  expect(
    parseAgentTxt(txt(`ID=${id}`, 'v=1', 'name=Ann = B.', 'name=Eve', 'later=x', 'flag', '', '=x', '__proto__=y')),
  ).toEqual({
    id,
    v: '1',
    name: 'Ann = B.',
  });
});

test.each([
  ['no id', txt('v=1', 'name=Ann')],
  ['a short id', txt('id=abcd', 'v=1', 'name=Ann')],
  ['no name', txt(`id=${id}`, 'v=1', 'name=')],
  ['a name that moves the cursor', txt(`id=${id}`, 'v=1', 'name=\u001b[2J')],
  ['a version that is none', txt(`id=${id}`, 'v=one', 'name=Ann')],
  ['nothing', []],
])('one with %s is none of an agent', (_what, strings) => {
  expect(parseAgentTxt(strings)).toBeUndefined();
});

test('any bytes are survived', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 255 })), (strings) => parseAgentTxt(strings) === undefined),
  );
});

import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { NethoodError } from '../../protocol/errors.ts';
import { type IfCondition, parseIf, tokensIn } from '../../agent/files/webdav-if.ts';

const token = (value: string, not = false): IfCondition => ({ not, kind: 'token', value });
const etag = (value: string, not = false): IfCondition => ({ not, kind: 'etag', value });

it.each([
  ['(<urn:a>)', [{ url: undefined, conditions: [token('urn:a')] }]],
  ['(<urn:a> ["1"])', [{ url: undefined, conditions: [token('urn:a'), etag('"1"')] }]],
  ['(<urn:a>)(Not <DAV:no-lock>)', [{ conditions: [token('urn:a')] }, { conditions: [token('DAV:no-lock', true)] }]],
  ['(not ["a b"] NOT [W/"2"])', [{ conditions: [etag('"a b"', true), etag('W/"2"', true)] }]],
  ['</a> (<urn:a>)', [{ url: '/a', conditions: [token('urn:a')] }]],
  [
    '<http://h/a>(<urn:a>) (["x"])   <http://h/b> (<urn:b>)',
    [
      { url: 'http://h/a', conditions: [token('urn:a')] },
      { url: 'http://h/a', conditions: [etag('"x"')] },
      { url: 'http://h/b', conditions: [token('urn:b')] },
    ],
  ],
])('If: %s', (header, lists) => {
  expect(parseIf(header)).toEqual(lists.map((list) => ({ url: undefined, ...list })));
});

it.each([
  '',
  ' ',
  '()',
  '<urn:a>',
  '(<urn:a>',
  'urn:a',
  '(urn:a)',
  '(Not)',
  '(Not Not <urn:a>)',
  '(<urn:a>) </b> (<urn:b>)',
  '</a> </b> (<urn:b>)',
  '(["a)',
  '(<urn:a>),(<urn:b>)',
  `(${'<urn:a>'.repeat(1000)})`,
])('If: %s fits no syntax', (header) => {
  expect(() => parseIf(header)).toThrow(NethoodError);
});

it('shows every token, also of what must not match', () => {
  expect([...tokensIn(parseIf('(<urn:a>) (Not <urn:b> ["c"])'))]).toEqual(['urn:a', 'urn:b']);
});

it('ends with an answer or our own error, whatever it gets', () => {
  const parts = fc.constantFrom('(', ')', '<urn:a>', '["x"]', 'Not ', ' ', '<', '[', '"', 'W/');
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 30 }), (texts) => {
      try {
        for (const { conditions } of parseIf(texts.join(''))) expect(conditions.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(NethoodError);
      }
    }),
  );
});

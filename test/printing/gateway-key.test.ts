import { expect, test } from 'vitest';
import { opens } from '../../agent/printing/gateway-key.ts';

const secret = 'abcdefghijklmnopqrstuvwxy2';
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

test.each([
  ['the user and the secret', basic(`nethood:${secret}`), true],
  ['the scheme in other letters', basic(`nethood:${secret}`).replace('Basic', 'BASIC'), true],
  ['nothing', undefined, false],
  ['an empty header', '', false],
  ['another secret', basic('nethood:abcdefghijklmnopqrstuvwxy3'), false],
  ['the beginning of the secret', basic(`nethood:${secret.slice(0, 25)}`), false],
  ['more than the secret', basic(`nethood:${secret}a`), false],
  ['no secret', basic('nethood:'), false],
  ['another user', basic(`root:${secret}`), false],
  ['the secret alone', basic(secret), false],
  ['another scheme', `Bearer ${secret}`, false],
  ['two of them', `${basic('a:b')}, ${basic(`nethood:${secret}`)}`, false],
  ['something endless', basic('nethood:'.repeat(10_000)), false],
])('%s', (_what, header, expected) => {
  expect(opens(header, secret)).toBe(expected);
});

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../config/parse.ts';
import { defaultConfig } from '../../config/schema.ts';

const share = { id: 'abcdefghijklmnopqrstuvwxyz', name: 'Plans', folder: '/plans', audience: 'everyone' };

function problemOf(content: string | Uint8Array): string {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const parsed = parseConfig(bytes, 'config.json');
  return 'problem' in parsed ? parsed.problem : 'none';
}

describe('a configuration file', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['empty', '', 'config.json is empty.'],
    ['only blanks', ' \n', 'config.json is empty.'],
    [
      'half-written',
      '{"version": 1, "name": "An',
      'config.json is not JSON: line 1, column 24: expected a value but found "\\"An".',
    ],
    [
      'zeros, as a crash may leave',
      new Uint8Array(64),
      'config.json is not JSON: line 1, column 1: expected a value but found "',
    ],
    ['UTF-16', Buffer.from('\ufeff{"version":1}', 'utf16le'), 'config.json is not text in UTF-8.'],
    ['no object', '[1]', 'config.json holds no object.'],
    ['newer', '{"version": 7, "else": 1}', 'config.json is of version 7, made by a newer nethood; this one knows 1.'],
    ['without version', '{}', 'In config.json, "version" is wrong: '],
    [
      'wrong type',
      '{"version":1,"paused":"no"}',
      'In config.json, "paused" is wrong: expected boolean, received string.',
    ],
    ['unknown key', '{"version":1,"lan":{"card":1}}', 'In config.json, "lan.card" is unknown.'],
    [
      'missing key',
      JSON.stringify({ version: 1, shares: [{ ...share, folder: undefined }] }),
      'In config.json, "shares[0].folder" is missing.',
    ],
    [
      'wrong audience',
      JSON.stringify({ version: 1, shares: [{ ...share, audience: 'all' }] }),
      'In config.json, "shares[0].audience" is wrong: ',
    ],
    ['two mistakes', '{"version":1,"paused":1,"name":""}', ' (and 1 more).'],
    [
      'twin names',
      JSON.stringify({ version: 1, shares: [share, { ...share, id: share.id.replace('a', 'b') }] }),
      'In config.json, two shares are called "Plans".',
    ],
    [
      'twin ids',
      JSON.stringify({ version: 1, shares: [share, { ...share, name: 'B' }] }),
      'In config.json, two shares have the id',
    ],
    [
      'twin printers',
      '{"version":1,"printers":[{"queue":"a","audience":"everyone"},{"queue":"a","audience":"colleagues"}]}',
      'In config.json, the printer "a" is listed twice.',
    ],
    ['__proto__', '{"version":1,"__proto__":{"paused":true}}', 'In config.json, "__proto__" is unknown.'],
  ])('that is broken is described: %s', (_name, content, problem) => {
    expect(problemOf(content)).toContain(problem);
  });

  test('with a byte order mark is read', () => {
    expect(parseConfig(Buffer.from('\ufeff{"version": 1}'), 'config.json')).toEqual({ config: defaultConfig });
  });

  test('of any bytes gives a configuration or one sentence, never an exception', () => {
    const wild = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
    );
    fc.assert(
      fc.property(wild, (bytes) => {
        const parsed = parseConfig(bytes, 'config.json');
        if ('problem' in parsed) expect(parsed.problem).toMatch(/config\.json.*\.$/s);
        else expect(parsed.config.version).toBe(1);
      }),
    );
  });
});

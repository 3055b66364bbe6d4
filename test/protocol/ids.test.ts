import { describe, expect, test } from 'vitest';
import {
  DeviceId,
  DisplayName,
  hostNameOf,
  nthHostName,
  JobId,
  JobUuid,
  QueueName,
  ShareName,
  shortId,
} from '../../protocol/ids.ts';

const id = 'k3q7x2mf'.repeat(7).slice(0, 52);

describe('identifiers', () => {
  test.each([
    ['device id', DeviceId, id, [id.slice(1), `${id}a`, id.toUpperCase(), `${id.slice(1)}1`, `${id}\n`]],
    [
      'job uuid',
      JobUuid,
      'urn:uuid:01234567-89ab-4cde-8f01-23456789abcd',
      ['01234567-89ab-4cde-8f01-23456789abcd', 'urn:uuid:01234567-89AB-4cde-8f01-23456789abcd'],
    ],
    [
      'queue name',
      QueueName,
      'Büro_Laser-2.OG@x',
      ['', 'a b', 'a/b', 'a#b', 'a?b', 'a%b', "a'b", 'a\nb', 'a\u0000b', 'x'.repeat(128)],
    ],
    ['job id', JobId, 1, [0, -1, 1.5, 2 ** 31, '1']],
  ])('%s', (_name, schema, good, bad) => {
    expect(schema.safeParse(good).success).toBe(true);
    for (const value of bad) expect(schema.safeParse(value).success, JSON.stringify(value)).toBe(false);
  });

  test('are shortened for people, and make the host name', () => {
    expect(shortId(DeviceId.parse(id))).toBe('k3q7-x2mf');
    const hostName = hostNameOf(DeviceId.parse(id));
    expect([1, 2, 10].map((attempt) => nthHostName(hostName, attempt))).toEqual([
      'nh-k3q7x2mf.local',
      'nh-k3q7x2mf-2.local',
      'nh-k3q7x2mf-10.local',
    ]);
  });
});

describe('names for people', () => {
  test.each([
    'Ann',
    'Ärger & Co. (1)',
    '名前',
    '👩‍💻',
    'a',
    'x'.repeat(63),
    'ä'.repeat(31),
    'a/b',
    '.',
    "<img src=x onerror='y'>",
  ])('%j is one', (text) => {
    expect(DisplayName.safeParse(text).success).toBe(true);
  });

  test.each([
    ['empty', ''],
    ['too long', 'x'.repeat(64)],
    ['too long in bytes', 'ä'.repeat(32)],
    ['escape', '\u001b]0;x\u0007'],
    ['newline', 'a\nb'],
    ['C1 control', 'a\u009bb'],
    ['turned around', 'a\u202egpj.exe'],
    ['isolate', '\u2066a'],
    ['byte order mark', '\ufeffa'],
    ['leading space', ' a'],
    ['trailing space', 'a '],
    ['no-break space at the end', 'a\u00a0'],
    ['lone surrogate', 'a\ud800'],
    ['nul', '\u0000'],
  ])('%s is none', (_why, text) => {
    expect(DisplayName.safeParse(text).success).toBe(false);
  });

  test('a share has none with a slash, nor one of the two dots', () => {
    for (const text of ['a/b', '/', '.', '..']) expect(ShareName.safeParse(text).success).toBe(false);
    for (const text of ['Pläne 2026', '...', 'a\\b']) expect(ShareName.safeParse(text).success).toBe(true);
  });
});

import { describe, expect, test } from 'vitest';
import { parseTxt, txtStrings, txtText } from '../../agent/discovery/txt.ts';

function parsed(...strings: string[]): [string, string | true][] {
  const pairs = parseTxt(strings.map((text) => Buffer.from(text)));
  return Array.from(pairs, ([key, value]) => [key, value === true ? true : Buffer.from(value).toString()]);
}

describe('the pairs of a TXT record', () => {
  test('keys count without regard to case, and the first of a key is the one', () => {
    expect(parsed('ID=a', 'v=1', 'id=b', 'Id')).toEqual([
      ['id', 'a'],
      ['v', '1'],
    ]);
  });

  test('a flag has no value, another may have an empty one, and a value may have an equals sign', () => {
    expect(parsed('flag', 'e=', 'x=a=b')).toEqual([
      ['flag', true],
      ['e', ''],
      ['x', 'a=b'],
    ]);
  });

  test('empty strings, and those without a key or with one that is no ASCII, are passed over', () => {
    expect(parsed('', '=x', 'schlüssel=1', '\u0007=1', 'ok=1')).toEqual([['ok', '1']]);
    expect(parsed()).toEqual([]);
  });

  test('__proto__ and constructor are keys like others', () => {
    expect(parsed('__proto__=x', 'constructor=y')).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('a value may be any bytes; as text only where it is UTF-8', () => {
    const pairs = parseTxt([Uint8Array.of(0x62, 0x3d, 0xff, 0x00), Buffer.from('t=ü')]);
    expect(pairs.get('b')).toEqual(Uint8Array.of(0xff, 0x00));
    expect(txtText(pairs.get('b'))).toBeUndefined();
    expect(txtText(pairs.get('t'))).toBe('ü');
    expect(txtText(true)).toBeUndefined();
    expect(txtText(pairs.get('none'))).toBeUndefined();
  });
});

describe('strings of pairs', () => {
  test('are what they are parsed from', () => {
    const strings = txtStrings([
      ['id', 'a'],
      ['flag', true],
      ['raw', Uint8Array.of(0xff)],
    ]);
    expect(strings.map((string) => Buffer.from(string).toString('latin1'))).toEqual(['id=a', 'flag', 'raw=\u00ff']);
    expect(Array.from(parseTxt(strings).keys())).toEqual(['id', 'flag', 'raw']);
  });

  test('have at most 255 bytes, cut between characters', () => {
    const [string] = txtStrings([['name', 'ü'.repeat(200)]]);
    expect(string?.length).toBe(255);
    expect(txtText(parseTxt(string === undefined ? [] : [string]).get('name'))).toBe('ü'.repeat(125));
  });
});

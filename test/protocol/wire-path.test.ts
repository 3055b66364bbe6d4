import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  childPath,
  displayName,
  parentPath,
  parseWirePath,
  pathComponents,
  pathFromComponents,
  rootPath,
  typedPathReadings,
  WirePath,
  wirePathFromPlain,
} from '../../protocol/wire-path.ts';

/** A file name as a disk may hold it: any bytes but NUL and '/', and not '.' or '..'. */
const name = fc
  .uint8Array({ minLength: 1, maxLength: 60 })
  .map((bytes) => bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x41 : byte)))
  .filter((bytes) => !/^\.{1,2}$/.test(Buffer.from(bytes).toString('latin1')));
const names = fc.array(name, { maxLength: 8 });

describe('a wire path', () => {
  test('carries any bytes there and back', () => {
    fc.assert(
      fc.property(names, (components) => {
        const path = pathFromComponents(components);
        expect(pathComponents(path)).toEqual(components);
        expect(WirePath.parse(path)).toBe(path);
      }),
    );
  });

  test('has exactly one text: two texts are two paths', () => {
    const char = fc.constantFrom('a', '.', '~', '%', '2', 'F', 'f', 'E', '/', '%41', '%2E', '%C3%A4', '%c3', ' ', 'ä');
    fc.assert(
      fc.property(
        fc.array(char, { maxLength: 8 }).map((chars) => chars.join('')),
        (text) => {
          const parsed = WirePath.safeParse(text);
          if (parsed.success) expect(pathFromComponents(pathComponents(parsed.data))).toBe(text);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('is ASCII that needs no escape in a URL or in JSON', () => {
    fc.assert(fc.property(names, (components) => /^[A-Za-z0-9\-._~%/]*$/.test(pathFromComponents(components))));
  });

  test.each([
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    'a/..',
    '../a',
    'a/../b',
    './a',
    '%2E',
    '%2E%2E',
    '%2e%2e',
    '%2F',
    'a%2Fb',
    '%2f',
    '%00',
    'a%00',
    '%',
    '%4',
    '%41',
    '%zz',
    '%C3%a4',
    '\\..',
    'a\\b',
    'a b',
    'a?b',
    'a#b',
    'ä',
    'a\nb',
    'C:',
    '%5C%2E%2E%2F',
  ])('is never %j', (text) => {
    expect(WirePath.safeParse(text).success).toBe(false);
    expect(() => parseWirePath(text)).toThrow(expect.objectContaining({ code: 'bad-path' }));
  });

  test('leads nowhere else, whatever bytes were asked for', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = WirePath.safeParse(text);
        if (!parsed.success) return;
        for (const bytes of pathComponents(parsed.data)) {
          expect(bytes).not.toContain(0);
          expect(bytes).not.toContain(0x2f);
          expect(['', '.', '..']).not.toContain(Buffer.from(bytes).toString('latin1'));
        }
      }),
    );
  });

  test('has limits', () => {
    expect(WirePath.safeParse('a'.repeat(255)).success).toBe(true);
    expect(WirePath.safeParse('a'.repeat(256)).success).toBe(false);
    expect(WirePath.safeParse('%FF'.repeat(255)).success).toBe(true);
    expect(WirePath.safeParse('a/'.repeat(1023) + 'a').success).toBe(true);
    expect(WirePath.safeParse('a/'.repeat(1024) + 'a').success).toBe(false);
    expect(WirePath.safeParse(`${'a'.repeat(200)}/`.repeat(100)).success).toBe(false);
    expect(WirePath.safeParse(7).success).toBe(false);
  });

  test('walks down and up', () => {
    fc.assert(
      fc.property(names, name, (components, child) => {
        const parent = pathFromComponents(components);
        expect(pathComponents(childPath(parent, child))).toEqual([...components, child]);
        expect(parentPath(childPath(parent, child))).toBe(parent);
      }),
    );
    expect(parentPath(rootPath)).toBe(rootPath);
    for (const bad of ['', '.', '..', 'a/b', 'a\0'])
      expect(() => childPath(rootPath, Buffer.from(bad))).toThrow(expect.objectContaining({ code: 'bad-path' }));
  });

  test('is shown as UTF-8, what is not as U+FFFD', () => {
    expect(displayName(parseWirePath('a/%C3%A4%0A'))).toBe('ä\n');
    expect(displayName(parseWirePath('%FF'))).toBe('\ufffd');
    expect(displayName(rootPath)).toBe('');
  });
});

describe('what a person types', () => {
  test('is read as plain names, with or without slashes around', () => {
    expect(wirePathFromPlain('Pläne 2026/100 %.pdf/')).toBe('Pl%C3%A4ne%202026/100%20%25.pdf');
    expect(wirePathFromPlain('/')).toBe(rootPath);
    expect(() => wirePathFromPlain('a/../b')).toThrow(expect.objectContaining({ code: 'bad-path' }));
  });

  test('may be a wire path too: both readings are tried, the wire path first', () => {
    expect(typedPathReadings('a%20b')).toEqual(['a%20b', 'a%2520b']);
    expect(typedPathReadings('a b')).toEqual(['a%20b']);
    expect(typedPathReadings('a/b/')).toEqual(['a/b']);
    expect(typedPathReadings('')).toEqual([rootPath]);
  });

  test('finds every path by the text that `ls --json` shows', () => {
    fc.assert(
      fc.property(
        names.filter((components) => components.length > 0),
        (components) => {
          const path = pathFromComponents(components);
          expect(typedPathReadings(path)[0]).toBe(path);
        },
      ),
    );
  });
});

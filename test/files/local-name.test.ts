import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSafeName, localName, LocalNames, numberedName } from '../../agent/files/local-name.ts';

const onWindows = (text: string): string => localName(Buffer.from(text), 'win32').toString();
const component = fc
  .uint8Array({ minLength: 1, maxLength: 255 })
  .map((bytes) => bytes.map((byte) => (byte === 0 || byte === 0x2f ? 0x5f : byte)))
  .filter((bytes) => !['.', '..'].includes(Buffer.from(bytes).toString('latin1')));
const readable = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
  .map((text) => Buffer.from(text.replaceAll(/[/\0]/g, '_')));
const platforms = fc.constantFrom('linux', 'win32', 'darwin');

describe('names of a neighbour on this system', () => {
  it('are their bytes on Linux', () => {
    fc.assert(fc.property(component, (bytes) => localName(bytes, 'linux').equals(bytes)));
  });

  it.each([
    ['NUL', 'NUL_'],
    ['con.txt', 'con_.txt'],
    ['nul .tar.gz', 'nul _.tar.gz'],
    ['COM¹', 'COM¹_'],
    ['lpt9.log', 'lpt9_.log'],
    ['console', 'console'],
    ['COM10', 'COM10'],
    ['report.', 'report_'],
    ['report ', 'report_'],
    ['what?.txt', 'what_.txt'],
    ['C:evil', 'C_evil'],
    ['a\\b', 'a_b'],
    ['x:stream', 'x_stream'],
    ['two\nlines', 'two_lines'],
    ['..\\..\\x', '.._.._x'],
  ])('on Windows %j becomes %j', (name, expected) => {
    expect(onWindows(name)).toBe(expected);
  });

  it('are always safe to put into a path, and the same when asked again', () => {
    fc.assert(
      fc.property(fc.oneof(component, readable), platforms, (bytes, platform) => {
        const name = localName(bytes, platform);
        expect(isSafeName(name, platform)).toBe(true);
        expect(name.length).toBeLessThanOrEqual(255);
        expect(localName(name, platform).equals(name)).toBe(true);
      }),
    );
  });

  it('never meet, whatever a folder holds', () => {
    const folder = fc.uniqueArray(fc.oneof(component, readable), {
      maxLength: 40,
      selector: (name) => Buffer.from(name).toString('hex'),
    });
    fc.assert(
      fc.property(folder, platforms, (sources, platform) => {
        const names = new LocalNames(platform);
        const taken = sources.map((source) => names.take(source));
        const fold = (name: Buffer): string =>
          platform === 'linux'
            ? name.toString('hex')
            : name.toString().normalize('NFC').toLowerCase().toUpperCase().normalize('NFC');
        expect(new Set(taken.map(fold)).size).toBe(sources.length);
      }),
    );
  });

  it('are numbered where the system does not tell them apart', () => {
    const names = new LocalNames('win32');
    expect(['A.txt', 'a.txt', 'a.TXT', '\u212A', 'k'].map((name) => names.take(Buffer.from(name)).toString())).toEqual([
      'A.txt',
      'a (2).txt',
      'a (3).TXT',
      '\u212A',
      'k (2)',
    ]);
    const mac = new LocalNames('darwin');
    expect(['\u00E9', 'e\u0301'].map((name) => mac.take(Buffer.from(name)).toString())).toEqual([
      '\u00E9',
      'e\u0301 (2)',
    ]);
  });

  it('are cut when a number makes them too long, without tearing a character', () => {
    const name = numberedName(Buffer.from(`${'é'.repeat(125)}.pdf`), 12);
    expect(name.length).toBeLessThanOrEqual(255);
    expect(name.toString()).toMatch(/^é+ \(12\)\.pdf$/);
  });

  it('are changed where they look like a partial file of ours', () => {
    expect(localName(Buffer.from('.0a1b2c3d.nethood-part'), 'linux').toString()).toBe('.0a1b2c3d_.nethood-part');
  });

  it.each(['', '.', '..', 'a/b', 'a\0b'])('are not safe as %j anywhere', (name) => {
    for (const platform of ['linux', 'win32', 'darwin'] as const)
      expect(isSafeName(Buffer.from(name), platform)).toBe(false);
  });

  it.each(['a\\b', 'C:x', 'x:ads', 'NUL', 'aux.c', 'dot.', 'space ', 'a*', '\u0001'])(
    'are not safe as %j on Windows',
    (name) => {
      expect(isSafeName(Buffer.from(name), 'win32')).toBe(false);
      expect(isSafeName(Buffer.from(name), 'linux')).toBe(true);
    },
  );
});

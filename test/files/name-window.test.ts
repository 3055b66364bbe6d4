import { assert, integer, nat, property, string, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NameWindow, WindowPicker } from '../../agent/files/name-window.ts';

function namesOf(window: NameWindow): string[] {
  const names: string[] = [];
  for (let at = 0; ; at++) {
    const bucket = window.bucket(at);
    if (bucket === undefined) return names;
    names.push(...bucket);
  }
}

function windowOf(names: Iterable<string>, after?: string, mostBytes?: number): NameWindow {
  const picker = new WindowPicker(after, mostBytes);
  for (const name of names) picker.add(name);
  return picker.window();
}

/** In an order that has nothing to do with the names. */
function shuffled(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `name ${String((at * 7919) % count).padStart(7, '0')}`);
}

describe('a window of names', () => {
  it('holds all names in order where they fit', () => {
    const names = shuffled(30_011);
    const window = windowOf(names);
    expect(window.complete).toBe(true);
    expect(namesOf(window)).toEqual(names.toSorted());
  });

  it('has the order of the bytes', () => {
    const bytes = ['\u00ff', 'b', 'B', '\u0001', 'a b', 'a', 'a.b', '\u00c3\u00a4'];
    expect(namesOf(windowOf(bytes))).toEqual(['\u0001', 'B', 'a', 'a b', 'a.b', 'b', '\u00c3\u00a4', '\u00ff']);
  });

  it('is empty and complete where nothing comes after', () => {
    const window = windowOf(['a', 'b'], 'b');
    expect([namesOf(window), window.complete]).toEqual([[], true]);
  });

  it('never costs more than its bound, and windows one after the other give each name once, in order', () => {
    const name = string({ minLength: 1, maxLength: 12, unit: nat(255).map((code) => String.fromCharCode(code)) });
    const folder = uniqueArray(name, { maxLength: 300 });
    assert(
      property(folder, integer({ min: 110, max: 4000 }), (names, mostBytes) => {
        const given: string[] = [];
        for (let after: string | undefined, complete = false; !complete; after = given.at(-1)) {
          const window = windowOf(names, after, mostBytes);
          expect(window.bytes).toBeLessThanOrEqual(mostBytes);
          const page = namesOf(window);
          given.push(...page);
          ({ complete } = window);
          expect(complete || page.length > 0).toBe(true);
        }
        expect(given).toEqual(names.toSorted());
      }),
    );
  });

  it('takes the first names of a million within its bound', () => {
    const window = windowOf(shuffled(1_000_003));
    const names = namesOf(window);
    expect(window.complete).toBe(false);
    expect(window.bytes).toBeLessThanOrEqual(12 << 20);
    expect(names.length).toBeGreaterThan(50_000);
    expect(names.every((name, at) => name === `name ${String(at).padStart(7, '0')}`)).toBe(true);
  });
});

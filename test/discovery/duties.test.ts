/** The table "Discovery duties" of docs/protocol.md names a test for each duty; here it is seen that each of them exists. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const tests = join(import.meta.dirname, '..');
const chapter = readFileSync(join(tests, '../docs/protocol.md'), 'utf8').split('\n## Discovery duties\n')[1] ?? '';

interface Duty {
  readonly duty: string;
  readonly shownBy: readonly { readonly file: string; readonly title: string }[];
}

const duties = chapter
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| duty |'))
  .map(readRow);

function readRow(line: string): Duty {
  const [duty = '', , shown = ''] = line.slice(2, -2).split(' | ');
  const shownBy = shown.split('<br>').map((entry) => {
    const [, file = '', title = ''] = /^`([a-z-]+)` (.+)$/.exec(entry) ?? [];
    return { file, title };
  });
  return { duty, shownBy };
}

/** The titles in each test file, by its name without `.test.ts`; one that is made in the file is there as it is written. */
const titles = new Map(
  ['discovery', 'fuzz', 'integration'].flatMap((folder) =>
    readdirSync(join(tests, folder))
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => [basename(name, '.test.ts'), titlesIn(readFileSync(join(tests, folder, name), 'utf8'))] as const),
  ),
);

function titlesIn(source: string): Set<string> {
  const calls = source.matchAll(/\b(?:test|it)(?:\.concurrent)?\(\s*(?:'([^']+)'|"([^"]+)"|`([^`]+)`)/g);
  return new Set(Array.from(calls, ([, single, double, made]) => single ?? double ?? made ?? ''));
}

describe('the duties of discovery', () => {
  test('are all of those that an expert would look for', () => {
    expect(duties.length).toBeGreaterThanOrEqual(45);
  });

  test.each(duties)('$duty', ({ shownBy }) => {
    for (const { file, title } of shownBy) expect(Array.from(titles.get(file) ?? []), file).toContain(title);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

interface Named {
  readonly file: string;
  readonly words: string;
}

function rows(): { what: string; tests: Named[] }[] {
  const lines = readFileSync(join(root, 'docs/faults.md'), 'utf8').split('\n');
  const cells = lines.filter((line) => line.startsWith('| ')).map((line) => line.split(' | '));
  return cells
    .filter(([what]) => what !== '| what')
    .map(([what = '', , tests = '']) => ({
      what: what.slice(2),
      tests: Array.from(tests.matchAll(/`([^`]+)` “([^”]+)”/g), ([, file = '', words = '']) => ({ file, words })),
    }));
}

test.each(rows())('$what: has its tests', ({ tests }) => {
  expect(tests.length).toBeGreaterThan(0);
  for (const { file, words } of tests) expect(readFileSync(join(root, file), 'utf8'), file).toContain(words);
});

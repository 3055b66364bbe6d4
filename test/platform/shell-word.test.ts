import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from '../../agent/platform/shell-word.ts';

test.each([
  'plain',
  '/a/b-c_d.e',
  'two words',
  "it's",
  '$HOME',
  '`id`',
  '"',
  '\\',
  '',
  'a\nb',
  ';',
  '*',
  '~',
  '#x',
  'a&b',
])('a shell gives %j back', (word) => {
  expect(execFileSync('sh', ['-c', `printf %s ${shellWord(word)}`]).toString()).toBe(word);
});

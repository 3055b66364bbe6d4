import { expect, test } from 'vitest';
import { formatTable, median } from '../../bench/table.ts';

test.each([
  [[3], 3],
  [[10, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
])('the median of %j is %d', (values, middle) => {
  expect(median(values)).toBe(middle);
});

test('nothing has no median', () => {
  expect(() => median([])).toThrow('no median');
});

test('columns are as wide as their widest cell, names to the left, numbers to the right', () => {
  const rows = [['what', 'MB/s'], ['nginx', '1080', '1.00'], ['scp', '42'], ['left out']];
  expect(formatTable(rows).split('\n')).toEqual([
    'what      MB/s',
    'nginx     1080  1.00',
    'scp         42',
    'left out',
  ]);
});

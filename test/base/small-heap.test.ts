import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const built = new URL('../../dist/agent/base/small-heap.js', import.meta.url);

/**
 * In a process of its own, because the setting is one of the whole process. Makes what lives on, then what lives for a
 * while, and prints in MiB how large the space of the young became and how much the heap held at most.
 */
const program = `
  import { once } from 'node:events';
  import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
  import { Worker } from 'node:worker_threads';
  import { keepHeapSmall } from ${JSON.stringify(built.href)};
  const wishes = process.argv.slice(1);
  if (wishes.includes('small')) keepHeapSmall();
  if (wishes.includes('young')) setFlagsFromString('--semi-space-growth-factor=1');
  if (wishes.includes('thread')) await once(new Worker('setInterval(() => {}, 1000)', { eval: true }), 'online');
  const kept = Array.from({ length: 200_000 }, (_, count) => ({ count }));
  const passing = [];
  let held = 0;
  for (let round = 0; round < 1000; round++) {
    passing[round % 50] = Array.from({ length: 1000 }, (_, count) => ({ count, text: round + ' ' + count }));
    held = Math.max(held, getHeapStatistics().used_heap_size);
  }
  const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  console.log(JSON.stringify({ young: space_size / 2 ** 20, held: held / 2 ** 20, kept: kept.length }));
  process.exit();
`;

async function sizesAfterLoad(...wishes: readonly string[]): Promise<{ young: number; held: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, ...wishes]);
  return JSON.parse(stdout) as { young: number; held: number };
}

it('does not grow with what lives on', async () => {
  const [small, usual] = await Promise.all([sizesAfterLoad('small'), sizesAfterLoad()]);
  expect(small.young).toBeLessThanOrEqual(4);
  expect(usual.young).toBeGreaterThan(2 * small.young);
});

it('nor when a thread was started', async () => {
  expect((await sizesAfterLoad('small', 'thread')).young).toBeLessThanOrEqual(4);
});

it('holds little that nobody uses any more', async () => {
  const [small, young] = await Promise.all([sizesAfterLoad('small'), sizesAfterLoad('young')]);
  expect(young.held).toBeGreaterThan(1.3 * small.held);
});

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const built = new URL('../../dist/agent/base/young-heap.js', import.meta.url);

/** In a process of its own, because the setting is one of the whole process. Prints how large the space is, in MiB. */
const program = `
  import { once } from 'node:events';
  import { getHeapSpaceStatistics } from 'node:v8';
  import { Worker } from 'node:worker_threads';
  import { keepYoungHeapSmall } from ${JSON.stringify(built.href)};
  const wishes = process.argv.slice(1);
  if (wishes.includes('small')) keepYoungHeapSmall();
  if (wishes.includes('thread')) await once(new Worker('setInterval(() => {}, 1000)', { eval: true }), 'online');
  const kept = [];
  for (let count = 0; count < 1_000_000; count++) kept.push({ count });
  const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  console.log(space_size / 2 ** 20);
  process.exit();
`;

async function sizeAfterLoad(...wishes: readonly ('small' | 'thread')[]): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, ...wishes]);
  return Number(stdout);
}

it('does not grow with what lives on', async () => {
  const [small, usual] = await Promise.all([sizeAfterLoad('small'), sizeAfterLoad()]);
  expect(small).toBeLessThanOrEqual(4);
  expect(usual).toBeGreaterThan(2 * small);
});

it('nor when a thread was started', async () => {
  expect(await sizeAfterLoad('small', 'thread')).toBeLessThanOrEqual(4);
});

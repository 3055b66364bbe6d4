import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const built = new URL('../../dist/agent/base/young-heap.js', import.meta.url);

/** In a process of its own, because the setting is one of the whole process. Prints how large the space is, in MiB. */
const program = `
  import { getHeapSpaceStatistics } from 'node:v8';
  import { keepYoungHeapSmall } from ${JSON.stringify(built.href)};
  if (process.argv[1] === 'small') keepYoungHeapSmall();
  const kept = [];
  for (let count = 0; count < 1_000_000; count++) kept.push({ count });
  const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space');
  console.log(space_size / 2 ** 20);
`;

async function sizeAfterLoad(wish: 'small' | 'usual'): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, wish]);
  return Number(stdout);
}

it('does not grow with what lives on', async () => {
  const [small, usual] = await Promise.all([sizeAfterLoad('small'), sizeAfterLoad('usual')]);
  expect(small).toBeLessThanOrEqual(4);
  expect(usual).toBeGreaterThan(2 * small);
});

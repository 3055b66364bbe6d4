import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { cli } from './support.ts';

it('start in a home whose state cannot be written says so, not what the system calls it', async () => {
  await using scope = new Scope();
  const home = await mkdtemp(join(tmpdir(), 'nh-start-'));
  scope.defer(() => rm(home, { recursive: true, force: true }));
  await writeFile(join(home, 'state'), 'no folder');
  const { code, stdout } = await cli(['start', '--json'], { home });
  const message = `The file ${join(home, 'state', 'logs', 'start.log')} cannot be written; without it no agent starts.`;
  expect([code, JSON.parse(stdout)]).toEqual([5, { error: { code: 'not-permitted', message } }]);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { claimHome } from '../../agent/base/single-instance.ts';

async function newHome(): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'nethood-lock-'));
  onTestFinished(() => rm(home, { recursive: true }));
  return home;
}

describe('the lock of a home', () => {
  it('is held by one at a time and free again afterwards', async () => {
    const home = await newHome();
    const first = await claimHome(home, process.platform);
    await expect(claimHome(home, process.platform)).rejects.toMatchObject({ code: 'already-running' });
    await first[Symbol.asyncDispose]();
    await using again = await claimHome(home, process.platform);
    expect(again).toBeDefined();
  });

  it('goes to exactly one of many first starts', async () => {
    const home = await newHome();
    const claims = await Promise.allSettled(Array.from({ length: 20 }, () => claimHome(home, process.platform)));
    const won = claims.filter((claim) => claim.status === 'fulfilled');
    expect(won).toHaveLength(1);
    for (const claim of won) await claim.value[Symbol.asyncDispose]();
  });

  it('is free at once after its holder was killed', async () => {
    const home = await newHome();
    await using known = await claimHome(home, process.platform);
    await known[Symbol.asyncDispose]();
    // A child that listens on the same kind of lock, ended by SIGKILL.
    const { readFile } = await import('node:fs/promises');
    const secret = await readFile(join(home, 'lock-name'), 'utf8');
    const name = process.platform === 'linux' ? `\0nethood-${secret}` : join(home, 'lock.sock');
    const script = `require('node:net').createServer().listen({ path: JSON.parse(process.argv[1]) }, () => console.log('up'))`;
    const child = spawn(process.execPath, ['-e', script, JSON.stringify(name)]);
    await once(child.stdout, 'data');
    await expect(claimHome(home, process.platform)).rejects.toMatchObject({ code: 'already-running' });
    child.kill('SIGKILL');
    await once(child, 'exit');
    await using mine = await claimHome(home, process.platform);
    expect(mine).toBeDefined();
  });
});

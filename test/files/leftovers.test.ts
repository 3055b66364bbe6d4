import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { createShares, type LocalShares } from '../../agent/files/shares.ts';
import type { ShareId } from '../../protocol/ids.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { SimClock } from '../sim/clock.ts';
import { bob, MemoryConfig, never, temporaryFolder } from './files-support.ts';

const day = 24 * 60 * 60_000;
const part = '.0a1b2c3d.nethood-part';

describe('what a killed agent left in a share that others change', () => {
  let scope: Scope;
  let folder: string;
  let stateFolder: string;
  let config: MemoryConfig;
  let clock: SimClock;
  let life: Scope;
  let shares: LocalShares;
  let share: ShareId;

  const start = async (): Promise<void> => {
    life = scope.child();
    // Files have the time of the system, so the clock starts there.
    clock = new SimClock();
    clock.setWall(Date.now() - clock.wall());
    const ownFolders = { closed: [], files: '/nowhere' };
    shares = life.use(await createShares({ config, ownFolders, stateFolder, clock, log: silentLog }));
  };
  const write = (text: string): Promise<unknown> => {
    const body = Readable.from(['by bob']);
    return shares.writable(bob, share).write(wirePathFromPlain(text), { body, signal: never });
  };

  beforeEach(async () => {
    scope = new Scope();
    [folder, stateFolder, config] = [await temporaryFolder(scope), await temporaryFolder(scope), new MemoryConfig()];
    await mkdir(join(folder, 'sub'));
    await start();
    share = (await shares.add({ folder, name: 'Public', audience: 'everyone', rights: 'write' })).id;
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  it('goes a day after its last change, also in a later life of the agent, and nothing else', async () => {
    await write('sub/file');
    await writeFile(join(folder, 'sub', part), 'half a file');
    await mkdir(join(folder, 'sub', '.ffffffff.nethood-part', 'deep'), { recursive: true });
    await symlink('/etc', join(folder, 'sub', '.00000000.nethood-part'));
    await writeFile(join(folder, 'sub', '.0a1b2c3.nethood-part'), 'of somebody else');
    await life[Symbol.asyncDispose]();
    await start();
    await clock.advance(day - 60_000);
    expect(await readdir(join(folder, 'sub'))).toContain(part);
    await clock.advance(2 * 60 * 60_000);
    await expect
      .poll(async () => (await readdir(join(folder, 'sub'))).toSorted())
      .toEqual(['.00000000.nethood-part', '.0a1b2c3.nethood-part', 'file']);
  });

  it('stays where nobody but its owner ever made anything', async () => {
    await write('file');
    await writeFile(join(folder, 'sub', part), 'fetched by another agent');
    await writeFile(join(folder, part), 'half a file');
    await clock.advance(day + 2 * 60 * 60_000);
    await expect.poll(() => readdir(folder)).toEqual(['file', 'sub']);
    expect(await readdir(join(folder, 'sub'))).toEqual([part]);
  });
});

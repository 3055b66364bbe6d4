import { appendFile, mkdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../agent/base/clock.ts';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import { FolderWatches, watchLimits } from '../../agent/files/folder-watches.ts';
import type { LocalShares } from '../../agent/files/shares.ts';
import type { Asker } from '../../agent/trust/access.ts';
import { DeviceId, type ShareId } from '../../protocol/ids.ts';
import type { FolderEvent } from '../../protocol/peer.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { SimClock } from '../sim/clock.ts';
import { bob, bobId, codeOf, never, openShares, temporaryFolder } from './files-support.ts';

let scope: Scope;
let folder: string;
let shares: LocalShares;
let share: ShareId;
let watches: FolderWatches;
let told: [DeviceId, FolderEvent][];

beforeEach(async () => {
  scope = new Scope();
  folder = await temporaryFolder(scope);
  await mkdir(join(folder, 'docs'));
  shares = await openShares(scope);
  ({ id: share } = await shares.add({ folder, name: 'Public', audience: 'everyone', rights: 'read' }));
  open(systemClock);
});
afterEach(() => scope[Symbol.asyncDispose]());

function open(clock: Clock): void {
  told = [];
  watches = scope.use(new FolderWatches({ shares, clock, tell: (id, event) => void told.push([id, event]) }));
}

const docs = (name: string): string => join(folder, 'docs', name);
const watch = (path = 'docs', asker: Asker = bob): Promise<unknown> =>
  watches.watch(asker, share, wirePathFromPlain(path), never);

/** Something is told of what happens now. */
async function isTold(change: () => Promise<unknown>): Promise<void> {
  const before = told.length;
  await change();
  await expect.poll(() => told.length).toBeGreaterThan(before);
}

/** What is told of what happened until now has been told. */
async function quiet(): Promise<void> {
  for (let seen = -1; seen !== told.length;) {
    seen = told.length;
    await new Promise((resolve) => setTimeout(resolve, watchLimits.pauseMs * 1.2));
  }
}

describe('a watched folder', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['made', () => writeFile(docs('new'), '')],
    ['written', () => writeFile(docs('file'), 'more')],
    ['renamed', () => rename(docs('file'), docs('other'))],
    ['removed', () => unlink(docs('file'))],
    ['given its name, having been received', () => rename(docs('.0a1b2c3d.nethood-part'), docs('received'))],
  ])('tells that something in it was %s', async (_what, change) => {
    await writeFile(docs('file'), '');
    await writeFile(docs('.0a1b2c3d.nethood-part'), '');
    expect(await watch()).toEqual({ leaseMs: 60_000 });
    await isTold(change);
    expect(told[0]).toEqual([bobId, { type: 'folder', share, path: 'docs' }]);
  });

  it('says nothing of what is being received, of other folders, and of one that nobody watches', async () => {
    await mkdir(docs('below'));
    await watch();
    await writeFile(docs('.0a1b2c3d.nethood-part'), 'half');
    await writeFile(join(folder, 'beside'), '');
    await writeFile(docs('below/file'), '');
    await quiet();
    expect(told).toEqual([]);
  });

  it('is told of a few times while a file is written thousands of times', async () => {
    await watch();
    const began = performance.now();
    for (let at = 0; at < 5_000; at++) await appendFile(docs('log'), 'line\n');
    await quiet();
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual((performance.now() - began) / watchLimits.pauseMs + 2);
  });

  it('is no longer told of where the share is no longer for the asker', async () => {
    await watch();
    await shares.remove('Public');
    await writeFile(docs('new'), '');
    await expect.poll(() => watches.size).toBe(0);
    expect(told).toEqual([]);
    expect(await codeOf(watch())).toBe('not-found');
  });

  it('that was replaced by another is watched anew when its lease is renewed', async () => {
    await watch();
    await rename(join(folder, 'docs'), join(folder, 'old'));
    await mkdir(join(folder, 'docs'));
    await watch();
    await isTold(() => writeFile(docs('new'), ''));
    await quiet();
    const before = told.length;
    await writeFile(join(folder, 'old', 'new'), '');
    await quiet();
    expect([told.length, watches.size]).toEqual([before, 1]);
  });
});

describe('a watch', () => {
  it('ends when it is not renewed for a minute', async () => {
    const clock = new SimClock();
    open(clock);
    await watch();
    await clock.advance(59_000);
    await watch();
    await clock.advance(59_000);
    expect(watches.size).toBe(1);
    await clock.advance(1_000);
    expect(watches.size).toBe(0);
  });

  it.each([
    ['missing', 'not-found'],
    ['file', 'not-a-folder'],
    ['link', 'not-found'],
    ['link/below', 'not-found'],
  ])('of %s is refused: %s', async (path, code) => {
    await writeFile(join(folder, 'file'), '');
    await symlink('/etc', join(folder, 'link'));
    expect(await codeOf(watch(path))).toBe(code);
    expect(watches.size).toBe(0);
  });

  it('of a share that vanished says so', async () => {
    await rm(folder, { recursive: true });
    expect(await codeOf(watch())).toBe('unavailable');
  });

  it('pushes out the oldest of its asker beyond 16, and of all beyond 256', async () => {
    for (let at = 0; at < 20; at++) await mkdir(docs(String(at)));
    for (let at = 0; at < 20; at++) await watch(`docs/${at}`);
    expect(watches.size).toBe(watchLimits.perAsker);
    for (let other = 0; other < 20; other++) {
      const id = DeviceId.parse(String.fromCharCode(99 + other).repeat(52));
      for (let at = 0; at < 16; at++)
        await watch(`docs/${at}`, { kind: 'device', id, trust: 'stranger', onLink: true });
    }
    expect(watches.size).toBe(watchLimits.inAll);
    watches[Symbol.dispose]();
    expect(watches.size).toBe(0);
  });
});

import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { createShares, type LocalShares } from '../../agent/files/shares.ts';
import type { Asker } from '../../agent/trust/access.ts';
import { DeviceId, ShareId } from '../../protocol/ids.ts';
import { rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { SimClock } from '../sim/clock.ts';
import { bob, bobId, codeOf, MemoryConfig, never, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

const carl: Asker = { kind: 'device', id: DeviceId.parse('c'.repeat(52)), trust: 'stranger', onLink: true };
const paired: Asker = { kind: 'device', id: DeviceId.parse('d'.repeat(52)), trust: 'paired', onLink: false };
const guest: Asker = { kind: 'guest', onLink: true };

let home: string;
let folder: string;
let config: MemoryConfig;
let clock: SimClock;
let shares: LocalShares;

const share = (name: string | undefined, audience: 'everyone' | 'colleagues' | DeviceId[] = 'everyone') =>
  shares.add({ folder, name, audience, rights: 'read' });
const add = (path: string) =>
  codeOf(shares.add({ folder: path, name: undefined, audience: 'everyone', rights: 'read' }));
const names = (asker: Asker): string[] => shares.visibleTo(asker).map(({ name }) => name);
const opening = (asker: Asker, id: ShareId) => codeOf((async () => shares.tree(asker, id, 'read'))());

describe('shares', () => {
  beforeEach(async () => {
    home = await temporaryFolder(scope);
    folder = join(home, 'files', 'Public');
    for (const name of ['state', 'run', 'files/Public', 'elsewhere'])
      await mkdir(join(home, name), { recursive: true });
    config = new MemoryConfig();
    clock = new SimClock();
    // As `--home` has it: everything in one folder, which the configuration lies in.
    const ownFolders = { closed: [home, join(home, 'state'), join(home, 'run')], files: join(home, 'files') };
    shares = scope.use(
      await createShares({ config, ownFolders, stateFolder: join(home, 'state'), clock, log: silentLog }),
    );
  });

  it('are kept in the configuration and taken out again', async () => {
    const view = await share('Work');
    expect(view).toEqual({ id: view.id, name: 'Work', folder, audience: 'everyone', rights: 'read', state: 'ok' });
    expect(config.current.shares).toEqual([
      { id: view.id, name: 'Work', folder, audience: 'everyone', rights: 'read' },
    ]);
    expect(await shares.remove('Work')).toEqual(view);
    expect(shares.list()).toEqual([]);
    expect(await codeOf(shares.remove('Work'))).toBe('not-found');
  });

  it('are called like their folder, numbered where that is taken', async () => {
    expect([(await share(undefined)).name, (await share(undefined)).name, (await share(undefined)).name]).toEqual([
      'Public',
      'Public 2',
      'Public 3',
    ]);
    expect(await codeOf(share('public'))).toBe('exists');
  });

  it('are refused for what is no folder, or holds our own key, or lies beside it', async () => {
    await writeFile(join(home, 'files', 'file'), '');
    await symlink(join(home, 'state'), join(home, 'files', 'link'));
    expect(await add(join(home, 'missing'))).toBe('not-found');
    expect(await add(join(home, 'files', 'file'))).toBe('not-a-folder');
    for (const own of [home, join(home, 'state'), join(home, 'elsewhere'), '/', join(home, 'files', 'link')])
      expect([own, await add(own)]).toEqual([own, 'not-permitted']);
    expect(await add(join(home, 'files'))).toBe('no error');
  });

  it('are seen by their audience only, and look absent to all others', async () => {
    await share('All');
    const team = await share('Team', 'colleagues');
    const forBob = await share('For Bob', [bobId]);
    expect([names(bob), names(carl), names(paired), names(guest)]).toEqual([
      ['All', 'For Bob'],
      ['All'],
      ['Team'],
      ['All'],
    ]);
    expect(await opening(bob, forBob.id)).toBe('no error');
    for (const id of [team.id, forBob.id, ShareId.parse('z'.repeat(26))])
      expect(await opening(carl, id)).toBe('not-found');
    await config.update((current) => ({ ...current, paused: true }));
    expect([names(bob), await opening(bob, forBob.id)]).toEqual([[], 'not-found']);
    expect(await opening({ kind: 'owner' }, forBob.id)).toBe('no error');
  });

  it('are changed by those who may, and by nobody else', async () => {
    const forBob = await shares.add({ folder, name: 'For Bob', audience: [bobId], rights: 'write' });
    const toRead = await share('To read');
    expect(shares.list().map(({ name, rights }) => [name, rights])).toEqual([
      ['For Bob', 'write'],
      ['To read', 'read'],
    ]);
    expect(shares.visibleTo(bob)).toMatchObject([{ rights: 'write' }, { rights: 'read' }]);
    const changing = (asker: Asker, id: ShareId) => codeOf((async () => shares.writable(asker, id))());
    expect([await changing(bob, forBob.id), await changing(bob, toRead.id)]).toEqual(['no error', 'not-permitted']);
    for (const stranger of [carl, guest, { ...bob, trust: 'blocked' } as const])
      expect(await changing(stranger, forBob.id)).toBe('not-found');
    expect(await changing(guest, toRead.id)).toBe('not-permitted');
    expect(await changing(bob, ShareId.parse('z'.repeat(26)))).toBe('not-found');
    await config.update((current) => ({ ...current, paused: true }));
    expect([await changing(bob, forBob.id), await changing(bob, toRead.id)]).toEqual(['not-found', 'not-found']);
  });

  it('of a folder that vanished are unavailable, not empty, until it is back', async () => {
    await writeFile(join(folder, 'file'), '');
    const { id } = await share('Work');
    let changes = 0;
    scope.use(shares.events.on('changed', () => changes++));
    await rename(folder, join(home, 'away'));
    const tree = shares.tree(bob, id, 'read');
    expect(await codeOf(tree.list(rootPath, undefined, never))).toBe('unavailable');
    expect(await codeOf(tree.stat(wirePathFromPlain('file'), never))).toBe('unavailable');
    expect([shares.list()[0]?.state, changes, shares.visibleTo(bob).length]).toEqual(['unavailable', 1, 1]);
    await rename(join(home, 'away'), folder);
    await clock.advance(30_000);
    await expect.poll(() => [shares.list()[0]?.state, changes]).toEqual(['ok', 2]);
    expect((await tree.list(rootPath, undefined, never)).entries).toHaveLength(1);
  });

  it('of a folder that vanished are not made anew by whoever writes into them', async () => {
    const { id } = await shares.add({ folder, name: 'Work', audience: 'everyone', rights: 'write' });
    await rm(folder, { recursive: true });
    const tree = shares.writable(bob, id);
    const body = Readable.from(['x']);
    expect(await codeOf(tree.mkdir(wirePathFromPlain('new'), never))).toBe('unavailable');
    expect(await codeOf(tree.write(wirePathFromPlain('new'), { body, signal: never }))).toBe('unavailable');
    expect(await codeOf(tree.remove(wirePathFromPlain('new'), never))).toBe('unavailable');
    expect(await readdir(join(home, 'files'))).toEqual([]);
  });

  it('lead nowhere once their folder was replaced by a link to our state', async () => {
    await writeFile(join(home, 'state', 'key'), 'secret');
    const { id } = await share('Work');
    await rm(folder, { recursive: true });
    await symlink(join(home, 'state'), folder);
    expect(await codeOf(shares.tree(bob, id, 'read').list(rootPath, undefined, never))).toBe('unavailable');
  });

  it('that a person wrote into the configuration for a forbidden folder are unavailable', async () => {
    const id = ShareId.parse('q'.repeat(26));
    const bad = { id, name: 'Keys', folder: join(home, 'state'), audience: 'everyone', rights: 'read' } as const;
    await config.update((current) => ({ ...current, shares: [bad] as never }));
    await expect.poll(() => shares.list()[0]?.state).toBe('unavailable');
  });
});

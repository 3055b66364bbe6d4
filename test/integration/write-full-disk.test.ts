// needs: namespaces
/** A disk that others fill: told as such, nothing half-done stays on it, and other shares do not notice. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { WritableTree } from '../../agent/files/file-tree.ts';
import { createRemoteTree } from '../../agent/files/remote-tree.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, bob, codeOf, never, openShares, temporaryFolder } from '../files/files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

let disk: string;
let tree: WritableTree;
let elsewhere: WritableTree;
let config: Awaited<ReturnType<typeof openShares>>['config'];

beforeEach(async () => {
  disk = join(await temporaryFolder(scope), 'disk');
  const folder = disk;
  await mkdir(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', folder]);
  scope.defer(() => execFileSync('umount', ['--lazy', folder]));
  const shares = await openShares(scope);
  ({ config } = shares);
  const on = { audience: 'everyone', rights: 'write' } as const;
  tree = shares.writable(bob, (await shares.add({ ...on, name: 'Disk', folder })).id);
  elsewhere = shares.writable(
    bob,
    (await shares.add({ ...on, name: 'Elsewhere', folder: await temporaryFolder(scope) })).id,
  );
});

const reserve = (bytes: number) =>
  config.update((current) => ({ ...current, sharing: { ...current.sharing, reserve: bytes } }));
const write = (name: string, bytes: number, size?: number): Promise<string> =>
  codeOf(tree.write(wirePathFromPlain(name), { body: Readable.from([randomBytes(bytes)]), size, signal: never }));

it('refuses what does not fit, and takes what fits once there is room', async () => {
  await reserve(0);
  await writeFile(join(disk, 'there'), randomBytes(10 << 20));
  expect(await write('big', 8 << 20, 8 << 20)).toBe('no-space');
  expect(await write('big', 8 << 20)).toBe('no-space');
  expect(await readdir(disk)).toEqual(['there']);
  const body = Readable.from(['fits']);
  expect((await elsewhere.write(wirePathFromPlain('other'), { body, signal: never })).created).toBe(true);
  await rm(join(disk, 'there'));
  expect(await write('big', 8 << 20)).toBe('no error');
});

it('keeps what is there when its replacement or a copy does not fit', async () => {
  await reserve(0);
  expect(await write('file', 9 << 20)).toBe('no error');
  expect(await write('file', 10 << 20)).toBe('no-space');
  const copied = tree.copy(wirePathFromPlain('file'), wirePathFromPlain('copy'), { replace: false, signal: never });
  expect(await codeOf(copied)).toBe('no-space');
  expect(await readdir(disk)).toEqual(['file']);
  expect((await tree.stat(wirePathFromPlain('file'), never)).size).toBe(9 << 20);
});

it('leaves a twentieth of a small disk to its owner', async () => {
  const { blocks, bsize } = await statfs(disk);
  expect(await write('all', 1, Math.floor((blocks * bsize * 19) / 20) + 1)).toBe('no-space');
  expect(await write('most', 14 << 20, 14 << 20)).toBe('no error');
});

it('takes what is moved to it from another disk of the share, and what does not fit stays where it was', async () => {
  await reserve(0);
  const inner = join(disk, 'inner');
  await mkdir(inner);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', inner]);
  scope.defer(() => execFileSync('umount', ['--lazy', inner]));
  await mkdir(join(disk, 'folder', 'deep'), { recursive: true });
  await writeFile(join(disk, 'folder', 'deep', 'file'), 'content');
  await writeFile(join(disk, 'big'), randomBytes(6 << 20));
  const move = (from: string, to: string): Promise<string> =>
    codeOf(tree.move(wirePathFromPlain(from), wirePathFromPlain(to), { replace: false, signal: never }));
  expect(await move('folder', 'inner/folder')).toBe('no error');
  expect(await readFile(join(inner, 'folder', 'deep', 'file'), 'utf8')).toBe('content');
  expect(await move('big', 'inner/big')).toBe('no-space');
  expect([(await readdir(disk)).toSorted(), await readdir(inner)]).toEqual([['big', 'inner'], ['folder']]);
  expect(await codeOf(tree.remove(wirePathFromPlain('inner'), never))).toBe('not-permitted');
  expect(await readdir(inner)).toEqual(['folder']);
});

it('is told of to a neighbour in the middle of a body', async () => {
  const anna = await AnnasShare.open(scope, { rights: 'write' });
  const { id } = await anna.shares.add({ folder: disk, name: 'Disk', audience: 'everyone', rights: 'write' });
  const remote = createRemoteTree({ neighbours: anna.neighbours, clock: systemClock }, annaId, id);
  const body = Readable.from(
    (function* () {
      for (let piece = 0; piece < 32; piece++) yield randomBytes(1 << 20);
    })(),
  );
  expect(await codeOf(remote.write(wirePathFromPlain('big'), { body, signal: never }))).toBe('no-space');
  await expect.poll(() => readdir(disk)).toEqual([]);
});

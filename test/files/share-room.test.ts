import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { WritableTree, WriteOptions } from '../../agent/files/file-tree.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { SimClock } from '../sim/clock.ts';
import { bob, codeOf, type MemoryConfig, never, openShares, temporaryFolder } from './files-support.ts';

const keep = { replace: false, signal: never };
const replace = { replace: true, signal: never };

describe('room in a share', () => {
  let scope: Scope;
  let clock: SimClock;
  let folder: string;
  let config: MemoryConfig;
  let tree: WritableTree;
  beforeEach(async () => {
    scope = new Scope();
    clock = new SimClock();
    folder = await temporaryFolder(scope);
    const shares = await openShares(scope, clock);
    ({ config } = shares);
    const { id } = await shares.add({ folder, name: 'Public', audience: 'everyone', rights: 'write' });
    tree = shares.writable(bob, id);
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  const quota = (bytes: number) =>
    config.update((current) => ({ ...current, shares: current.shares.map((share) => ({ ...share, quota: bytes })) }));
  const write = (text: string, bytes: number, more: Partial<WriteOptions> = {}): Promise<string> =>
    codeOf(tree.write(wirePathFromPlain(text), { body: Readable.from([randomBytes(bytes)]), signal: never, ...more }));

  it('is bounded by a quota, which counts what is there already', async () => {
    await writeFile(join(folder, 'there'), randomBytes(600));
    await quota(1000);
    expect(await write('a', 300, { size: 300 })).toBe('no error');
    expect(await write('b', 200, { size: 200 })).toBe('too-large');
    expect(await write('b', 200)).toBe('too-large');
    expect(await write('b', 100)).toBe('no error');
    expect((await readdir(folder)).toSorted()).toEqual(['a', 'b', 'there']);
  });

  it('is not taken before a byte of a body that would not fit was read', async () => {
    await quota(1000);
    const body = new Readable({ read: () => expect.fail('was read') });
    const path = wirePathFromPlain('a');
    expect(await codeOf(tree.write(path, { body, size: 1001, signal: never }))).toBe('too-large');
  });

  it('comes back with what is replaced, removed, or broke off', async () => {
    await quota(1000);
    expect(await write('a', 900)).toBe('no error');
    expect(await write('b', 900)).toBe('too-large');
    await rm(join(folder, 'a'));
    await writeFile(join(folder, 'a'), randomBytes(100));
    await clock.advance(5_000); // A refusal is judged by what is there, no more than so long ago.
    expect(await write('b', 900)).toBe('no error');
    await tree.remove(wirePathFromPlain('b'), never);
    expect(await write('c', 400, { size: 500 })).toBe('bad-request');
    expect(await write('c', 900)).toBe('no error');
    await tree.move(wirePathFromPlain('a'), wirePathFromPlain('c'), replace);
    expect(await write('d', 900)).toBe('no error');
  });

  it('is one for all who write at once', async () => {
    await quota(1000);
    const codes = await Promise.all(Array.from({ length: 5 }, (_, at) => write(`file ${at}`, 300)));
    expect(codes.filter((code) => code === 'no error')).toHaveLength(3);
    expect(codes.filter((code) => code === 'too-large')).toHaveLength(2);
    expect(await readdir(folder)).toHaveLength(3);
  });

  it('is needed by copies too, of which nothing stays where it ends', async () => {
    await mkdir(join(folder, 'full'));
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, 'full', name), randomBytes(200));
    await quota(1100);
    const [full, copy] = [wirePathFromPlain('full'), wirePathFromPlain('copy')];
    expect(await codeOf(tree.copy(full, copy, keep))).toBe('too-large');
    expect(await readdir(folder)).toEqual(['full']);
    await quota(1200);
    expect(await codeOf(tree.copy(full, copy, keep))).toBe('no error');
  });

  it('leaves the disk what its owner keeps free', async () => {
    const { bavail, bsize, blocks } = await statfs(folder);
    const reserve = Math.floor((blocks * bsize) / 20);
    await config.update((current) => ({ ...current, sharing: { reserve } }));
    expect(await write('a', 1, { size: bavail * bsize - reserve + (1 << 30) })).toBe('no-space');
    expect(await write('a', 1, { size: 1 })).toBe('no error');
    expect(await readdir(folder)).toEqual(['a']);
  });
});

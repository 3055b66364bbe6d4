import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import { createRemoteTree } from '../../agent/files/remote-tree.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { writableTreeConformance } from '../conformance/writable-tree.ts';
import { AnnasShare, annaId, codeOf, never } from './files-support.ts';

describe("a neighbour's share", () => {
  writableTreeConformance('that may be changed', async (scope) => {
    const anna = await AnnasShare.open(scope, { rights: 'write' });
    return {
      folder: anna.folder,
      tree: createRemoteTree({ neighbours: anna.neighbours, clock: systemClock }, annaId, anna.share),
    };
  });

  it('of a version that knows no writing can only be read, and is not even asked', async () => {
    await using scope = new Scope();
    const anna = await AnnasShare.open(scope, { rights: 'write' });
    anna.features = new Set(['walk', 'archive', 'job-events']);
    const tree = createRemoteTree({ neighbours: anna.neighbours, clock: systemClock }, annaId, anna.share);
    const path = wirePathFromPlain('new');
    expect(await codeOf(tree.write(path, { body: Readable.from(['x']), signal: never }))).toBe('not-permitted');
    expect(await codeOf(tree.mkdir(path, never))).toBe('not-permitted');
    expect(await codeOf(tree.remove(path, never))).toBe('not-permitted');
    expect([anna.requests, await readdir(anna.folder)]).toEqual([[], []]);
  });

  it('that is read-only for us says so, and breaks nothing when it goes away in the middle', async () => {
    await using scope = new Scope();
    const anna = await AnnasShare.open(scope);
    const toRead = createRemoteTree({ neighbours: anna.neighbours, clock: systemClock }, annaId, anna.share);
    const path = wirePathFromPlain('file');
    expect(await codeOf(toRead.write(path, { body: Readable.from(['x']), signal: never }))).toBe('not-permitted');
    expect(await codeOf(toRead.mkdir(path, never))).toBe('not-permitted');
    const { id } = await anna.shares.add({ folder: anna.folder, name: 'Ours', audience: 'everyone', rights: 'write' });
    const tree = createRemoteTree({ neighbours: anna.neighbours, clock: systemClock }, annaId, id);
    const body = Readable.from(
      (async function* () {
        yield randomBytes(1 << 20);
        await expect.poll(() => readdir(anna.folder)).toHaveLength(1);
        anna.away = true;
        yield randomBytes(1 << 20);
      })(),
    );
    expect(await codeOf(tree.write(path, { body, signal: never }))).toBe('interrupted');
    await expect.poll(() => readdir(anna.folder)).toEqual([]);
  });
});

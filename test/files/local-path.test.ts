import { mkdtemp, rm } from 'node:fs/promises';
import { basename, parse } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { guardOf, joined, openGuarded } from '../../agent/files/guarded-folder.ts';
import { openGuardedSync } from '../../agent/files/guarded-folder-sync.ts';
import { joinLocal, localPath, shownPath, splitPath } from '../../agent/files/local-path.ts';

const guard = guardOf(process.platform);
const root = Buffer.from(parse(process.cwd()).root);
let folder: string;

beforeAll(async () => (folder = await mkdtemp('/tmp/nethood-root-')));
afterAll(() => rm(folder, { recursive: true }));

const parts = (path: string): string[] => Object.values(splitPath(localPath(path))).map(String);

describe('the root of a disk', () => {
  it('is joined with what is in it by one separator', () => {
    expect(shownPath(joinLocal(localPath('/'), Buffer.from('a')))).toBe('/a');
    expect(shownPath(joinLocal(localPath('/b'), Buffer.from('a')))).toBe('/b/a');
    expect(joined(Buffer.from('/'), [Buffer.from('a'), Buffer.from('b')]).toString()).toBe('/a/b');
    expect(joined(Buffer.from('/'), []).toString()).toBe('/');
  });

  it('is the folder of what is in it', () => {
    expect([parts('/a'), parts('/a/b'), parts('/a/b/c d')]).toEqual([
      ['/', 'a'],
      ['/a', 'b'],
      ['/a/b', 'c d'],
    ]);
  });

  it('can be held, and what is in it', async () => {
    const below = [Buffer.from('tmp'), Buffer.from(basename(folder))];
    for (const components of [[], below]) {
      (await openGuarded(root, components, guard)).close();
      openGuardedSync(root, components, guard).close();
      (await openGuarded(root, components, 'look-twice')).close();
      openGuardedSync(root, components, 'look-twice').close();
    }
  });
});

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { FileTree } from '../../agent/files/file-tree.ts';
import { MatchSearch, type SearchOptions } from '../../agent/files/match-search.ts';
import { namePatterns } from '../../agent/files/name-pattern.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { ShareId } from '../../protocol/ids.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { bob, codeOf, never, openShares, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());
let folder: string;
let tree: FileTree;

beforeAll(async () => {
  folder = await temporaryFolder(scope);
  for (const name of ['2025/raw', '2026/raw/deep', 'empty', '.git/2026'])
    await mkdir(join(folder, name), { recursive: true });
  for (const name of [
    'a.pdf',
    'b.txt',
    '2025/c.pdf',
    '2026/d.pdf',
    '2026/raw/e.pdf',
    '2026/raw/deep/f.txt',
    '.git/x.pdf',
  ])
    await writeFile(join(folder, name), name);
  await mkdir(join(folder, 'many'));
  for (let at = 0; at < 1100; at++) await writeFile(join(folder, 'many', `${at}.${at % 2 === 0 ? 'jpg' : 'raw'}`), '');
  const shares = await openShares(scope);
  const { id } = await shares.add({ folder, name: 'Public', audience: 'everyone', rights: 'read' });
  tree = shares.tree(bob, id satisfies ShareId, 'read');
});

async function found(rest: string, options: Partial<SearchOptions> = {}): Promise<string[]> {
  const search = new MatchSearch({
    tree,
    base: wirePathFromPlain(''),
    patterns: namePatterns(rest),
    give: 'names',
    ...options,
  });
  const paths: string[] = [];
  for (let done = false; !done;) {
    const step = await search.next(never);
    paths.push(...step.entries.map(({ path }) => path));
    ({ done } = step);
  }
  return paths;
}

describe('a search', () => {
  it.each([
    ['*.pdf', ['a.pdf']],
    ['*/*.pdf', ['2025/c.pdf', '2026/d.pdf']],
    ['20*/raw', ['2025/raw', '2026/raw']],
    ['**/*.pdf', ['2025/c.pdf', '2026/d.pdf', '2026/raw/e.pdf', 'a.pdf']],
    ['2026/**', ['2026/d.pdf', '2026/raw', '2026/raw/deep', '2026/raw/deep/f.txt', '2026/raw/e.pdf']],
    ['**/raw/**/f.txt', ['2026/raw/deep/f.txt']],
    ['.g*/*', ['.git/2026', '.git/x.pdf']],
    ['a.pdf/*', []],
    ['nothing*', []],
  ])('%s finds what a shell would', async (rest, paths) => {
    expect(await found(rest)).toEqual(paths);
  });

  it('is relative to its base', async () => {
    expect(await found('*.pdf', { base: wirePathFromPlain('2026/raw') })).toEqual(['e.pdf']);
  });

  it('gives for a transfer the folders above a match, and all that is in a folder that matches', async () => {
    expect(await found('*/*.pdf', { give: 'whole' })).toEqual(['2025', '2025/c.pdf', '2026', '2026/d.pdf']);
    expect(await found('20*/raw', { give: 'whole' })).toEqual([
      '2025',
      '2025/raw',
      '2026',
      '2026/raw',
      '2026/raw/deep',
      '2026/raw/deep/f.txt',
      '2026/raw/e.pdf',
    ]);
    expect(await found('**/f.txt', { give: 'whole' })).toEqual([
      '2026',
      '2026/raw',
      '2026/raw/deep',
      '2026/raw/deep/f.txt',
    ]);
  });

  it('goes through folders of several pages', async () => {
    expect(await found('many/*.jpg')).toHaveLength(550);
    expect(await found('man?', { give: 'whole' })).toHaveLength(1101);
  });

  it('lists only folders in which something can match', async () => {
    const listed: string[] = [];
    const counted: FileTree = {
      ...delegates(),
      list: (path, cursor, signal) => (listed.push(path), tree.list(path, cursor, signal)),
    };
    await found('2026/*.pdf', { tree: counted });
    expect(listed).toEqual(['', '2026']);
  });

  it('makes a step that failed again, and loses nothing', async () => {
    let calls = 0;
    const shaky: FileTree = {
      ...delegates(),
      list: (path, cursor, signal) =>
        ++calls % 2 === 1 ? Promise.reject(new NethoodError('interrupted', 'broken')) : tree.list(path, cursor, signal),
    };
    const search = new MatchSearch({
      tree: shaky,
      base: wirePathFromPlain(''),
      patterns: namePatterns('*/*.pdf'),
      give: 'names',
    });
    const paths: string[] = [];
    for (let done = false; !done;) {
      const failed = await search.next(never).catch((error: unknown) => error);
      if (failed instanceof NethoodError) continue;
      const step = failed as Awaited<ReturnType<MatchSearch['next']>>;
      paths.push(...step.entries.map(({ path }) => path));
      ({ done } = step);
    }
    expect(paths).toEqual(['2025/c.pdf', '2026/d.pdf']);
  });

  it('leaves out a folder that vanishes meanwhile, and says when its base is missing', async () => {
    await mkdir(join(folder, 'aa-soon-gone'));
    const search = new MatchSearch({
      tree,
      base: wirePathFromPlain(''),
      patterns: namePatterns('aa*/*'),
      give: 'names',
    });
    expect(await search.next(never)).toMatchObject({ entries: [], done: false });
    await rm(join(folder, 'aa-soon-gone'), { recursive: true });
    expect(await search.next(never)).toMatchObject({ entries: [], skipped: 0 });
    expect(await codeOf(found('*', { base: wirePathFromPlain('missing') }))).toBe('not-found');
  });
});

function delegates(): FileTree {
  return {
    stat: (path, signal) => tree.stat(path, signal),
    list: (path, cursor, signal) => tree.list(path, cursor, signal),
    walk: (path, cursor, signal) => tree.walk(path, cursor, signal),
    read: (path, options) => tree.read(path, options),
  };
}

import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Branch, ComposedTree } from '../../agent/files/composed-tree.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { codeOf, never } from './files-support.ts';
import type { MemoryTree } from './memory-tree.ts';
import { contentsOf, treeOf } from './named-tree.ts';

const since = 1_700_000_000_000;
const path = wirePathFromPlain;
const options = { replace: false, signal: never };

let docs: MemoryTree;
let music: MemoryTree;
let plans: MemoryTree;
let tree: ComposedTree;

beforeEach(async () => {
  docs = await treeOf({ 'a.txt': 'A', 'deep/b.txt': 'B', 'deep/empty': null });
  music = await treeOf({ 'song.mp3': 'la' });
  plans = await treeOf({ 'plan.txt': 'P' });
  const ofAnna: Branch[] = [
    { name: 'Docs', inside: { id: 'docs', tree: docs, writable: docs } },
    { name: 'Musik für alle', inside: { id: 'music', tree: music, writable: undefined } },
  ];
  const ofBob: Branch[] = [{ name: 'Plans', alias: 'planid', inside: { id: 'plans', tree: plans, writable: plans } }];
  tree = new ComposedTree(
    () => [
      { name: 'Anna', inside: () => ofAnna },
      { name: 'Bob', inside: () => ofBob },
      { name: 'Carol', hidden: true, inside: () => [] },
    ],
    since,
  );
});

const names = async (of: string): Promise<string[]> =>
  (await tree.list(path(of), undefined, never)).entries.map((entry) => decodeURIComponent(entry.path));
const contentOf = async (of: string): Promise<string> => text((await tree.read(path(of), { signal: never })).stream);
const write = (to: string, body: string) =>
  tree.write(path(to), { body: Readable.from([Buffer.from(body)]), signal: never });

describe('what is there by name', () => {
  it('is listed as folders, but for who is hidden', async () => {
    const { entries } = await tree.list(rootPath, undefined, never);
    expect(entries).toEqual([
      { path: 'Anna', kind: 'folder', size: 0, modified: since },
      { path: 'Bob', kind: 'folder', size: 0, modified: since },
    ]);
    expect(await names('Anna')).toEqual(['Docs', 'Musik für alle']);
    expect(await names('Carol')).toEqual([]);
    expect(await tree.stat(rootPath, never)).toEqual({ path: '', kind: 'folder', size: 0, modified: since });
    expect(await tree.stat(path('Anna'), never)).toMatchObject({ path: 'Anna', kind: 'folder' });
  });

  it('is found without regard to case and normalisation, and by its other name', async () => {
    expect(await contentOf('anna/docs/a.txt')).toBe('A');
    expect(await contentOf('Anna/Musik fu\u0308r alle/song.mp3')).toBe('la');
    expect(await contentOf('Bob/planid/plan.txt')).toBe('P');
  });

  it.each(['Dave', 'Anna/Nothing', 'Anna/Nothing/a.txt'])('is not found at %s', async (missing) => {
    expect(await codeOf(tree.stat(path(missing), never))).toBe('not-found');
    expect(await codeOf(tree.list(path(missing), undefined, never))).toBe('not-found');
    expect(await codeOf(tree.read(path(missing), { signal: never }))).toBe('not-found');
  });

  it('cannot be changed, nor can anything be put beside it', async () => {
    for (const name of ['new', 'Anna', 'Anna/new', 'Anna/Docs', 'Bob/Plans']) {
      expect(await codeOf(write(name, 'x'))).toBe('not-permitted');
      expect(await codeOf(tree.mkdir(path(name), never))).toBe('not-permitted');
      expect(await codeOf(tree.remove(path(name), never))).toBe('not-permitted');
      expect(await codeOf(tree.move(path(name), path('Anna/Docs/x'), options))).toBe('not-permitted');
      expect(await codeOf(tree.copy(path('Anna/Docs/a.txt'), path(name), options))).toBe('not-permitted');
    }
    expect(await contentsOf(docs)).toEqual({ 'a.txt': 'A', 'deep/': '', 'deep/b.txt': 'B', 'deep/empty/': '' });
  });

  it('is no file, and is not walked', async () => {
    expect(await codeOf(tree.read(path('Anna'), { signal: never }))).toBe('not-a-file');
    expect(await codeOf(tree.walk(rootPath, undefined, never))).toBe('unsupported');
    expect((await tree.walk(path('Anna/Docs'), undefined, never)).entries.map((entry) => entry.path)).toEqual([
      'a.txt',
      'deep',
      'deep/b.txt',
      'deep/empty',
    ]);
  });
});

describe('what is behind a name', () => {
  it('is listed, read and told with the whole path', async () => {
    expect(await names('Anna/Docs')).toEqual(['a.txt', 'deep']);
    expect(await tree.stat(path('Anna/Docs/deep/b.txt'), never)).toMatchObject({
      path: 'Anna/Docs/deep/b.txt',
      kind: 'file',
      size: 1,
    });
    expect(await contentOf('Anna/Docs/deep/b.txt')).toBe('B');
    expect(await codeOf(tree.stat(path('Anna/Docs/none'), never))).toBe('not-found');
  });

  it('is written where that is allowed', async () => {
    expect(await write('Anna/Docs/new.txt', 'N')).toMatchObject({
      entry: { path: 'Anna/Docs/new.txt' },
      created: true,
    });
    await tree.mkdir(path('Anna/Docs/made'), never);
    await tree.remove(path('Anna/Docs/deep'), never);
    expect(await contentsOf(docs)).toEqual({ 'a.txt': 'A', 'made/': '', 'new.txt': 'N' });
    for (const refused of [
      write('Anna/Musik für alle/song.mp3', 'x'),
      tree.mkdir(path('Anna/Musik für alle/new'), never),
      tree.remove(path('Anna/Musik für alle/song.mp3'), never),
      tree.move(path('Anna/Musik für alle/song.mp3'), path('Anna/Docs/song.mp3'), options),
    ])
      expect(await codeOf(refused)).toBe('not-permitted');
    expect(await contentsOf(music)).toEqual({ 'song.mp3': 'la' });
  });

  it('is moved and copied within one share by the share itself', async () => {
    expect(await tree.move(path('Anna/Docs/a.txt'), path('Anna/Docs/deep/a.txt'), options)).toBe(false);
    expect(await tree.copy(path('Anna/Docs/deep'), path('Anna/Docs/twin'), options)).toBe(false);
    expect(Object.keys(await contentsOf(docs))).toEqual([
      'deep/',
      'deep/a.txt',
      'deep/b.txt',
      'deep/empty/',
      'twin/',
      'twin/a.txt',
      'twin/b.txt',
      'twin/empty/',
    ]);
  });
});

describe('from one share to another', () => {
  it('a file and a folder are copied, empty folders and times included, page by page', async () => {
    const walk = docs.walk.bind(docs);
    docs.walk = async (of, cursor) => {
      const { entries } = await walk(of, undefined);
      const at = Number(cursor ?? 0);
      return {
        entries: entries.slice(at, at + 1),
        skipped: 0,
        cursor: at + 1 < entries.length ? String(at + 1) : undefined,
      };
    };
    expect(await tree.copy(path('Anna/Docs/a.txt'), path('Bob/Plans/a.txt'), options)).toBe(false);
    expect(await tree.copy(path('Anna/Docs/deep'), path('Bob/Plans/deep'), options)).toBe(false);
    expect(await contentsOf(plans)).toEqual({
      'a.txt': 'A',
      'deep/': '',
      'deep/b.txt': 'B',
      'deep/empty/': '',
      'plan.txt': 'P',
    });
    expect((await plans.stat(path('deep/b.txt'))).modified).toBe((await docs.stat(path('deep/b.txt'))).modified);
  });

  it('a move is a copy, and then gone from where it was', async () => {
    await tree.move(path('Anna/Docs/deep'), path('Bob/Plans/deep'), options);
    expect(await contentsOf(docs)).toEqual({ 'a.txt': 'A' });
    expect(await contentsOf(plans)).toEqual({ 'deep/': '', 'deep/b.txt': 'B', 'deep/empty/': '', 'plan.txt': 'P' });
  });

  it('a folder alone is copied where that is wanted', async () => {
    await tree.copy(path('Anna/Docs/deep'), path('Bob/Plans/deep'), { ...options, flat: true });
    expect(await contentsOf(plans)).toEqual({ 'deep/': '', 'plan.txt': 'P' });
  });

  it('what is there is replaced whole, or not at all', async () => {
    const [from, to] = [path('Anna/Docs/deep'), path('Bob/Plans/plan.txt')];
    expect(await codeOf(tree.copy(from, to, options))).toBe('exists');
    expect(await contentsOf(plans)).toEqual({ 'plan.txt': 'P' });
    expect(await tree.copy(from, to, { ...options, replace: true })).toBe(true);
    expect(await contentsOf(plans)).toEqual({ 'plan.txt/': '', 'plan.txt/b.txt': 'B', 'plan.txt/empty/': '' });
    expect(await tree.copy(path('Anna/Docs/a.txt'), to, { ...options, replace: true })).toBe(true);
    expect(await contentsOf(plans)).toEqual({ 'plan.txt': 'A' });
  });

  it('what fails half-way leaves nothing behind, and is not gone from where it was', async () => {
    plans.write = () => Promise.reject(new NethoodError('no-space', 'The disk is full.'));
    expect(await codeOf(tree.move(path('Anna/Docs/deep'), path('Bob/Plans/deep'), options))).toBe('no-space');
    expect(await contentsOf(plans)).toEqual({ 'plan.txt': 'P' });
    expect(Object.keys(await contentsOf(docs))).toHaveLength(4);
  });

  it('names and whole shares stay where they are', async () => {
    expect(await codeOf(tree.copy(path('Anna'), path('Bob/Plans/anna'), options))).toBe('not-permitted');
    expect(await codeOf(tree.move(path('Anna/Docs'), path('Bob/Plans/docs'), options))).toBe('not-permitted');
    await tree.copy(path('Anna/Docs'), path('Bob/Plans/docs'), options);
    expect((await contentsOf(plans))['docs/deep/b.txt']).toBe('B');
  });
});

/** What every FileTree does, whatever is behind it. Run by a test file per implementation. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileTree } from '../../agent/files/file-tree.ts';
import { Scope } from '../../agent/base/scope.ts';
import {
  displayName,
  parseWirePath,
  pathFromComponents,
  rootPath,
  wirePathFromPlain,
} from '../../protocol/wire-path.ts';
import { codeOf, never } from '../files/files-support.ts';

export interface TreeUnderTest {
  /** On disk; what the tests put into it is what the tree shows. */
  readonly folder: string;
  readonly tree: FileTree;
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function allPages(tree: FileTree, how: 'list' | 'walk', path = rootPath) {
  const entries = [];
  let skipped = 0;
  let pages = 0;
  let cursor: string | undefined;
  do {
    const page = await tree[how](path, cursor, never);
    entries.push(...page.entries);
    skipped += page.skipped;
    pages++;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { entries, skipped, pages };
}

export function fileTreeConformance(name: string, open: (scope: Scope) => Promise<TreeUnderTest>): void {
  describe(name, () => {
    const scope = new Scope();
    let folder: string;
    let tree: FileTree;
    const content = randomBytes(3_000_000);

    beforeAll(async () => {
      ({ folder, tree } = await open(scope));
      await mkdir(join(folder, 'docs', 'deep', 'deeper'), { recursive: true });
      await mkdir(join(folder, 'empty'));
      await writeFile(join(folder, 'docs', 'a.txt'), 'alpha');
      await utimes(join(folder, 'docs', 'a.txt'), 1, 1_700_000_000.1235);
      await writeFile(join(folder, 'docs', 'deep', 'b.bin'), content);
      await writeFile(join(folder, 'nothing'), '');
      await symlink('/etc/passwd', join(folder, 'docs', 'link'));
      await symlink('/etc', join(folder, 'docs', 'outside'));
      await mkdir(join(folder, 'many'));
      for (let at = 0; at < 1203; at++) await writeFile(join(folder, 'many', `file ${at}`), String(at));
    });
    afterAll(() => scope[Symbol.asyncDispose]());

    it('tells of a file its size and time, and of a folder that it is one', async () => {
      const file = await tree.stat(wirePathFromPlain('docs/a.txt'), never);
      expect(file).toEqual({ path: 'docs/a.txt', kind: 'file', size: 5, modified: 1_700_000_000_123 });
      expect(await tree.stat(wirePathFromPlain('docs'), never)).toMatchObject({
        path: 'docs',
        kind: 'folder',
        size: 0,
      });
      expect(await tree.stat(rootPath, never)).toMatchObject({ path: '', kind: 'folder' });
    });

    it('lists a folder in the order of the names, without links, and counts what it left out', async () => {
      const { entries, skipped } = await tree.list(wirePathFromPlain('docs'), undefined, never);
      expect(entries.map(({ path, kind }) => [path, kind])).toEqual([
        ['a.txt', 'file'],
        ['deep', 'folder'],
      ]);
      expect(skipped).toBe(2);
      expect(await tree.list(wirePathFromPlain('empty'), undefined, never)).toEqual({ entries: [], skipped: 0 });
    });

    it('lists a large folder in pages, each file once', async () => {
      const { entries, pages } = await allPages(tree, 'list', wirePathFromPlain('many'));
      expect(pages).toBe(3);
      expect(new Set(entries.map((entry) => entry.path)).size).toBe(1203);
      const names = entries.map((entry) => displayName(entry.path));
      expect(names).toEqual(names.toSorted());
    });

    it('walks through everything, each folder before what it holds', async () => {
      const { entries, skipped, pages } = await allPages(tree, 'walk');
      expect(pages).toBe(3);
      expect(skipped).toBe(2);
      const paths = entries.map((entry) => entry.path as string);
      expect(new Set(paths).size).toBe(paths.length);
      expect(paths.filter((path) => !path.startsWith('many/'))).toEqual([
        'docs',
        'docs/a.txt',
        'docs/deep',
        'docs/deep/b.bin',
        'docs/deep/deeper',
        'empty',
        'many',
        'nothing',
      ]);
    });

    it('walks below a folder with paths relative to it', async () => {
      const { entries } = await tree.walk(wirePathFromPlain('docs/deep'), undefined, never);
      expect(entries.map((entry) => entry.path)).toEqual(['b.bin', 'deeper']);
    });

    it('reads a file whole, and any part of it', async () => {
      const path = wirePathFromPlain('docs/deep/b.bin');
      const file = await tree.read(path, { signal: never });
      expect(file.size).toBe(content.length);
      expect(file.etag).toMatch(/^"[^"]+"$/);
      expect((await bytesOf(file.stream)).equals(content)).toBe(true);
      for (const [start, end] of [
        [0, 1],
        [1_048_575, 1_048_577],
        [2_999_999, 3_000_000],
        [5, 2_500_000],
      ] as const) {
        const part = await tree.read(path, { range: { start, end }, ifMatch: file.etag, signal: never });
        expect((await bytesOf(part.stream)).equals(content.subarray(start, end))).toBe(true);
      }
    });

    it('reads an empty file', async () => {
      const file = await tree.read(wirePathFromPlain('nothing'), { signal: never });
      expect([file.size, await bytesOf(file.stream)]).toEqual([0, Buffer.alloc(0)]);
    });

    it('refuses a range outside of the file', async () => {
      const range = { start: 5, end: 6 };
      expect(await codeOf(tree.read(wirePathFromPlain('docs/a.txt'), { range, signal: never }))).toBe('range');
    });

    it('knows when a file is no longer the version asked for', async () => {
      const path = wirePathFromPlain('version');
      await writeFile(join(folder, 'version'), 'one');
      const { etag, stream } = await tree.read(path, { signal: never });
      await bytesOf(stream);
      await writeFile(join(folder, 'version'), 'two');
      expect(await codeOf(tree.read(path, { ifMatch: etag, signal: never }))).toBe('changed');
    });

    it('fails rather than give a mixture when a file changes while it is read', async () => {
      await writeFile(join(folder, 'changing'), randomBytes(40 << 20));
      const { stream } = await tree.read(wirePathFromPlain('changing'), { signal: never });
      stream.once('data', () => undefined);
      stream.pause();
      await truncate(join(folder, 'changing'), 20 << 20);
      expect(['changed', 'interrupted']).toContain(await codeOf(bytesOf(stream)));
    });

    it.each([
      ['missing', 'not-found'],
      ['docs/missing', 'not-found'],
      ['docs/a.txt/below', 'not-found'],
      ['docs/link', 'not-found'],
      ['docs/outside/passwd', 'not-found'],
    ])('finds nothing at %s', async (text, code) => {
      const path = wirePathFromPlain(text);
      expect(await codeOf(tree.stat(path, never))).toBe(code);
      expect(await codeOf(tree.read(path, { signal: never }))).toBe(code);
      expect(await codeOf(tree.list(path, undefined, never))).toBe(code);
      expect(await codeOf(tree.walk(path, undefined, never))).toBe(code);
    });

    it('tells files from folders', async () => {
      const [file, docs] = [wirePathFromPlain('docs/a.txt'), wirePathFromPlain('docs')];
      expect(await codeOf(tree.read(docs, { signal: never }))).toBe('not-a-file');
      expect(await codeOf(tree.read(rootPath, { signal: never }))).toBe('not-a-file');
      expect(await codeOf(tree.list(file, undefined, never))).toBe('not-a-folder');
      expect(await codeOf(tree.walk(file, undefined, never))).toBe('not-a-folder');
    });

    it.each([
      ['a newline', Buffer.from('two\nlines')],
      ['an escape code', Buffer.from('\u001B]0;x\u0007')],
      ['255 bytes', Buffer.alloc(255, 'x')],
      ['invalid UTF-8', Buffer.from([0x66, 0xff, 0xfe, 0x80])],
      ['percent signs', Buffer.from('100%25 %2F')],
      ['emoji', Buffer.from('🖨️ Druck 😀')],
      ['a leading dot', Buffer.from('.profile')],
    ])('lists and reads a name with %s', async (_what, bytes) => {
      await mkdir(join(folder, 'odd'), { recursive: true });
      await writeFile(Buffer.concat([Buffer.from(`${join(folder, 'odd')}/`), bytes]), bytes);
      const { entries } = await tree.list(wirePathFromPlain('odd'), undefined, never);
      const path = pathFromComponents([Buffer.from('odd'), bytes]);
      expect(entries.map((entry) => `odd/${entry.path}`)).toContain(path);
      const { stream } = await tree.read(path, { signal: never });
      expect((await bytesOf(stream)).equals(bytes)).toBe(true);
    });

    it('neither lists nor gives what is still being received', async () => {
      await mkdir(join(folder, 'receiving'));
      await writeFile(join(folder, 'receiving', '.0a1b2c3d.nethood-part'), 'half');
      await chmod(join(folder, 'receiving'), 0o700);
      expect(await tree.list(wirePathFromPlain('receiving'), undefined, never)).toEqual({ entries: [], skipped: 0 });
      const path = parseWirePath('receiving/.0a1b2c3d.nethood-part');
      expect(await codeOf(tree.read(path, { signal: never }))).toBe('not-found');
    });

    it('goes on with a cursor whose listing was forgotten, and with one used twice', async () => {
      const path = wirePathFromPlain('many');
      const first = await tree.list(path, undefined, never);
      const [second, again] = [await tree.list(path, first.cursor, never), await tree.list(path, first.cursor, never)];
      expect(again.entries).toEqual(second.entries);
      // Two others push the first out of what is kept for one asker.
      for (let other = 0; other < 3; other++) await tree.list(path, undefined, never);
      const third = await tree.list(path, again.cursor, never);
      expect(first.entries.length + second.entries.length + third.entries.length).toBe(1203);
    });
  });
}

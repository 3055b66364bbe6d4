/** What every WritableTree does beyond `file-tree.ts`, whatever is behind it. Run by a test file per implementation. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { WritableTree, WriteOptions, WrittenFile } from '../../agent/files/file-tree.ts';
import { parseWirePath, pathFromComponents, rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { codeOf, never } from '../files/files-support.ts';

export interface WritableTreeUnderTest {
  /** On disk; what the tree is told to do is to be found there. */
  readonly folder: string;
  readonly tree: WritableTree;
}

/** Says what follows the first half when that was taken. */
function halfThen(rest: () => Promise<never>): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from('half');
      yield await rest();
    })(),
    { objectMode: false },
  );
}

export function writableTreeConformance(title: string, open: (scope: Scope) => Promise<WritableTreeUnderTest>): void {
  describe(title, () => {
    const scope = new Scope();
    let base: string;
    let tree: WritableTree;
    let rounds = 0;
    /** Each test has a folder of its own in the tree. */
    let folder: string;
    let home: string;
    beforeAll(async () => {
      ({ folder: base, tree } = await open(scope));
    });
    beforeEach(async () => {
      home = `test ${++rounds}`;
      folder = join(base, home);
      await mkdir(folder);
    });
    afterAll(() => scope[Symbol.asyncDispose]());

    const at = (text: string) => wirePathFromPlain(`${home}/${text}`);
    const write = (text: string, content: string | Buffer, more: Partial<WriteOptions> = {}): Promise<WrittenFile> =>
      tree.write(at(text), { body: Readable.from([content], { objectMode: false }), signal: never, ...more });
    const content = (text: string): Promise<string> => readFile(join(folder, text), 'utf8');
    const names = async (text = ''): Promise<string[]> => (await readdir(join(folder, text))).toSorted();
    const replace = { replace: true, signal: never };
    const keep = { replace: false, signal: never };

    it('writes a file whole, with the time it was given, and tells its version', async () => {
      const bytes = randomBytes(5_000_001);
      const modified = 1_700_000_000_123;
      const { entry, etag, created } = await write('big.bin', bytes, { size: bytes.length, modified, fresh: true });
      expect(entry).toEqual({ path: at('big.bin'), kind: 'file', size: bytes.length, modified });
      expect(created).toBe(true);
      expect((await readFile(join(folder, 'big.bin'))).equals(bytes)).toBe(true);
      const read = await tree.read(at('big.bin'), { ifMatch: etag, signal: never });
      read.stream.destroy();
      expect(await names()).toEqual(['big.bin']);
    });

    it('writes an empty file, of now where no time is given', async () => {
      const before = Date.now();
      const { entry } = await write('empty', '', { size: 0 });
      expect(entry.size).toBe(0);
      expect(Math.abs(entry.modified - before)).toBeLessThan(60_000);
      expect((await stat(join(folder, 'empty'))).size).toBe(0);
    });

    it('replaces a file, the version asked for only, and never one that must not be there', async () => {
      const { etag } = await write('a.txt', 'one', { fresh: true });
      expect(await codeOf(write('a.txt', 'two', { fresh: true }))).toBe('exists');
      const second = await write('a.txt', 'two', { ifMatch: etag });
      expect(second.created).toBe(false);
      expect(second.etag).not.toBe(etag);
      expect(await codeOf(write('a.txt', 'three', { ifMatch: etag }))).toBe('changed');
      expect(await codeOf(write('b.txt', 'three', { ifMatch: '*' }))).toBe('changed');
      expect((await write('a.txt', 'four', { ifMatch: '*' })).created).toBe(false);
      expect((await write('a.txt', 'five')).created).toBe(false);
      expect([await content('a.txt'), await names()]).toEqual(['five', ['a.txt']]);
    });

    it('lets one of many win who write a file that must not be there', async () => {
      const tries = Array.from({ length: 8 }, (_, number) => codeOf(write('one', String(number), { fresh: true })));
      const codes = await Promise.all(tries);
      expect(codes.toSorted()).toEqual([...Array.from({ length: 7 }, () => 'exists'), 'no error']);
      expect(await content('one')).toBe(String(codes.indexOf('no error')));
      expect(await names()).toEqual(['one']);
    });

    it('leaves nothing of a body that breaks, is too long, too short, or no longer wanted', async () => {
      await write('a.txt', 'before');
      const broken = halfThen(() => Promise.reject(new Error('pulled out')));
      expect(await codeOf(tree.write(at('a.txt'), { body: broken, signal: never }))).toBe('interrupted');
      expect(await codeOf(write('a.txt', 'twelve bytes', { size: 11 }))).not.toBe('no error');
      expect(await codeOf(write('a.txt', 'twelve bytes', { size: 13 }))).not.toBe('no error');
      const stop = new AbortController();
      const endless = halfThen(() => {
        stop.abort(new DOMException('stop', 'AbortError'));
        return new Promise(() => undefined);
      });
      await expect(tree.write(at('b.txt'), { body: endless, signal: stop.signal })).rejects.toThrow('stop');
      expect(await content('a.txt')).toBe('before');
      await expect.poll(() => names()).toEqual(['a.txt']);
    });

    it('makes folders, one at a time', async () => {
      await tree.mkdir(at('new'), never);
      expect((await stat(join(folder, 'new'))).isDirectory()).toBe(true);
      await write('file', '');
      for (const there of ['new', 'file']) expect(await codeOf(tree.mkdir(at(there), never))).toBe('exists');
      expect(await codeOf(tree.mkdir(at('missing/new'), never))).toBe('not-found');
      expect(['not-found', 'not-a-folder']).toContain(await codeOf(tree.mkdir(at('file/new'), never)));
      expect(await codeOf(write('missing/file', ''))).toBe('not-found');
      expect(['not-found', 'not-a-folder']).toContain(await codeOf(write('file/below', '')));
      expect(await codeOf(write('new', ''))).toBe('not-a-file');
    });

    it('moves files and folders, and replaces only where it is told to', async () => {
      await write('a.txt', 'a');
      await write('b.txt', 'b');
      await mkdir(join(folder, 'full', 'deep'), { recursive: true });
      await writeFile(join(folder, 'full', 'deep', 'x'), 'x');
      expect(await codeOf(tree.move(at('a.txt'), at('b.txt'), keep))).toBe('exists');
      expect(await tree.move(at('a.txt'), at('b.txt'), replace)).toBe(true);
      expect([await content('b.txt'), await names()]).toEqual(['a', ['b.txt', 'full']]);
      expect(await tree.move(at('full'), at('moved'), keep)).toBe(false);
      expect(await tree.move(at('b.txt'), at('moved/c.txt'), keep)).toBe(false);
      expect([await names(), await names('moved'), await content('moved/deep/x')]).toEqual([
        ['moved'],
        ['c.txt', 'deep'],
        'x',
      ]);
      await mkdir(join(folder, 'other', 'full'), { recursive: true });
      expect(await codeOf(tree.move(at('moved'), at('other'), keep))).toBe('exists');
      expect(await tree.move(at('moved'), at('other'), replace)).toBe(true);
      expect([await names(), await names('other')]).toEqual([['other'], ['c.txt', 'deep']]);
      expect(await tree.move(at('other/c.txt'), at('other/deep'), replace)).toBe(true);
      expect([await names('other'), await content('other/deep')]).toEqual([['deep'], 'a']);
    });

    it('copies files, and folders with all that they hold or alone', async () => {
      await mkdir(join(folder, 'full', 'deep'), { recursive: true });
      await writeFile(join(folder, 'full', 'deep', 'x'), 'x');
      await utimes(join(folder, 'full', 'deep', 'x'), 1, 1_700_000_000.1235);
      await symlink('/etc/passwd', join(folder, 'full', 'link'));
      expect(await tree.copy(at('full/deep/x'), at('y'), keep)).toBe(false);
      expect([await content('y'), (await tree.stat(at('y'), never)).modified]).toEqual(['x', 1_700_000_000_123]);
      expect(await codeOf(tree.copy(at('full/deep/x'), at('y'), keep))).toBe('exists');
      expect(await tree.copy(at('full'), at('again'), keep)).toBe(false);
      expect([await names('again'), await content('again/deep/x')]).toEqual([['deep'], 'x']);
      expect(await tree.copy(at('full'), at('flat'), { ...keep, flat: true })).toBe(false);
      expect(await names('flat')).toEqual([]);
      expect(await tree.copy(at('flat'), at('again'), replace)).toBe(true);
      expect(await names('again')).toEqual([]);
      expect(await tree.copy(at('full'), at('y'), replace)).toBe(true);
      expect([await names('y'), await names()]).toEqual([['deep'], ['again', 'flat', 'full', 'y']]);
    });

    it('removes files, and folders with all that they hold but not what their links lead to', async () => {
      await mkdir(join(folder, 'other'));
      await writeFile(join(folder, 'other', 'kept'), 'kept');
      await mkdir(join(folder, 'full', 'deep'), { recursive: true });
      await symlink(join(folder, 'other'), join(folder, 'full', 'deep', 'link'));
      for (let number = 0; number < 1200; number++) await writeFile(join(folder, 'full', String(number)), '');
      await writeFile(join(folder, 'file'), '');
      await tree.remove(at('file'), never);
      await tree.remove(at('full'), never);
      expect([await names(), await content('other/kept')]).toEqual([['other'], 'kept']);
      for (const text of ['full', 'file', 'other/kept/below'])
        expect(await codeOf(tree.remove(at(text), never))).toBe('not-found');
    });

    it('neither moves nor removes the root, nor anything onto itself or what it lies in', async () => {
      await mkdir(join(folder, 'a', 'b'), { recursive: true });
      expect(await codeOf(tree.remove(rootPath, never))).toBe('not-permitted');
      for (const how of ['move', 'copy'] as const) {
        for (const [from, to] of [
          [rootPath, at('x')],
          [at('a'), rootPath],
          [at('a'), at('a')],
          [at('a'), at('a/b/c')],
          [at('a/b'), at('a')],
        ] as const)
          expect([how, from, to, await codeOf(tree[how](from, to, replace))]).toEqual([how, from, to, 'not-permitted']);
        expect(await codeOf(tree[how](at('missing'), at('x'), replace))).toBe('not-found');
      }
      expect(await names('a')).toEqual(['b']);
    });

    it('goes neither through links nor over them', async () => {
      await symlink('/etc', join(folder, 'etc'));
      await symlink('nowhere', join(folder, 'dangling'));
      await writeFile(join(folder, 'file'), 'mine');
      for (const link of ['etc', 'dangling']) {
        expect(await codeOf(write(link, ''))).toBe('exists');
        expect(await codeOf(tree.mkdir(at(link), never))).toBe('exists');
        expect(await codeOf(tree.move(at('file'), at(link), replace))).toBe('exists');
        expect(await codeOf(tree.copy(at('file'), at(link), replace))).toBe('exists');
        for (const gone of [link, `${link}/passwd`]) {
          expect(await codeOf(tree.remove(at(gone), never))).toBe('not-found');
          expect(await codeOf(tree.move(at(gone), at('x'), keep))).toBe('not-found');
          expect(await codeOf(tree.copy(at(gone), at('x'), keep))).toBe('not-found');
        }
        expect(await codeOf(write(`${link}/new`, ''))).toBe('not-found');
      }
      expect(await names()).toEqual(['dangling', 'etc', 'file']);
    });

    it.each(['CON', 'nul.txt', 'COM1.tar.gz', 'dot.', 'space ', 'a\\b', 'two\nlines', '\u001B]0;x\u0007'])(
      'gives no new thing the name %j, which not every system can hold',
      async (text) => {
        await write('file', '');
        const path = pathFromComponents([Buffer.from(home), Buffer.from(text)]);
        expect(await codeOf(tree.write(path, { body: Readable.from(['']), signal: never }))).toBe('bad-path');
        expect(await codeOf(tree.mkdir(path, never))).toBe('bad-path');
        expect(await codeOf(tree.move(at('file'), path, replace))).toBe('bad-path');
        expect(await codeOf(tree.copy(at('file'), path, replace))).toBe('bad-path');
        expect(await names()).toEqual(['file']);
      },
    );

    it('lets nobody touch what is being received', async () => {
      const name = '.0a1b2c3d.nethood-part';
      await writeFile(join(folder, name), 'half');
      await writeFile(join(folder, 'file'), 'whole');
      const path = parseWirePath(`${encodeURIComponent(home)}/${name}`);
      for (const other of [path, parseWirePath(`${encodeURIComponent(home)}/.ffffffff.nethood-part`)]) {
        expect(['not-permitted', 'not-found']).toContain(await codeOf(tree.remove(other, never)));
        expect(['not-permitted', 'not-found']).toContain(await codeOf(tree.move(other, at('x'), keep)));
        expect(await codeOf(tree.write(other, { body: Readable.from(['x']), signal: never }))).toBe('not-permitted');
        expect(await codeOf(tree.mkdir(other, never))).toBe('not-permitted');
        expect(await codeOf(tree.move(at('file'), other, replace))).toBe('not-permitted');
      }
      expect([await names(), await content(name)]).toEqual([[name, 'file'], 'half']);
    });

    it.each([
      ['A.TXT', 'a.txt'],
      ['Straße', 'STRASSE'],
      ['caf\u00e9', 'cafe\u0301'],
      ['k', '\u212A'],
    ])('makes no twin of %j called %j, which some systems would take for it', async (there, twin) => {
      await write(there, 'there');
      await write('other', 'other');
      expect(await codeOf(write(twin, 'twin'))).toBe('exists');
      expect(await codeOf(tree.mkdir(at(twin), never))).toBe('exists');
      expect(await codeOf(tree.move(at('other'), at(twin), replace))).toBe('exists');
      expect(await codeOf(tree.copy(at(there), at(twin), replace))).toBe('exists');
      expect(await tree.move(at(there), at(twin), keep)).toBe(false);
      expect([await content(twin), (await names()).length]).toEqual(['there', 2]);
      expect((await write(twin, 'again')).created).toBe(false);
    });

    it('makes twins of one another of many at once only once', async () => {
      const spellings = ['name', 'Name', 'nAme', 'naMe', 'namE', 'NAME'];
      const codes = await Promise.all(spellings.map((text) => codeOf(write(text, text))));
      expect(codes.filter((code) => code === 'no error')).toHaveLength(1);
      expect(await names()).toHaveLength(1);
    });

    it('sets the times of files and folders, and through no link', async () => {
      await write('file', 'content');
      await tree.mkdir(at('sub'), never);
      await symlink('file', join(folder, 'link'));
      for (const text of ['file', 'sub']) {
        await tree.setModified?.(at(text), 1_700_000_000_123, never);
        expect((await tree.stat(at(text), never)).modified).toBe(1_700_000_000_123);
      }
      for (const text of ['link', 'missing'])
        expect(await codeOf(tree.setModified?.(at(text), 1, never) ?? Promise.resolve())).toBe('not-found');
    });

    it('gives no right to run what was written, and none to read what could not be read before', async () => {
      const modeOf = async (text: string): Promise<number> => (await stat(join(folder, text))).mode & 0o7777;
      await write('new', '#!/bin/sh');
      expect((await modeOf('new')) & 0o7133).toBe(0);
      await writeFile(join(folder, 'script'), '#!/bin/sh');
      await chmod(join(folder, 'script'), 0o4755);
      await writeFile(join(folder, 'private'), 'secret');
      await chmod(join(folder, 'private'), 0o600);
      await write('script', 'changed');
      await write('private', 'changed');
      expect([await modeOf('script'), await modeOf('private')]).toEqual([0o644, 0o600]);
    });
  });
}

import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import { type BatchThread, BatchWriter } from '../../agent/files/batch-writer.ts';
import { KeptThread } from '../../agent/files/kept-thread.ts';
import { localPath } from '../../agent/files/local-path.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

const thread: BatchThread = scope.use(new KeptThread('batch-thread', systemClock));
const modified = 1_600_000_000_123;

describe.each([
  ['in memory', existsSync('/dev/shm') ? '/dev/shm' : tmpdir()],
  ['on a disk', tmpdir()],
])('a writer of batches %s', (_where, base) => {
  let staging: string;
  let folder: string;
  let writer: BatchWriter;
  beforeEach(async () => {
    const home = await mkdtemp(join(base, 'nh-batch-'));
    scope.defer(() => rm(home, { recursive: true, force: true }));
    [staging, folder] = [join(home, 'staging'), join(home, 'folder')];
    for (const path of [staging, folder]) await mkdir(path);
    writer = scope.use(new BatchWriter(localPath(staging), thread));
  });

  /** Its error's code; undefined where all went well. */
  const write = (name: string | Buffer, content: string | Buffer, into = folder): Promise<string | undefined> =>
    new Promise((resolve) => {
      const place = { folder: localPath(into), name: Buffer.from(name) };
      writer.add({ place, content: Buffer.from(content), modified }, (error) => resolve(error?.code));
    });

  it('gives each its name, content and time, and leaves nothing else behind', async () => {
    const contents = Array.from({ length: 700 }, (_, at) => randomBytes(at % 5 === 0 ? 0 : at * 7));
    contents.push(randomBytes(3_000_000));
    const told = contents.map((content, at) => write(`file ${at}`, content));
    if (writer.full) await writer.room();
    await writer.flush();
    expect(new Set(await Promise.all(told))).toEqual(new Set([undefined]));
    expect(await readdir(folder)).toHaveLength(contents.length);
    for (const [at, content] of contents.entries()) {
      const path = join(folder, `file ${at}`);
      expect((await readFile(path)).equals(content), path).toBe(true);
      expect(Math.floor((await stat(path)).mtimeMs)).toBe(modified);
    }
    expect(await readdir(staging)).toEqual([]);
  });

  it('does not wait for another file to write a large one', async () => {
    expect(await write('large', randomBytes(3_000_000))).toBeUndefined();
    expect(await readdir(folder)).toEqual(['large']);
  });

  it('numbers a file whose name another has, and takes the same version for it', async () => {
    await writeFile(join(folder, 'a.txt'), 'mine');
    await symlink(join(folder, 'a.txt'), join(folder, 'link'));
    const told = ['a.txt', 'a.txt', 'link'].map((name) => write(name, 'new'));
    await writer.flush();
    expect(await Promise.all(told)).toEqual([undefined, undefined, undefined]);
    expect(await readdir(folder)).toEqual(['a (2).txt', 'a.txt', 'link', 'link (2)']);
    expect(await readFile(join(folder, 'link'), 'utf8')).toBe('mine');
    expect(await readdir(staging)).toEqual([]);
  });

  it('tells what is wrong with one file, and writes the others', async () => {
    const told = [write('a', 'a'), write('b', 'b', join(folder, 'missing')), write(Buffer.alloc(300, 'x'), 'c')];
    const names = [Buffer.from([0xff, 0xc3]), Buffer.from('two\nlines')].map((name) => write(name, 'odd'));
    await writer.flush();
    expect(await Promise.all(told)).toEqual([undefined, 'not-found', 'bad-path']);
    expect(await Promise.all(names)).toEqual([undefined, undefined]);
    expect((await readdir(folder, { encoding: 'latin1' })).toSorted()).toEqual(['a', 'two\nlines', '\u00FF\u00C3']);
    expect(await readdir(staging)).toEqual([]);
  });
});

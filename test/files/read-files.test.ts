import { createHash, randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { BatchThread } from '../../agent/files/batch-writer.ts';
import type { Guard } from '../../agent/files/guarded-folder.ts';
import { HeldWalkers } from '../../agent/files/held-walkers.ts';
import { KeptThread } from '../../agent/files/kept-thread.ts';
import { LocalTree } from '../../agent/files/local-tree.ts';
import { type FilesSource, filesOf } from '../../agent/files/read-files.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

const thread: BatchThread = scope.use(new KeptThread('batch-thread', systemClock));
const held = scope.use(new HeldWalkers(systemClock));
const { signal } = new AbortController();

async function source(guard: Guard): Promise<FilesSource & { folder: string }> {
  const folder = await temporaryFolder(scope);
  const root = (): Promise<Buffer> => Promise.resolve(Buffer.from(folder));
  return { folder, thread, tree: new LocalTree({ root, label: 'it', asker: 'bob', held, guard }) };
}

function sum(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe.each(['descriptor', 'look-twice'] as const)('files read by a thread (%s)', (guard) => {
  it('come whole and in the order asked for, small and large, over several folders', async () => {
    const own = await source(guard);
    const sizes = Array.from({ length: 700 }, (_, at) => (at % 97 === 5 ? 3_000_000 : at * 11));
    for (const name of ['a', 'b', 'b/c']) await mkdir(join(own.folder, name));
    const expected = new Map<string, string>();
    for (const [at, size] of sizes.entries()) {
      const path = `${['', 'a/', 'b/', 'b/c/'][Math.floor(at / 50) % 4] ?? ''}file-${at}`;
      const content = randomBytes(size);
      await writeFile(join(own.folder, path), content);
      expected.set(path, sum(content));
    }
    const came = new Map<string, string>();
    for await (const file of filesOf(own, [...expected.keys()] as WirePath[], signal))
      came.set(file.path, 'content' in file ? sum(file.content) : file.code);
    expect([...came]).toEqual([...expected]);
    expect(thread.users).toBe(0);
  });

  it('are told of where they cannot be had', async () => {
    const own = await source(guard);
    await mkdir(join(own.folder, 'folder'));
    await writeFile(join(own.folder, 'folder', 'one'), 'one');
    await symlink(join(own.folder, 'folder', 'one'), join(own.folder, 'link'));
    await symlink(join(own.folder, 'folder'), join(own.folder, 'other'));
    await writeFile(join(own.folder, '.12345678.nethood-part'), 'half');
    await writeFile(join(own.folder, 'huge'), Buffer.alloc((8 << 20) + 1));
    const wanted = ['gone', 'link', 'other/one', 'folder', '', '.12345678.nethood-part', 'huge', 'folder/one'];
    const came: [path: string, what: string][] = [];
    for await (const file of filesOf(own, wanted as WirePath[], signal))
      came.push([file.path, 'content' in file ? file.content.toString() : file.code]);
    expect(came).toEqual([
      ['gone', 'not-found'],
      ['link', 'not-found'],
      ['other/one', 'not-found'],
      ['folder', 'not-a-file'],
      ['', 'not-a-file'],
      ['.12345678.nethood-part', 'not-found'],
      ['huge', 'too-large'],
      ['folder/one', 'one'],
    ]);
  });

  it('are left alone when nobody wants more', async () => {
    const own = await source(guard);
    const names = Array.from({ length: 1000 }, (_, at) => `file-${at}`);
    for (const name of names) await writeFile(join(own.folder, name), name);
    for await (const file of filesOf(own, names as WirePath[], signal)) {
      expect(file).toMatchObject({ path: 'file-0', content: Buffer.from('file-0') });
      break;
    }
    expect(thread.users).toBe(0);
    await expect(filesOf(own, names as WirePath[], AbortSignal.abort()).next()).rejects.toThrow('abort');
    expect(thread.users).toBe(0);
  });
});

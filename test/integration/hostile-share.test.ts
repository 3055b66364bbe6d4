// What a share can hold to do harm, and what a program on its owner's PC can do to it meanwhile.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readlinkSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { systemClock } from '../../agent/base/clock.ts';
import { type Guard, guardOf } from '../../agent/files/guarded-folder.ts';
import { HeldWalkers } from '../../agent/files/held-walkers.ts';
import { LocalTree } from '../../agent/files/local-tree.ts';
import { rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { codeOf, never, temporaryFolder } from '../files/files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Files under this folder that the process has open. */
function openBelow(folder: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      // The descriptor of the listing itself is closed by now.
      return [];
    }
  });
}

describe.each<Guard>(['descriptor', 'look-twice'])('a share guarded by %s', (guard) => {
  let folder: string;
  let tree: LocalTree;
  beforeEach(async () => {
    folder = await temporaryFolder(scope);
    const held = scope.use(new HeldWalkers(systemClock));
    tree = new LocalTree({ root: () => Promise.resolve(Buffer.from(folder)), label: 'it', asker: 'bob', held, guard });
  });

  const read = async (text: string): Promise<string> => {
    const { stream } = await tree.read(wirePathFromPlain(text), { signal: never });
    let content = '';
    for await (const chunk of stream) content += String(chunk);
    return content;
  };

  it('shows and opens no links, FIFOs, sockets and devices', async () => {
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    await symlink('/etc', join(folder, 'etc'));
    await symlink('/etc/passwd', join(folder, 'passwd'));
    await symlink('.', join(folder, 'loop'));
    const server = createServer().listen(join(folder, 'socket'));
    scope.defer(() => server.close());
    await expect.poll(() => readdirSync(folder)).toContain('socket');
    expect(await tree.list(rootPath, undefined, never)).toEqual({ entries: [], skipped: 5 });
    expect(await tree.walk(rootPath, undefined, never)).toEqual({ entries: [], skipped: 5 });
    for (const name of ['etc', 'passwd', 'loop', 'etc/passwd', 'loop/loop/passwd'])
      expect(await codeOf(read(name))).toBe('not-found');
    for (const name of ['fifo', 'socket']) expect(await codeOf(read(name))).toBe('not-a-file');
  });

  it('is not brought to a halt by eight FIFOs opened at once', async () => {
    for (let at = 0; at < 8; at++) execFileSync('mkfifo', [join(folder, `fifo ${at}`)]);
    await writeFile(join(folder, 'file'), 'still there');
    const fifos = Array.from({ length: 8 }, (_, at) => codeOf(read(`fifo ${at}`)));
    expect(await read('file')).toBe('still there');
    expect(new Set(await Promise.all(fifos))).toEqual(new Set(['not-a-file']));
  });

  it('never gives what lies outside while a folder is swapped for a link', async () => {
    const outside = await temporaryFolder(scope);
    await writeFile(join(outside, 'file'), 'canary');
    await mkdir(join(folder, 'a'));
    await writeFile(join(folder, 'a', 'file'), 'inside');
    await symlink(outside, join(folder, 'link'));
    let swaps = 0;
    const stop = new AbortController();
    const swapper = (async () => {
      while (!stop.signal.aborted) {
        await rename(join(folder, 'a'), join(folder, 'kept'));
        await rename(join(folder, 'link'), join(folder, 'a'));
        await rename(join(folder, 'a'), join(folder, 'link'));
        await rename(join(folder, 'kept'), join(folder, 'a'));
        swaps++;
      }
    })();
    const seen = new Set<string>();
    const codes = new Set<string>();
    for (const end = performance.now() + 1500; performance.now() < end;) {
      await Promise.all(
        Array.from({ length: 4 }, async () => {
          try {
            seen.add(await read('a/file'));
          } catch (error) {
            codes.add((error as { code: string }).code);
          }
        }),
      );
    }
    stop.abort();
    await swapper;
    expect(swaps).toBeGreaterThan(100);
    expect([...seen].filter((content) => content !== 'inside')).toEqual([]);
    expect([...codes].filter((code) => code !== 'not-found' && code !== 'changed')).toEqual([]);
  });

  it('leaves no file open behind, whatever went wrong', async () => {
    await writeFile(join(folder, 'file'), 'x'.repeat(3_000_000));
    await mkdir(join(folder, 'sub'));
    const before = openFiles();
    await read('file');
    for (const name of ['missing', 'sub', 'file/below']) await codeOf(read(name));
    const abandoned = await tree.read(wirePathFromPlain('file'), { signal: never });
    abandoned.stream.read(1);
    abandoned.stream.destroy();
    const aborted = new AbortController();
    const stopped = await tree.read(wirePathFromPlain('file'), { signal: aborted.signal });
    stopped.stream.on('error', () => undefined);
    aborted.abort();
    await expect.poll(() => openBelow(folder)).toEqual([]);
    expect(openFiles()).toBeLessThanOrEqual(before + 1);
    await rm(join(folder, 'file'));
  });
});

it('goes down a tree 10,000 deep and comes back, counting what no path can name', async () => {
  const deep = await mkdtemp(join(tmpdir(), 'nh-deep-'));
  // Deeper than any path can say, so step by step; and away again by a program that can.
  scope.defer(() => execFileSync('rm', ['-rf', deep]));
  const home = process.cwd();
  try {
    process.chdir(deep);
    for (let depth = 0; depth < 10_000; depth++) {
      mkdirSync('d');
      process.chdir('d');
    }
    writeFileSync('bottom', '');
  } finally {
    process.chdir(home);
  }
  const held = scope.use(new HeldWalkers(systemClock));
  const root = (): Promise<Buffer> => Promise.resolve(Buffer.from(deep));
  const walked = new LocalTree({ root, label: 'it', asker: 'bob', held, guard: guardOf(process.platform) });
  let [cursor, count, skipped]: [string | undefined, number, number] = [undefined, 0, 0];
  do {
    const page = await walked.walk(rootPath, cursor, never);
    [cursor, count, skipped] = [page.cursor, count + page.entries.length, skipped + page.skipped];
  } while (cursor !== undefined);
  expect([count, skipped]).toEqual([1024, 1]);
}, 30_000);

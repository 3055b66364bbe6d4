// needs: dav
/** WebDAV as others test and use it: litmus (all suites), cadaver and rclone, over a share on disk. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { bob, openShares, sha256, temporaryFolder } from '../files/files-support.ts';
import { MemoryTree } from '../files/memory-tree.ts';
import { type DavServer, serveDav } from '../files/webdav-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** With a home of its own, where nothing is set up. */
async function run(program: string, args: readonly string[], input = ''): Promise<Ended> {
  const home = await temporaryFolder(scope);
  return new Promise((resolve) => {
    const env = { ...process.env, HOME: home, LC_ALL: 'C.UTF-8' };
    const child = execFile(program, args, { cwd: home, env, timeout: 100_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ code: typeof code === 'number' ? code : -1, output: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

async function openShare(): Promise<DavServer & { folder: string }> {
  const folder = await temporaryFolder(scope);
  const shares = await openShares(scope);
  const { id } = await shares.add({ folder, name: 'Public', audience: 'everyone', rights: 'write' });
  const tree = shares.writable(bob, id);
  return { folder, ...(await serveDav(scope, { tree, writable: tree })) };
}

/** Fails with all that litmus said; prints its summaries. */
async function litmus({ url, thrown }: DavServer): Promise<number> {
  const { code, output } = await run('litmus', ['-k', url]);
  const summaries = output.match(/^<- summary .*$/gm) ?? [];
  const failed = summaries.some((line) => !line.includes(' 0 failed'));
  if (code !== 0 || failed || output.includes('WARNING')) throw new Error(output);
  expect(thrown).toEqual([]);
  console.log(summaries.join('\n'));
  return summaries.reduce((sum, line) => sum + Number(/(\d+) passed/.exec(line)?.[1] ?? 0), 0);
}

describe('litmus finds nothing wrong', () => {
  it('over a tree in memory', async () => {
    const tree = new MemoryTree();
    expect(await litmus(await serveDav(scope, { tree, writable: tree }))).toBe(104);
  });

  it('over a share', async () => {
    const share = await openShare();
    expect(await litmus(share)).toBe(104);
    expect(await readdir(join(share.folder))).toEqual(['litmus']);
  });
});

describe('cadaver', () => {
  it('makes a folder, puts, lists, locks, moves, copies, gets and removes', async () => {
    const { url, folder } = await openShare();
    const bytes = randomBytes(3_000_000);
    const there = await temporaryFolder(scope);
    await writeFile(join(there, 'Bericht Ü.bin'), bytes);
    const commands = [
      'mkcol Neu',
      'cd Neu',
      `put "${join(there, 'Bericht Ü.bin')}" "Bericht Ü.bin"`,
      'ls',
      'lock "Bericht Ü.bin"',
      'discover "Bericht Ü.bin"',
      'unlock "Bericht Ü.bin"',
      'copy "Bericht Ü.bin" zwei.bin',
      'move zwei.bin drei.bin',
      `get drei.bin "${join(there, 'drei.bin')}"`,
      'propset "Bericht Ü.bin" colour "rot und blau"',
      'propget "Bericht Ü.bin" colour',
      'delete "Bericht Ü.bin"',
      'quit',
    ];
    const { output } = await run('cadaver', [url], `${commands.join('\n')}\n`);
    expect(output.replaceAll(/.*\r/g, '')).not.toMatch(/failed|not found|could not/i);
    expect(output).toMatch(/Bericht Ü\.bin\s+3000000/);
    expect(output).toContain('rot und blau');
    expect(await readdir(join(folder, 'Neu'))).toEqual(['drei.bin']);
    expect((await readFile(join(there, 'drei.bin'))).equals(bytes)).toBe(true);
    expect((await readFile(join(folder, 'Neu', 'drei.bin'))).equals(bytes)).toBe(true);
  });
});

describe('rclone', () => {
  let share: DavServer & { folder: string };
  let local: string;
  const rclone = (...args: string[]) =>
    run('rclone', ['--config=', ...args, '--webdav-url', share.url, '--webdav-vendor', 'owncloud']);

  beforeAll(async () => {
    share = await openShare();
    local = await temporaryFolder(scope);
    await mkdir(join(local, 'a', 'ä b', '%41#?'), { recursive: true });
    await writeFile(join(local, 'a', 'big.bin'), randomBytes(30_000_000));
    for (let n = 0; n < 50; n++) await writeFile(join(local, 'a', 'ä b', '%41#?', `${n} 😀.txt`), String(n));
    await utimes(join(local, 'a', 'big.bin'), 1, 1_500_000_000);
  });

  it('copies a folder to the share, with its times, and finds it the same', async () => {
    expect(await rclone('copy', local, ':webdav:')).toEqual({ code: 0, output: '' });
    expect((await stat(join(share.folder, 'a', 'big.bin'))).mtime).toEqual(new Date(1_500_000_000_000));
    const { code, output } = await rclone('check', '--download', local, ':webdav:');
    expect([code, output]).toEqual([0, expect.stringContaining('51 matching files')]);
  });

  it('copies it back, moves within the share, and removes', async () => {
    expect(await rclone('moveto', ':webdav:a/big.bin', ':webdav:a/moved.bin')).toEqual({ code: 0, output: '' });
    const back = await temporaryFolder(scope);
    expect(await rclone('copy', ':webdav:a', back)).toEqual({ code: 0, output: '' });
    expect(await sha256(join(back, 'moved.bin'))).toBe(await sha256(join(local, 'a', 'big.bin')));
    expect((await readdir(join(back, 'ä b', '%41#?'))).length).toBe(50);
    expect(await rclone('purge', ':webdav:a')).toEqual({ code: 0, output: '' });
    expect(await readdir(share.folder)).toEqual([]);
  });
});

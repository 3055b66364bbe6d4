// What a program on its owner's own PC does to a share while a neighbour reads it, and what a failing disk does.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { FilePieces } from '../../agent/files/file-pieces.ts';
import { createRemoteTree } from '../../agent/files/remote-tree.ts';
import { systemClock } from '../../agent/base/clock.ts';
import type { FileTree } from '../../agent/files/file-tree.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { AnnasShare, annaId, ask, bob, codeOf, never, temporaryFolder } from '../files/files-support.ts';
import { count } from '../office/counts.ts';

const canary = 'CANARY-91ab';
const seconds = count(3, 30);
const scope = new Scope();
let anna: AnnasShare;
let tree: FileTree;

/** Swaps, as fast as it can, a folder and a file for links that lead outside, and a file for a FIFO. */
const swapper = `
  const { renameSync } = require('node:fs');
  process.chdir(process.argv[1]);
  let swaps = 0;
  process.on('SIGTERM', () => { console.log(swaps); process.exit(); });
  const round = () => {
    for (let at = 0; at < 200; at++) {
      for (const name of ['folder', 'file', 'pipe']) {
        renameSync(name, name + '.kept');
        renameSync(name + '.other', name);
        renameSync(name, name + '.other');
        renameSync(name + '.kept', name);
        swaps++;
      }
    }
    setImmediate(round);
  };
  round();
`;

beforeAll(async () => {
  anna = await AnnasShare.open(scope);
  tree = createRemoteTree({ neighbours: anna.neighbours, clock: systemClock }, annaId, anna.share);
  const outside = await temporaryFolder(scope);
  await writeFile(join(outside, 'inner'), canary);
  await writeFile(join(outside, 'secret name'), canary);
  await mkdir(join(anna.folder, 'race', 'folder'), { recursive: true });
  const at = (name: string): string => join(anna.folder, 'race', name);
  await writeFile(at('folder/inner'), 'inside');
  await symlink(outside, at('folder.other'));
  await writeFile(at('file'), 'inside');
  await symlink(join(outside, 'inner'), at('file.other'));
  await writeFile(at('pipe'), 'inside');
  execFileSync('mkfifo', [at('pipe.other')]);
});
afterAll(() => scope[Symbol.asyncDispose]());

async function textOf(path: string): Promise<string> {
  const { stream } = await tree.read(wirePathFromPlain(path), { signal: never });
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}

async function swapsOf(child: ChildProcess): Promise<number> {
  let said = '';
  child.stdout?.on('data', (data: Buffer) => (said += data.toString()));
  child.kill('SIGTERM');
  await once(child, 'close');
  return Number(said);
}

interface Tally {
  readonly texts: Map<string, number>;
  readonly codes: Map<string, number>;
  slowest: number;
}

function counted(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1);
}

/** Again and again until the end; what came, how it failed, how long the longest took. */
async function hammer(tally: Tally, end: number, read: () => Promise<string>): Promise<void> {
  while (performance.now() < end) {
    const began = performance.now();
    try {
      counted(tally.texts, await read());
    } catch (error) {
      counted(tally.codes, error instanceof NethoodError ? error.code : String(error));
    }
    tally.slowest = Math.max(tally.slowest, performance.now() - began);
  }
}

async function listed(how: 'list' | 'walk', path = rootPath): Promise<string> {
  return JSON.stringify(await tree[how](path, undefined, never));
}

async function archived(): Promise<string> {
  const body = ['race/folder/inner', 'race/file', 'race/pipe'].map((path) => JSON.stringify(path)).join('\n');
  return (await ask(`${anna.url}/files/${anna.share}/archive`, { method: 'POST', body })).body.toString('latin1');
}

describe('a program that swaps folders and files for links and FIFOs', () => {
  it(`gets nothing of what lies outside to a neighbour in ${seconds} s, and keeps nobody waiting`, async () => {
    const child = spawn(process.execPath, ['-e', swapper, join(anna.folder, 'race')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const reads: Tally = { texts: new Map(), codes: new Map(), slowest: 0 };
    const looks: Tally = { texts: new Map(), codes: new Map(), slowest: 0 };
    const end = performance.now() + seconds * 1000;
    await Promise.all([
      ...['race/folder/inner', 'race/folder/inner', 'race/file', 'race/pipe'].map((path) =>
        hammer(reads, end, () => textOf(path)),
      ),
      hammer(looks, end, archived),
      hammer(looks, end, () => listed('list', wirePathFromPlain('race/folder'))),
      hammer(looks, end, () => listed('walk')),
      hammer(looks, end, async () => JSON.stringify(await tree.stat(wirePathFromPlain('race/folder/inner'), never))),
    ]);
    const swaps = await swapsOf(child);
    const total = [...reads.texts.values(), ...reads.codes.values()].reduce((sum, each) => sum + each, 0);
    console.log(`${swaps} swaps, ${total} reads: ${JSON.stringify([...reads.texts, ...reads.codes])}`);
    expect(swaps).toBeGreaterThan(1000);
    expect([...reads.texts.keys()]).toEqual(['inside']);
    for (const text of looks.texts.keys()) {
      expect(text).not.toContain(canary);
      expect(text).not.toContain('secret');
    }
    // A rename changes the file's version: what was being sent then breaks off.
    const allowed = new Set(['not-found', 'not-a-file', 'not-a-folder', 'changed', 'interrupted']);
    expect([...reads.codes.keys(), ...looks.codes.keys()].filter((code) => !allowed.has(code))).toEqual([]);
    expect(Math.max(reads.slowest, looks.slowest)).toBeLessThan(10_000);
  }, 120_000);
});

it('devices are neither listed nor opened', async ({ skip }) => {
  const at = join(anna.folder, 'devices');
  await mkdir(at);
  try {
    execFileSync('mknod', [join(at, 'zero'), 'c', '1', '5'], { stdio: 'ignore' });
    execFileSync('mknod', [join(at, 'disk'), 'b', '7', '0'], { stdio: 'ignore' });
  } catch {
    skip('this user may make no devices');
  }
  expect(await tree.list(wirePathFromPlain('devices'), undefined, never)).toEqual({ entries: [], skipped: 2 });
  for (const name of ['devices/zero', 'devices/disk']) expect(await codeOf(textOf(name))).toBe('not-a-file');
});

it('a disk that fails in the middle of a file is read-failed, and says where; no zeros take the place of what is lost', async () => {
  // The kernel itself answers EIO for memory that is not there.
  const fd = openSync('/proc/self/mem', 'r');
  await using pieces = new FilePieces({
    fd,
    range: { start: 0, end: 1 << 20 },
    etag: '"x"',
    what: '"f" in the share "Public"',
  });
  const failed = await pieces.read(Buffer.alloc(1 << 16)).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 'read-failed' });
  expect((failed as Error).message).toBe('"f" in the share "Public" at byte 0 could not be read (EIO).');
});

it.each(['list', 'walk'] as const)(
  'a share whose folder vanishes between two pages is unavailable to %s, not at its end',
  async (how) => {
    const folder = join(anna.folder, 'many');
    const shares = anna.shares;
    await mkdir(folder, { recursive: true });
    for (let at = 0; at < 600; at++) await (await open(join(folder, String(at)), 'w')).close();
    const { id } = await shares.add({ folder, name: `Many ${how}`, audience: 'everyone', rights: 'read' });
    const first = await shares.tree(bob, id, 'read')[how](rootPath, undefined, never);
    expect(first.cursor).toBeDefined();
    await rename(folder, `${folder} elsewhere`);
    expect(await codeOf(shares.tree(bob, id, 'read')[how](rootPath, first.cursor, never))).toBe('unavailable');
    expect(await codeOf(shares.tree(bob, id, 'read').stat(rootPath, never))).toBe('unavailable');
    await rename(`${folder} elsewhere`, folder);
    expect((await shares.tree(bob, id, 'read')[how](rootPath, first.cursor, never)).entries).toHaveLength(100);
    await rm(folder, { recursive: true });
  },
);

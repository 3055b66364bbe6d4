// What a neighbour who may write can try to do outside of the share, and what a program on its owner's PC does to it meanwhile.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { chmod, link, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import { type Guard, guardOf } from '../../agent/files/guarded-folder.ts';
import { HeldWalkers } from '../../agent/files/held-walkers.ts';
import { LocalTree } from '../../agent/files/local-tree.ts';
import { newShareChanges } from '../../agent/files/share-changes.ts';
import { WritableLocalTree } from '../../agent/files/writable-local-tree.ts';
import { wirePathFromPlain } from '../../protocol/wire-path.ts';
import { codeOf, never, temporaryFolder } from '../files/files-support.ts';
import { count } from '../office/counts.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

/** A program of the owner's: swaps the folder `a` and a link for one another until its input ends, and says how often. */
const swapping = `
  const { renameSync } = require('node:fs');
  process.chdir(process.argv[1]);
  let swaps = 0;
  let over = false;
  process.stdin.on('end', () => { over = true; }).resume();
  (function swap() {
    for (let times = 0; times < 20; times++, swaps++) {
      renameSync('a', 'kept'); renameSync('link', 'a'); renameSync('a', 'link'); renameSync('kept', 'a');
    }
    if (over) process.stdout.write(String(swaps)); else setImmediate(swap);
  })();
`;

const replace = { replace: true, signal: never };

function writableTree(folder: string, guard: Guard): WritableLocalTree {
  const held = scope.use(new HeldWalkers(systemClock));
  const place = { root: () => Promise.resolve(Buffer.from(folder)), label: 'it', guard };
  const limits = { quota: undefined, reserve: 0 };
  const none = { limits: () => limits, measure: () => Promise.resolve(0), note: () => Promise.resolve() };
  const changes = newShareChanges({ ...none, label: 'it', clock: systemClock });
  const tree = new LocalTree({ ...place, asker: 'bob', held });
  return new WritableLocalTree({ ...place, tree, clock: systemClock, changes });
}

/** Names, kinds, modes, contents and links of all that is below. */
async function fingerprint(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(folder, { recursive: true })).toSorted()) {
    const path = join(folder, name);
    const stat = await lstat(path);
    hash.update(`${name}\0${stat.mode}\0${stat.nlink}\0${stat.mtimeMs}\0`);
    if (stat.isFile()) hash.update(await readFile(path));
  }
  return hash.digest('hex');
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

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

describe('a share that may be changed', () => {
  let folder: string;
  let outside: string;
  let tree: WritableLocalTree;
  beforeEach(async () => {
    [folder, outside] = [await temporaryFolder(scope), await temporaryFolder(scope)];
    await mkdir(join(outside, 'sub'));
    await writeFile(join(outside, 'file'), 'canary');
    await writeFile(join(outside, 'sub', 'file'), 'canary');
    tree = writableTree(folder, guardOf(process.platform));
  });

  const write = (text: string, content = 'by bob'): Promise<string> =>
    codeOf(tree.write(wirePathFromPlain(text), { body: Readable.from([content]), signal: never }));

  it('changes nothing outside while its folders are swapped for links to there', async () => {
    const before = await fingerprint(outside);
    await mkdir(join(folder, 'a', 'sub'), { recursive: true });
    await symlink(outside, join(folder, 'link'));
    const swapper = spawn(process.execPath, ['-e', swapping, folder], { stdio: ['pipe', 'pipe', 'inherit'] });
    scope.defer(() => swapper.kill());
    const at = wirePathFromPlain;
    const attempts: ((round: number) => Promise<unknown>)[] = [
      (round) => write(`a/file`, `round ${round}`),
      (round) => write(`a/sub/new ${round % 8}`),
      (round) => tree.mkdir(at(`a/folder ${round % 8}`), never),
      () => tree.remove(at('a/file'), never),
      () => tree.remove(at('a/sub'), never),
      () => tree.mkdir(at('a/sub'), never),
      (round) => tree.move(at('a/file'), at(`a/sub/moved ${round % 8}`), replace),
      (round) => tree.copy(at('a/file'), at(`copy ${round % 8}`), replace),
      (round) => tree.copy(at('a/sub'), at(`copy ${round % 8}`), replace),
    ];
    const codes = new Map<string, number>();
    const until = performance.now() + count(3_000, 20_000);
    for (let round = 0; performance.now() < until; round++) {
      const results = await Promise.all(attempts.map((attempt) => codeOf(attempt(round))));
      for (const code of results) codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    swapper.stdin.end();
    const [swaps] = (await once(swapper.stdout, 'data')) as [Buffer];
    console.log(`${swaps.toString()} swaps; answers: ${JSON.stringify(Object.fromEntries(codes))}`);
    expect(await fingerprint(outside)).toBe(before);
    expect(codes.get('no error')).toBeGreaterThan(0);
    for (const known of ['no error', 'not-found', 'exists', 'changed', 'not-a-file', 'not-a-folder', 'not-permitted'])
      codes.delete(known);
    expect(Array.from(codes)).toEqual([]);
    // Nothing of what lies outside has come in, under any name.
    for (const file of await filesBelow(folder)) expect(await readFile(file, 'utf8'), file).not.toContain('canary');
    expect(openBelow(folder)).toEqual([]);
  });

  it('loses no second name of what lies outside: what is replaced gets other bytes, never the same file', async () => {
    await link(join(outside, 'file'), join(folder, 'file'));
    await writeFile(join(folder, 'script'), '#!/bin/sh');
    await chmod(join(folder, 'script'), 0o6755);
    expect(await write('file')).toBe('no error');
    expect(await write('script')).toBe('no error');
    expect([await readFile(join(outside, 'file'), 'utf8'), await readFile(join(folder, 'file'), 'utf8')]).toEqual([
      'canary',
      'by bob',
    ]);
    expect(((await lstat(join(folder, 'script'))).mode & 0o7111).toString(8)).toBe('0');
  });

  it('is not brought to a halt by FIFOs, sockets and devices in the way', async () => {
    for (let at = 0; at < 8; at++) execFileSync('mkfifo', [join(folder, `fifo ${at}`)]);
    const codes = await Promise.all(Array.from({ length: 8 }, (_, at) => write(`fifo ${at}`)));
    expect(new Set(codes)).toEqual(new Set(['exists']));
    expect(await codeOf(tree.copy(wirePathFromPlain('fifo 0'), wirePathFromPlain('copy'), replace))).toBe('not-found');
    expect(await write('file')).toBe('no error');
  });

  it('removes a folder with links to outside, FIFOs and parts in it, and nothing that they lead to', async () => {
    const before = await fingerprint(outside);
    await mkdir(join(folder, 'full', 'sub'), { recursive: true });
    await symlink(outside, join(folder, 'full', 'link'));
    await symlink(join(outside, 'sub'), join(folder, 'full', 'sub', 'link'));
    execFileSync('mkfifo', [join(folder, 'full', 'fifo')]);
    await writeFile(join(folder, 'full', '.0a1b2c3d.nethood-part'), 'half');
    expect(await codeOf(tree.remove(wirePathFromPlain('full'), never))).toBe('no error');
    expect([await readdir(folder), await fingerprint(outside)]).toEqual([[], before]);
  });
});

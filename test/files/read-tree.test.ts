/** What the thread that reads a folder sends is what a listing shows, and nothing else, under both guards. */
import { execFileSync } from 'node:child_process';
import { renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import type { Guard } from '../../agent/files/guarded-folder.ts';
import { HeldWalkers } from '../../agent/files/held-walkers.ts';
import { LocalTree } from '../../agent/files/local-tree.ts';
import { TreeReader } from '../../agent/files/read-tree.ts';
import { type Frame, frameKinds, FrameReader } from '../../agent/files/tree-frames.ts';
import { pathFromComponents, rootPath } from '../../protocol/wire-path.ts';
import { never, temporaryFolder } from './files-support.ts';

const scope = new Scope();
afterAll(() => scope[Symbol.asyncDispose]());

const largest = 100_000;

/** All frames; `between` is called before each buffer. */
function framesOf(tree: TreeReader, between: (fills: number) => void = () => undefined): Frame[] {
  const frames: Frame[] = [];
  const out = new FrameReader(largest);
  for (let fills = 0, done = false; !done; fills++) {
    between(fills);
    const buffer = Buffer.alloc(4096);
    const filled = tree.fill(buffer);
    done = filled.done;
    for (const frame of out.add(buffer.subarray(0, filled.bytes)))
      frames.push({ ...frame, name: Buffer.from(frame.name), content: Buffer.from(frame.content) });
  }
  tree.close();
  return frames;
}

/** Wire path, kind, size and time of each, as a listing has them. */
function entriesOf(frames: readonly Frame[]): object[] {
  const open: Buffer[] = [];
  return frames.flatMap(({ kind, depth, name, size, modified }) => {
    if (kind === frameKinds.end) return [];
    open.splice(depth, Number.POSITIVE_INFINITY, name);
    const path = pathFromComponents(open);
    return [{ path, kind: kind === frameKinds.folder ? 'folder' : 'file', size, modified }];
  });
}

describe.each<Guard>(['descriptor', 'look-twice'])('a folder read under the guard %s', (guard) => {
  let folder: string;
  beforeEach(async () => {
    folder = await temporaryFolder(scope);
  });

  const reader = (): TreeReader => new TreeReader({ root: Buffer.from(folder), components: [], guard, largest });

  it('has each entry of a listing, in its order, and the contents', async () => {
    for (let at = 0; at < 60; at++) {
      const below = join(folder, `f${at % 5}`, ...(at % 2 === 0 ? ['deep', 'deeper'] : []));
      await mkdir(below, { recursive: true });
      await writeFile(join(below, `file ${at}`), Buffer.alloc(at * 300, at));
      // Exactly on a millisecond, a microsecond before it, and somewhere.
      await utimes(join(below, `file ${at}`), 0, 1_600_000_000 + at + ([0.123, 0.122_999, 0.000_4][at % 3] ?? 0));
    }
    await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xc3])]), 'odd');
    await writeFile(join(folder, 'too large'), Buffer.alloc(largest + 1));
    await mkdir(join(folder, 'empty'));
    await mkdir(join(folder, '.0123abcd.nethood-part'));
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    await symlink('/etc', join(folder, 'link'));
    const held = scope.use(new HeldWalkers(systemClock));
    const root = (): Promise<Buffer> => Promise.resolve(Buffer.from(folder));
    const listed = await new LocalTree({ root, label: 'it', asker: 'bob', held, guard }).walk(
      rootPath,
      undefined,
      never,
    );
    const frames = framesOf(reader());
    expect(entriesOf(frames)).toEqual(listed.entries);
    expect(frames.at(-1)).toMatchObject({ kind: frameKinds.end, depth: 1, size: listed.skipped });
    expect(listed.skipped).toBe(2);
    for (const { kind, name, content } of frames)
      if (kind === frameKinds.file && name.toString().startsWith('file '))
        expect(content).toEqual(Buffer.alloc(Number(name.toString().slice(5)) * 300, Number(name.toString().slice(5))));
    expect(frames.filter(({ kind }) => kind === frameKinds.fileAlone).map(({ name }) => name.toString())).toEqual([
      'too large',
    ]);
  });

  it('never gives what lies outside while folders and files are swapped for links', async () => {
    const outside = await temporaryFolder(scope);
    await writeFile(join(outside, 'file'), 'canary');
    for (const name of ['a', 'b', 'c']) {
      await mkdir(join(folder, name));
      for (let at = 0; at < 40; at++) await writeFile(join(folder, name, `file ${at}`), 'inside'.repeat(50));
      await writeFile(join(folder, name, 'file'), 'inside');
    }
    const swap = (fills: number): void => {
      const [b, kept] = [join(folder, 'b'), join(folder, 'kept')];
      if (fills % 2 === 0) {
        renameSync(b, kept);
        symlinkSync(outside, b);
      } else {
        unlinkSync(b);
        renameSync(kept, b);
      }
    };
    const frames = framesOf(reader(), swap);
    expect(frames.length).toBeGreaterThan(40);
    for (const { content } of frames) expect(content.toString()).not.toContain('canary');
  });

  it('names alone what changes while it is read, and leaves out what is gone', async () => {
    for (const name of ['a', 'b', 'c']) await writeFile(join(folder, name), Buffer.alloc(5_000, name));
    const tree = reader();
    const frames = framesOf(tree, (fills) => {
      if (fills === 1) execFileSync('rm', [join(folder, 'c')]);
    });
    expect(frames.map(({ kind, name }) => [kind, name.toString()])).toEqual([
      [frameKinds.file, 'a'],
      [frameKinds.file, 'b'],
      [frameKinds.end, ''],
    ]);
  });

  it('says that it is not whole where a folder on its way back is no longer there', async () => {
    await mkdir(join(folder, 'a', 'below'), { recursive: true });
    await writeFile(join(folder, 'a', 'below', 'large'), Buffer.alloc(20_000));
    await writeFile(join(folder, 'a', 'last'), 'x');
    const frames = framesOf(reader(), (fills) => {
      if (fills === 1) execFileSync('mv', [join(folder, 'a'), join(folder, 'moved')]);
    });
    expect(frames.at(-1)).toMatchObject({ kind: frameKinds.end, depth: 0 });
  });
});

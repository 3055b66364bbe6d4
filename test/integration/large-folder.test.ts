/** A folder of a million files (fewer in the short run): sorted, page by page, within bounds, whoever lists it and however many. */
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import { keepHeapSmall } from '../../agent/base/small-heap.ts';
import type { Page } from '../../agent/files/file-tree.ts';
import { HeldWalkers } from '../../agent/files/held-walkers.ts';
import { guardOf } from '../../agent/files/guarded-folder.ts';
import { LocalTree } from '../../agent/files/local-tree.ts';
import { displayName, rootPath } from '../../protocol/wire-path.ts';
import { never } from '../files/files-support.ts';
import { count } from '../office/counts.ts';

const files = count(100_000, 1_000_000);
/** Long enough that not all of them fit into one window of names. */
const tail = 'x'.repeat(count(90, 20));
const scope = new Scope();
let folder: string;
let trees: LocalTree[];

beforeAll(async () => {
  // As an agent does: what V8 leaves lying about else is not what a listing takes.
  keepHeapSmall();
  folder = await mkdtemp(join(tmpdir(), 'nh-large-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  for (let at = 0; at < files; at++) closeSync(openSync(join(folder, `${(at * 7919) % files} ${tail}`), 'w'));
  const held = scope.use(new HeldWalkers(systemClock));
  const root = (): Promise<Buffer> => Promise.resolve(Buffer.from(folder));
  trees = ['bob', 'carl'].map(
    (asker) => new LocalTree({ root, label: 'it', asker, held, guard: guardOf(process.platform) }),
  );
}, 300_000);
afterAll(() => scope[Symbol.asyncDispose](), 300_000);

const bob = (): LocalTree => trees[0] as LocalTree;
const carl = (): LocalTree => trees[1] as LocalTree;

function firstPage(): Promise<Page> {
  return bob().list(rootPath, undefined, new AbortController().signal);
}

interface Seen {
  readonly entries: number;
  readonly firstMs: number;
  readonly seconds: number;
  readonly inOrder: boolean;
  readonly memory: number;
}

async function listed(): Promise<Seen> {
  global.gc?.();
  const before = process.memoryUsage().rss;
  const began = performance.now();
  let [entries, firstMs, memory, inOrder, last] = [0, 0, 0, true, Buffer.alloc(0)];
  let cursor: string | undefined;
  do {
    const page = await bob().list(rootPath, cursor, never);
    if (entries === 0) firstMs = performance.now() - began;
    for (const { path } of page.entries) {
      const name = Buffer.from(displayName(path));
      inOrder &&= Buffer.compare(last, name) < 0;
      last = name;
    }
    entries += page.entries.length;
    memory = Math.max(memory, process.memoryUsage().rss - before);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { entries, firstMs, seconds: (performance.now() - began) / 1000, inOrder, memory };
}

describe(`a folder of ${files} files`, () => {
  it('is listed with each file once, in the order of the names, in bounded memory', async () => {
    const { entries, firstMs, seconds, inOrder, memory } = await listed();
    const first = `first page ${Math.round(firstMs)} ms`;
    console.log(`${files} files listed: ${first}, all ${seconds.toFixed(1)} s, ${memory >> 20} MiB more`);
    expect([entries, inOrder]).toEqual([files, true]);
    expect(memory).toBeLessThan(96 << 20);
  }, 300_000);

  it('twenty who begin to list it at once share the work and get their first page', async () => {
    global.gc?.();
    const before = process.memoryUsage().rss;
    const began = performance.now();
    const pages = await Promise.all(Array.from({ length: 20 }, firstPage));
    const memory = process.memoryUsage().rss - before;
    console.log(`20 at once: ${Math.round(performance.now() - began)} ms, ${memory >> 20} MiB more`);
    expect(pages.every((page) => page.entries.length === 500)).toBe(true);
    expect(memory).toBeLessThan(96 << 20);
  });

  it('others are answered while it is gone through', async () => {
    const small = await mkdtemp(join(tmpdir(), 'nh-small-'));
    scope.defer(() => rm(small, { recursive: true, force: true }));
    await writeFile(join(small, 'file'), '');
    const held = scope.use(new HeldWalkers(systemClock));
    const root = (): Promise<Buffer> => Promise.resolve(Buffer.from(small));
    const other = new LocalTree({ root, label: 'other', asker: 'dora', held, guard: guardOf(process.platform) });
    const large = bob().list(rootPath, undefined, never);
    let worst = 0;
    for (let done = false; !done;) {
      const began = performance.now();
      await other.list(rootPath, undefined, never);
      worst = Math.max(worst, performance.now() - began);
      done = await Promise.race([
        large.then(() => true),
        new Promise<false>((resolve) => setImmediate(resolve, false)),
      ]);
    }
    console.log(`another's list meanwhile took ${Math.round(worst)} ms at most`);
    expect(worst).toBeLessThan(2000);
  });

  it('a listing that was forgotten goes on where it was', async () => {
    const first = await bob().list(rootPath, undefined, never);
    const second = await bob().list(rootPath, first.cursor, never);
    for (let other = 0; other < 3; other++) await bob().list(rootPath, undefined, never);
    expect(await bob().list(rootPath, first.cursor, never)).toMatchObject({ entries: second.entries });
  });

  it('who loses interest keeps nobody else from it', async () => {
    const stop = new AbortController();
    const listing = bob().list(rootPath, undefined, stop.signal);
    stop.abort(new Error('no longer wanted'));
    await expect(listing).rejects.toThrow('no longer wanted');
    expect((await carl().list(rootPath, undefined, never)).entries).toHaveLength(500);
  });
});

/** A folder of more files than are sorted in memory: listed in the file system's order, within bounds. */
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { Scope } from '../../agent/base/scope.ts';
import { HeldWalkers } from '../../agent/files/held-walkers.ts';
import { guardOf } from '../../agent/files/guarded-folder.ts';
import { LocalTree } from '../../agent/files/local-tree.ts';
import { rootPath } from '../../protocol/wire-path.ts';
import { codeOf, never } from '../files/files-support.ts';

const count = 120_000;
const scope = new Scope();
let folder: string;
let trees: LocalTree[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-large-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  for (let at = 0; at < count; at++) closeSync(openSync(join(folder, `file ${at}`), 'w'));
  const held = scope.use(new HeldWalkers(systemClock));
  const root = (): Promise<Buffer> => Promise.resolve(Buffer.from(folder));
  trees = ['bob', 'carl'].map(
    (asker) => new LocalTree({ root, label: 'it', asker, held, guard: guardOf(process.platform) }),
  );
});
afterAll(() => scope[Symbol.asyncDispose]());

const bob = (): LocalTree => trees[0] as LocalTree;

it.each(['list', 'walk'] as const)('%s gives each of 120,000 files once', async (how) => {
  const seen = new Set<string>();
  let cursor: string | undefined;
  let entries = 0;
  do {
    const page = await bob()[how](rootPath, cursor, never);
    for (const { path } of page.entries) seen.add(path);
    entries += page.entries.length;
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect([seen.size, entries]).toEqual([count, count]);
});

it('twenty who begin to list it at once get their first page, and the memory stays bounded', async () => {
  global.gc?.();
  const before = process.memoryUsage().rss;
  const pages = await Promise.all(Array.from({ length: 20 }, () => bob().list(rootPath, undefined, never)));
  expect(pages.every((page) => page.entries.length === 500)).toBe(true);
  expect(process.memoryUsage().rss - before).toBeLessThan(96 << 20);
});

it('a cursor that is no longer held says so, as the order of the files is gone with it', async () => {
  const first = await bob().list(rootPath, undefined, never);
  for (let other = 0; other < 3; other++) await bob().list(rootPath, undefined, never);
  expect(await codeOf(bob().list(rootPath, first.cursor, never))).toBe('bad-request');
});

it("another asker's listings do not push out ours, nor can it use our cursor", async () => {
  const first = await bob().list(rootPath, undefined, never);
  const carl = trees[1] as LocalTree;
  for (let other = 0; other < 5; other++) await carl.list(rootPath, undefined, never);
  expect(await codeOf(carl.list(rootPath, first.cursor, never))).toBe('bad-request');
  expect((await bob().list(rootPath, first.cursor, never)).entries).toHaveLength(500);
});

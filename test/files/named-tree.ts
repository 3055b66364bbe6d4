/** Trees in memory as tests write them down: plain names, and what is in the files. */
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { WritableTree } from '../../agent/files/file-tree.ts';
import { parentPath, rootPath, wirePathFromPlain } from '../../protocol/wire-path.ts';
import { never } from './files-support.ts';
import { MemoryTree } from './memory-tree.ts';

/** `null` makes a folder; folders on the way are made. */
export async function treeOf(files: Readonly<Record<string, string | null>>): Promise<MemoryTree> {
  const tree = new MemoryTree();
  for (const [name, content] of Object.entries(files)) {
    await makeFolder(tree, name.includes('/') ? name.slice(0, name.lastIndexOf('/')) : '');
    if (content === null) await makeFolder(tree, name);
    else
      await tree.write(wirePathFromPlain(name), {
        body: Readable.from([Buffer.from(content)]),
        modified: 1_000,
        signal: never,
      });
  }
  return tree;
}

async function makeFolder(tree: MemoryTree, name: string): Promise<void> {
  const path = wirePathFromPlain(name);
  const isThere = await tree.stat(path).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  await makeFolder(tree, decodeURIComponent(parentPath(path)));
  await tree.mkdir(path);
}

/** Folders with a slash, files with what they hold. */
export async function contentsOf(tree: WritableTree): Promise<Record<string, string>> {
  const { entries } = await tree.walk(rootPath, undefined, never);
  const all: Record<string, string> = {};
  for (const { path, kind } of entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    const name = decodeURIComponent(path);
    if (kind === 'folder') all[`${name}/`] = '';
    else all[name] = await text((await tree.read(path, { signal: never })).stream);
  }
  return all;
}

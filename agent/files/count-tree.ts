/** Counts what is below a folder of a share, in a thread that calls directly: a look at each file, and no list of them. */
import { lstatSync, opendirSync } from 'node:fs';
import type { Guard } from './guarded-folder.ts';
import { type GuardedFolderSync, openGuardedSync } from './guarded-folder-sync.ts';
import { isPartName } from './part-name.ts';
import type { TreeStart, TreeTotals } from './read-tree.ts';
import { allocatedBy, isSparse } from './sparse.ts';

/** Folders still to be looked into; with more there are no totals. */
const mostFolders = 100_000;
const readAtOnce = 1_000;

/** Step by step, a file each. Undefined where it is too much. What cannot be read does not count, nor does it come. */
export function* countTree({ root, components, guard }: TreeStart): Generator<void, TreeTotals | undefined> {
  const share = Buffer.from(root);
  const totals = { files: 0, bytes: 0, holes: 0 };
  const left: (readonly Uint8Array[])[] = [components];
  for (let within = left.pop(); within !== undefined; within = left.pop()) {
    for (const name of yield* countFolder(openIfCan(share, within, guard), totals)) left.push([...within, name]);
    if (left.length > mostFolders) return undefined;
  }
  return totals;
}

function openIfCan(share: Buffer, within: readonly Uint8Array[], guard: Guard): GuardedFolderSync | undefined {
  try {
    return openGuardedSync(share, within, guard);
  } catch {
    return undefined;
  }
}

/** Adds its files; gives the names of its folders. */
function* countFolder(
  folder: GuardedFolderSync | undefined,
  totals: { files: number; bytes: number; holes: number },
): Generator<void, Buffer[]> {
  if (folder === undefined) return [];
  const folders: Buffer[] = [];
  try {
    for (const { name, isFile } of entriesOf(folder.path)) {
      yield;
      const stat = isFile ? lstatSync(folder.at(name), { throwIfNoEntry: false }) : undefined;
      if (!isFile) folders.push(name);
      if (stat === undefined) continue;
      const { size } = stat;
      const allocated = allocatedBy(stat);
      totals.files++;
      totals.bytes += size;
      if (isSparse({ size, allocated })) totals.holes += size - allocated;
    }
  } finally {
    folder.close();
  }
  return folders;
}

function* entriesOf(folder: Buffer): Generator<{ name: Buffer; isFile: boolean }, void> {
  // Its types do not know buffers.
  const dir = opendirSync(folder, { encoding: 'buffer' as BufferEncoding, bufferSize: readAtOnce });
  try {
    for (let found = dir.readSync(); found !== null; found = dir.readSync()) {
      const name = found.name as unknown as Buffer;
      const isFile = found.isFile();
      if ((isFile || found.isDirectory()) && !isPartName(name.toString('latin1'))) yield { name, isFile };
    }
  } finally {
    dir.closeSync();
  }
}

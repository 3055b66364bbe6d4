import { mkdir } from 'node:fs/promises';
import type { PeerEntry } from '../../protocol/peer.ts';
import { parentPath, parseWirePath, pathComponents, rootPath, type WirePath } from '../../protocol/wire-path.ts';
import { FolderCache } from './folder-cache.ts';
import type { Spot } from './local-spot.ts';
import type { LocalTree } from './local-tree.ts';
import type { LocalWriter, LocalWriterDeps } from './local-writer.ts';
import type { RoomClaim } from './share-room.ts';

export interface CopyDeps extends LocalWriterDeps {
  readonly tree: LocalTree;
  readonly writer: LocalWriter;
}

export interface FolderCopy {
  readonly from: WirePath;
  readonly target: Spot;
  /** Of the empty folder beside the target that is to hold the copy. */
  readonly name: Buffer;
  readonly claim: RoomClaim;
}

/** Copies all that can be seen in a folder. */
export async function copyFolder(deps: CopyDeps, copy: FolderCopy, signal: AbortSignal): Promise<void> {
  const base = [...copy.target.components.slice(0, -1), copy.name];
  await using folders = new FolderCache((path) => deps.spots.open([...base, ...pathComponents(path)]));
  let cursor: string | undefined;
  do {
    const page = await deps.tree.walk(copy.from, cursor, signal);
    for (const entry of page.entries) {
      const source = { ...entry, path: parseWirePath(`${copy.from}/${entry.path}`) };
      await folders.use(parentPath(entry.path), (folder) =>
        copyEntry(deps, source, { ...copy, target: { ...copy.target, folder } }, signal),
      );
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  await folders.use(rootPath, (folder) => folder.sync());
}

/** @param copy whose target has the entry's own folder */
async function copyEntry(deps: CopyDeps, entry: PeerEntry, copy: FolderCopy, signal: AbortSignal): Promise<void> {
  const { target, claim } = copy;
  const at = target.folder.at(pathComponents(entry.path).at(-1) ?? new Uint8Array());
  if (entry.kind === 'folder') return mkdir(at, 0o755);
  return copyFile(deps, { from: entry.path, part: at, target, claim }, signal);
}

export interface FileCopy {
  readonly from: WirePath;
  readonly part: Buffer;
  readonly target: Spot;
  readonly claim: RoomClaim;
}

/** Copies one file into a new one at `part`, beside the target. */
export async function copyFile(
  { tree, writer }: CopyDeps,
  { from, part, target, claim }: FileCopy,
  signal: AbortSignal,
): Promise<void> {
  const { stream, size, modified } = await tree.read(from, { signal });
  try {
    await writer.receive(part, target, { body: stream, size, modified, claim, signal });
  } finally {
    stream.destroy();
  }
}

/** Where a put goes in a neighbour's share. */
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { EntryKind } from '../../protocol/peer.ts';
import { childPath, parentPath, pathComponents, rootPath, type WirePath } from '../../protocol/wire-path.ts';
import type { PutOrder } from './files-service.ts';
import type { FileTree } from './file-tree.ts';

/**
 * As `cp` does it: into what is a folder there, else under that name.
 * @param name what it is called here
 * @throws `not-found` (no folder to put it in), `not-a-folder`
 */
export async function putTargetOf(
  tree: FileTree,
  order: PutOrder,
  name: Uint8Array,
  signal: AbortSignal,
): Promise<WirePath> {
  const { readings, into } = order;
  const destination = shownPlace(order.place, readings[0] ?? rootPath);
  for (const path of readings) {
    const kind = await kindOf(tree, path, signal);
    if (kind === 'folder') return childPath(path, name);
    if (kind === undefined) continue;
    if (into) throw new NethoodError('not-a-folder', `"${destination}" is not a folder.`);
    return path;
  }
  // What is not there yet is meant as it was typed: the last of the readings.
  if (!into)
    for (const path of readings.toReversed())
      if ((await kindOf(tree, parentPath(path), signal)) === 'folder') return path;
  const missing = into ? destination : destination.slice(0, destination.lastIndexOf('/'));
  throw new NethoodError('not-found', `There is no folder "${missing}" to put it in.`);
}

async function kindOf(tree: FileTree, path: WirePath, signal: AbortSignal): Promise<EntryKind | undefined> {
  if (path === rootPath) return 'folder';
  try {
    return (await tree.stat(path, signal)).kind;
  } catch (error) {
    if (hasCode(error, 'not-found')) return undefined;
    throw error;
  }
}

/** `<neighbour>/<share>/<path>`, for people. */
export function shownPlace(place: string, path: WirePath): string {
  const decoder = new TextDecoder();
  return [place, ...pathComponents(path).map((name) => decoder.decode(name))].join('/');
}

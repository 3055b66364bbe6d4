/** SHA-256 of many files of a tree: small ones by the thread that reads them, large ones piece by piece. */
import { createHash } from 'node:crypto';
import { type ErrorCode, toNethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { contentDigest } from './content-digest.ts';
import type { LocalTree } from './local-tree.ts';
import { filesOf, type FilesSource } from './read-files.ts';

export type FileDigest =
  | { readonly path: WirePath; readonly sha256: string }
  | { readonly path: WirePath; readonly code: ErrorCode };

/** In the order asked for; each whole and of one version, or why not: one bad file does not cost the others. */
export async function* digestsIn(
  source: FilesSource,
  paths: readonly WirePath[],
  signal: AbortSignal,
): AsyncGenerator<FileDigest, void> {
  for await (const file of filesOf(source, paths, signal)) {
    const { path } = file;
    if ('content' in file) yield { path, sha256: createHash('sha256').update(file.content).digest('hex') };
    else if (file.code === 'too-large') yield await largeDigest(source.tree, path, signal);
    else yield { path, code: file.code };
  }
}

async function largeDigest(tree: LocalTree, path: WirePath, signal: AbortSignal): Promise<FileDigest> {
  try {
    const { pieces, size } = await tree.open(path, { signal });
    await using file = pieces;
    const read = (buffer: Buffer): Promise<number> => {
      signal.throwIfAborted();
      return file.read(buffer);
    };
    return { path, sha256: await contentDigest(read, size) };
  } catch (error) {
    signal.throwIfAborted();
    return { path, code: toNethoodError(error).code };
  }
}

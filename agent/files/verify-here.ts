/**
 * Which of the files that are here, by size and time, are the same as their neighbour's: by SHA-256, made at both ends
 * at the same time. A size and a time may be right and the content not: a disk, another program, a restored copy.
 */
import type { WirePath } from '../../protocol/wire-path.ts';
import { canTellDigests, digestsThere } from './ask-digests.ts';
import { localDigest } from './content-digest.ts';
import { errnoOf } from './file-errors.ts';
import type { GetContext } from './get-context.ts';
import type { LocalPath } from './local-path.ts';

export interface HereFile {
  /** In the share. */
  readonly path: WirePath;
  readonly size: number;
  readonly here: LocalPath;
}

/** The paths of those that are the same; all of them where the neighbour's version cannot tell. */
export async function sameHere(
  context: GetContext,
  files: readonly HereFile[],
  signal: AbortSignal,
): Promise<ReadonlySet<WirePath>> {
  const paths = files.map(({ path }) => path);
  if (!canTellDigests(context.peer)) return new Set(paths);
  const own = new Map<WirePath, string | undefined>();
  const [theirs] = await Promise.all([
    digestsThere(context, paths, signal),
    (async () => {
      for (const { path, here, size } of files) own.set(path, await digestHere(here, size, signal));
    })(),
  ]);
  return new Set(paths.filter((path) => isSame(own.get(path), theirs.get(path))));
}

export function isSame(own: string | undefined, theirs: string | undefined): boolean {
  return own !== undefined && own === theirs;
}

/** Undefined for what can no longer be read: it is no copy then. */
async function digestHere(path: LocalPath, size: number, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await localDigest(path, size, signal);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

/**
 * Which of the files that are here, by size and time, are the same as their neighbour's: by SHA-256, made at both ends
 * at the same time. A size and a time may be right and the content not: a disk, another program, a restored copy.
 */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { pathFromComponents, type WirePath } from '../../protocol/wire-path.ts';
import { canTellDigests, digestsThere } from './ask-digests.ts';
import { localDigest } from './content-digest.ts';
import { errnoOf } from './file-errors.ts';
import type { GetContext } from './get-context.ts';
import { guardOf } from './guarded-folder.ts';
import { type LocalPath, splitPath } from './local-path.ts';
import { filesOf } from './read-files.ts';

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
      for (const group of byFolder(files)) await digestGroup(context, group, { own, signal });
    })(),
  ]);
  return new Set(paths.filter((path) => isSame(own.get(path), theirs.get(path))));
}

export function isSame(own: string | undefined, theirs: string | undefined): boolean {
  return own !== undefined && own === theirs;
}

/** Of one folder: small files by the thread, what it cannot read one by one. */
async function digestGroup(
  { batchThread: thread }: GetContext,
  group: readonly HereFile[],
  { own, signal }: { own: Map<WirePath, string | undefined>; signal: AbortSignal },
): Promise<void> {
  const byName = new Map(group.map((file) => [pathFromComponents([splitPath(file.here).name]), file.path]));
  const root = await realpath(splitPath(group[0]?.here ?? '').folder, { encoding: 'buffer' }).catch(() => undefined);
  if (root !== undefined) {
    const tree = { start: () => Promise.resolve({ root, components: [], guard: guardOf(process.platform) }) };
    for await (const file of filesOf({ tree, thread }, [...byName.keys()], signal)) {
      const path = byName.get(file.path);
      if (path !== undefined && 'content' in file) own.set(path, hashOf(file.content));
    }
  }
  for (const { path, here, size } of group) if (!own.has(path)) own.set(path, await digestHere(here, size, signal));
}

function* byFolder(files: readonly HereFile[]): Generator<HereFile[]> {
  let group: HereFile[] = [];
  for (const file of files) {
    const [last] = group;
    if (last !== undefined && !splitPath(last.here).folder.equals(splitPath(file.here).folder)) {
      yield group;
      group = [];
    }
    group.push(file);
  }
  if (group.length > 0) yield group;
}

function hashOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
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

/** A get of what a pattern matches: as one transfer, into a folder that is there, with the folders above each match. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { NethoodError } from '../../protocol/errors.ts';
import { fetchFolder } from './fetch-folder.ts';
import { hasErrno, writeError } from './file-errors.ts';
import type { FileTree, OpenedFile, Page, ReadOptions } from './file-tree.ts';
import type { GetOrder } from './files-service.ts';
import type { GetContext } from './get-context.ts';
import { joinLocal, localPath, shownPath } from './local-path.ts';
import { MatchSearch } from './match-search.ts';
import { namePatterns } from './name-pattern.ts';
import { partName } from './part-name.ts';
import { createRemoteTree } from './remote-tree.ts';
import { whileShared } from './still-shared.ts';
import type { TransferWork, WorkGround } from './transfer-work.ts';

/** @throws `not-found` where nothing matches, `not-a-folder` of the destination, what the neighbour says */
export async function beginGetMatches(
  ground: WorkGround,
  order: GetOrder & { readonly matching: string },
): Promise<TransferWork> {
  const { neighbours, clock, log, records, key } = ground;
  const { neighbour, share, path, source, matching } = order;
  const remote = createRemoteTree(ground, neighbour, share);
  const search = (): MatchSearch =>
    new MatchSearch({ tree: remote, base: path, patterns: namePatterns(matching), give: 'whole' });
  const destination = await folderAt(order.destination);
  if (!(await findsAnything(search(), ground.signal)))
    throw new NethoodError('not-found', `Nothing matches "${source}".`);
  const place = { folder: localPath(dirname(destination)), name: Buffer.from(basename(destination)) };
  // Inside of it: beside it may be another file system, or nothing that we may write.
  const staging = joinLocal(localPath(destination), Buffer.from(partName(key)));
  return {
    start: { direction: 'get', neighbour, source, destination },
    run: async (course, signal) => {
      const peer = { neighbours, id: neighbour, clock };
      const tree = new MatchingTree(remote, search);
      const context: GetContext = { ...course, peer, tree, share, path, source, clock, log, records };
      const work = fetchFolder(context, { place, modified: undefined, staging, key }, signal);
      return shownPath(await whileShared({ neighbours, neighbour, share, what: source }, work));
    },
  };
}

/** The true path of a folder that the user named, by a link maybe. */
async function folderAt(path: string): Promise<string> {
  try {
    if ((await stat(path)).isDirectory()) return await realpath(path);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT', 'ENOTDIR')) throw writeError(error, path);
  }
  throw new NethoodError('not-a-folder', `"${path}" is no folder; what matches a pattern wants one to come into.`);
}

async function findsAnything(search: MatchSearch, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const { entries, done } = await search.next(signal);
    if (entries.length > 0 || done) return entries.length > 0;
  }
}

/** A tree of which a walk gives only what is searched for. */
class MatchingTree implements FileTree {
  readonly #tree: FileTree;
  readonly #begin: () => MatchSearch;
  #search: MatchSearch;

  constructor(tree: FileTree, begin: () => MatchSearch) {
    this.#tree = tree;
    this.#begin = begin;
    this.#search = begin();
  }

  stat(...args: Parameters<FileTree['stat']>): ReturnType<FileTree['stat']> {
    return this.#tree.stat(...args);
  }

  list(...args: Parameters<FileTree['list']>): Promise<Page> {
    return this.#tree.list(...args);
  }

  async walk(_path: string, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
    if (cursor === undefined) this.#search = this.#begin();
    const { entries, skipped, done } = await this.#search.next(signal);
    return { entries, skipped, ...(done ? {} : { cursor: 'more' }) };
  }

  read(path: Parameters<FileTree['read']>[0], options: ReadOptions): Promise<OpenedFile> {
    return this.#tree.read(path, options);
  }
}

/** Answers a request for many files with one tar, reading some files ahead of the one that is being sent. */
import { lstat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { NethoodError, toNethoodError } from '../../protocol/errors.ts';
import { displayName, parentPath, pathComponents, rootPath, type WirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { type ArchivedFile, archiveLimits, type MissingFile, packArchive } from './archive-format.ts';
import { readError } from './file-errors.ts';
import { etagOf, modifiedOf } from './file-version.ts';
import { FolderCache } from './folder-cache.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import type { LocalTree } from './local-tree.ts';
import { isPartName } from './part-name.ts';
import type { RateLimit } from './rate-limit.ts';
import { closeAtOnce, fstatFd, openFd, openFlags, readFd } from './raw-files.ts';
import { wantedPaths } from './wanted-paths.ts';

/** Files read at the same time; more than the thread pool has threads, so that none of them waits for us. */
const readAhead = 16;
/** Bytes that may be read ahead, unless one file alone is larger. */
const readAheadBytes = 4 << 20;

export async function serveArchive(
  tree: LocalTree,
  limit: RateLimit,
  { request, response, signal }: HttpExchange,
): Promise<void> {
  const wanted = await wantedPaths(request);
  const root = await tree.folder(rootPath);
  root.close();
  response.writeHead(200, { 'content-type': 'application/x-tar' });
  await pipeline(pacedBy(limit, packArchive(filesOf(tree, wanted, signal)), signal), response, { signal });
}

async function* pacedBy(limit: RateLimit, bytes: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const piece of bytes) {
    yield piece;
    await limit.pace(piece.length, signal);
  }
}

/** In the order asked for. */
export async function* filesOf(
  tree: LocalTree,
  wanted: readonly WirePath[],
  signal: AbortSignal,
): AsyncGenerator<ArchivedFile | MissingFile, void> {
  const folders = new FolderCache((path) => tree.folder(path));
  const ahead: Promise<ArchivedFile | MissingFile>[] = [];
  const budget = { bytes: 0 };
  const left = wanted[Symbol.iterator]();
  const readMore = (): void => {
    while (ahead.length < readAhead && (ahead.length === 0 || budget.bytes < readAheadBytes)) {
      const next = left.next();
      if (next.done === true) return;
      ahead.push(fileOf(folders, next.value, budget));
    }
  };
  try {
    for (readMore(); ahead.length > 0; readMore()) {
      signal.throwIfAborted();
      const file = await ahead.shift();
      if (file === undefined) continue;
      if ('content' in file) budget.bytes -= file.content.length;
      yield file;
    }
  } finally {
    await Promise.all(ahead);
    await folders[Symbol.asyncDispose]();
  }
}

/** Whole and of one version, or why not; never fails, so that one bad file does not cost the others. */
async function fileOf(
  folders: FolderCache,
  path: WirePath,
  budget: { bytes: number },
): Promise<ArchivedFile | MissingFile> {
  try {
    const name = pathComponents(path).at(-1);
    if (name === undefined) throw new NethoodError('not-a-file', 'The share itself is not a file.');
    if (isPartName(Buffer.from(name).toString('latin1')))
      throw new NethoodError('not-found', 'Files that are still being received are not sent.');
    return await folders.use(parentPath(path), (folder) => readWhole(folder, name, { path, budget }));
  } catch (error) {
    return { path, code: toNethoodError(readError(error, displayName(path))).code };
  }
}

async function readWhole(
  folder: GuardedFolder,
  name: Uint8Array,
  { path, budget }: { path: WirePath; budget: { bytes: number } },
): Promise<ArchivedFile> {
  const at = folder.at(name);
  const before = await lstat(at, { bigint: true });
  if (before.isSymbolicLink()) throw new NethoodError('not-found', 'Links are not followed.');
  if (!before.isFile()) throw new NethoodError('not-a-file', 'Only files can be archived.');
  if (before.size > archiveLimits.file) throw new NethoodError('too-large', 'The file is too large for an archive.');
  const fd = await openFd(at, openFlags.read);
  try {
    const content = await filled(fd, Number(before.size));
    const after = await fstatFd(fd, { bigint: true });
    await folder.check();
    // The inode is part of the version, so this also tells whether the file looked at is the one that was opened.
    if (content === undefined || before.dev !== after.dev || etagOf(before) !== etagOf(after))
      throw new NethoodError('changed', 'The file changed while it was read.');
    budget.bytes += content.length;
    return { path, content, modified: modifiedOf(after) };
  } finally {
    closeAtOnce(fd);
  }
}

/** Exactly so many bytes; undefined where the file is shorter. */
async function filled(fd: number, size: number): Promise<Buffer | undefined> {
  const content = Buffer.allocUnsafe(size);
  for (let at = 0; at < size;) {
    const { bytesRead } = await readFd(fd, content, at, size - at, at);
    if (bytesRead === 0) return undefined;
    at += bytesRead;
  }
  return content;
}

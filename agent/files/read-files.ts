/** Small files by the thousand, read by a thread while those before them are sent. */
import { displayName, pathComponents, rootPath, type WirePath } from '../../protocol/wire-path.ts';
import { type ArchivedFile, archiveLimits, type MissingFile } from './archive-format.ts';
import type { BatchThread } from './batch-writer.ts';
import { readError } from './file-errors.ts';
import type { LocalTree } from './local-tree.ts';
import type { ReadAnswer, ReadFile } from './read-batch.ts';

/** Read while as many are sent. */
const bufferBytes = 256 << 10;
/** At a time; as many as fill a buffer where they have 4 KiB. */
const most = bufferBytes >> 12;

export interface FilesSource {
  readonly tree: LocalTree;
  readonly thread: BatchThread;
}

/** In the order asked for; each whole and of one version, or why not. The content of each is valid until the next is asked for. */
export async function* filesOf(
  source: { readonly tree: Pick<LocalTree, 'start'>; readonly thread: BatchThread },
  wanted: readonly WirePath[],
  signal: AbortSignal,
): AsyncGenerator<ArchivedFile | MissingFile, void> {
  const { tree, thread: kept } = source;
  const thread = kept.use();
  let spare: ArrayBuffer | undefined;
  const read = async (paths: readonly WirePath[]): Promise<ReadAnswer> => {
    const { root, guard } = await tree.start(rootPath);
    const content = spare ?? new ArrayBuffer(bufferBytes);
    spare = undefined;
    const ask = { root, guard, paths: paths.map(rawPath), largest: archiveLimits.file, content };
    return (await thread.ask(ask, [content])) as ReadAnswer;
  };
  const readFrom = (at: number): Promise<ReadAnswer> | undefined =>
    at < wanted.length ? read(wanted.slice(at, at + most)) : undefined;
  let next = readFrom(0);
  try {
    for (let at = 0; next !== undefined;) {
      const answer: ReadAnswer = await next;
      signal.throwIfAborted();
      const paths = wanted.slice(at, at + answer.files.length);
      at += paths.length;
      next = readFrom(at);
      // It is waited for later, or by nobody any more.
      next?.catch(() => undefined);
      yield* filesIn(answer, paths);
      // One for itself was for a large file.
      if (answer.content.byteLength === bufferBytes) spare = answer.content;
    }
  } finally {
    await next?.catch(() => undefined);
    kept.leave();
  }
}

function* filesIn({ files, content }: ReadAnswer, paths: readonly WirePath[]): Generator<ArchivedFile | MissingFile> {
  let at = 0;
  for (const [index, path] of paths.entries()) {
    const file = files[index];
    if (file === undefined) return;
    if (!('size' in file)) {
      yield { path, code: codeOf(file, path) };
      continue;
    }
    yield { path, content: Buffer.from(content, at, file.size), modified: file.modified };
    at += file.size;
  }
}

function codeOf(file: Exclude<ReadFile, { size: number }>, path: WirePath): MissingFile['code'] {
  if ('code' in file) return file.code;
  return readError(Object.assign(new Error(file.errno), { code: file.errno }), displayName(path)).code;
}

function rawPath(path: WirePath): string {
  if (!path.includes('%')) return path;
  return pathComponents(path)
    .map((name) => Buffer.from(name).toString('latin1'))
    .join('/');
}

/** Copies from one tree to another, as a copy within one is done: whole under its name, or not at all. */
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { parentPath, parseWirePath, type WirePath } from '../../protocol/wire-path.ts';
import { randomId } from '../base/random-id.ts';
import { quotedPath } from './file-errors.ts';
import type { FileTree, RelocateOptions, WritableTree } from './file-tree.ts';

interface Source {
  readonly tree: FileTree;
  readonly path: WirePath;
}

interface Target {
  readonly tree: WritableTree;
  readonly path: WirePath;
}

/** True where it replaced something. @throws `exists` */
export async function copyAcross(
  from: Source,
  to: Target,
  options: RelocateOptions & { readonly flat?: boolean },
): Promise<boolean> {
  const { replace, signal } = options;
  const source = await from.tree.stat(from.path, signal);
  const present = await whatIsAt(to, signal);
  if (present !== undefined && !replace) throw new NethoodError('exists', `${quotedPath(to.path)} exists already.`);
  if (source.kind === 'file' && present?.kind !== 'folder') {
    await copyFile(from, to, { fresh: !replace, signal });
    return present !== undefined;
  }
  const beside = { ...to, path: besideOf(to.path) };
  try {
    if (source.kind === 'file') await copyFile(from, beside, { fresh: true, signal });
    else await copyFolder(from, beside, options);
    return await to.tree.move(beside.path, to.path, { replace, signal });
  } catch (error) {
    // The signal may be why: what is half there goes all the same. Where even that fails, the first fault is the one to tell.
    await to.tree.remove(beside.path, AbortSignal.timeout(cleanUpMs)).catch(() => undefined);
    throw error;
  }
}

const cleanUpMs = 15_000;

async function whatIsAt({ tree, path }: Target, signal: AbortSignal): Promise<PeerEntry | undefined> {
  try {
    return await tree.stat(path, signal);
  } catch (error) {
    if (hasCode(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Our own names of files in the making are for files alone; this one tells people what it is. */
function besideOf(path: WirePath): WirePath {
  const parent = parentPath(path);
  const name = `copying-${randomId().slice(0, 8)}`;
  return parseWirePath(parent === '' ? name : `${parent}/${name}`);
}

async function copyFile(
  from: Source,
  to: Target,
  { fresh, signal }: { readonly fresh: boolean; readonly signal: AbortSignal },
): Promise<void> {
  const { stream, size, modified } = await from.tree.read(from.path, { signal });
  try {
    await to.tree.write(to.path, { body: stream, size, modified, fresh, signal });
  } finally {
    stream.destroy();
  }
}

async function copyFolder(
  from: Source,
  to: Target,
  { flat, signal }: { readonly flat?: boolean; readonly signal: AbortSignal },
): Promise<void> {
  await to.tree.mkdir(to.path, signal);
  if (flat === true) return;
  for (let cursor: string | undefined; ;) {
    const page = await from.tree.walk(from.path, cursor, signal);
    for (const entry of page.entries) await copyEntry(entry, from, to, signal);
    if (page.cursor === undefined) return;
    cursor = page.cursor;
  }
}

/** Folders come before what they hold. */
async function copyEntry({ path, kind }: PeerEntry, from: Source, to: Target, signal: AbortSignal): Promise<void> {
  const target = { ...to, path: parseWirePath(`${to.path}/${path}`) };
  if (kind === 'folder') await to.tree.mkdir(target.path, signal);
  else await copyFile({ ...from, path: below(from.path, path) }, target, { fresh: true, signal });
}

function below(folder: WirePath, path: WirePath): WirePath {
  return folder === '' ? path : parseWirePath(`${folder}/${path}`);
}

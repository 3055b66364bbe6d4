/** What a put sends: a file or a folder that the user named, read as neighbours read a share, links and all. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, resolve } from 'node:path';
import { NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { childPath, rootPath, type WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import { readError } from './file-errors.ts';
import { guardOf } from './guarded-folder.ts';
import { HeldWalkers } from './held-walkers.ts';
import { LocalTree } from './local-tree.ts';

export interface PutSource extends Disposable {
  /** The folder that is sent, or the one that holds the file. */
  readonly tree: LocalTree;
  readonly path: WirePath;
  readonly entry: PeerEntry;
  /** As the user calls it, who may have named it by a link. */
  readonly name: Buffer;
}

/** @throws `usage` (not absolute), `not-found`, `not-a-file`, `not-permitted` */
export async function openSource(path: string, clock: Clock, signal: AbortSignal): Promise<PutSource> {
  if (!isAbsolute(path)) throw new NethoodError('usage', `"${path}" is not an absolute path.`);
  const { real, folder } = await lookedAt(path);
  const root = folder ? real : dirname(real);
  const held = new HeldWalkers(clock);
  try {
    const own = { root: () => Promise.resolve(Buffer.from(root)), label: `"${root}"`, asker: 'owner' };
    const tree = new LocalTree({ ...own, held, guard: guardOf(process.platform) });
    const inTree = folder ? rootPath : childPath(rootPath, Buffer.from(basename(real)));
    const entry = await tree.stat(inTree, signal);
    const name = Buffer.from(basename(resolve(path)) || basename(real));
    if (name.length === 0) throw new NethoodError('usage', `"${path}" has no name to be put under.`);
    return { tree, path: inTree, entry, name, [Symbol.dispose]: () => held[Symbol.dispose]() };
  } catch (error) {
    held[Symbol.dispose]();
    throw error;
  }
}

async function lookedAt(path: string): Promise<{ real: string; folder: boolean }> {
  try {
    const real = await realpath(path);
    const found = await stat(real);
    if (found.isFile() || found.isDirectory()) return { real, folder: found.isDirectory() };
  } catch (error) {
    throw readError(error, `"${path}"`);
  }
  throw new NethoodError('not-a-file', `"${path}" is neither a file nor a folder.`);
}

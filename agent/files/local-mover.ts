/**
 * Moves, copies and removes in a share on this disk. What goes, goes first from its name, at once, and then from the
 * disk; a copy is made whole under a name that nobody lists before it gets its own.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, mkdir, rename, unlink } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { hasErrno } from './file-errors.ts';
import type { RelocateOptions } from './file-tree.ts';
import { copyFile, copyFolder, type CopyDeps } from './local-copy.ts';
import { install, type Spot, takenBy, thingAt } from './local-spot.ts';
import { removeTree } from './remove-tree.ts';
import { checkNew, hiddenBeside } from './share-changes.ts';

export class LocalMover {
  readonly #deps: CopyDeps;

  constructor(deps: CopyDeps) {
    this.#deps = deps;
  }

  async move(from: WirePath, to: WirePath, options: RelocateOptions): Promise<boolean> {
    checkApart(from, to);
    const { spots } = this.#deps;
    try {
      return await spots.hold(from, (source) => spots.hold(to, (target) => this.#rename(source, target, options)));
    } catch (error) {
      if (!hasErrno((error as Error).cause, 'EXDEV')) throw error;
      // Another disk is mounted inside of the share.
      const replaced = await this.copy(from, to, options);
      await this.remove(from, options.signal);
      return replaced;
    }
  }

  async copy(from: WirePath, to: WirePath, options: RelocateOptions & { readonly flat?: boolean }): Promise<boolean> {
    checkApart(from, to);
    const { spots, tree, changes } = this.#deps;
    const { kind, size } = await tree.stat(from, options.signal);
    return spots.hold(to, async (target) => {
      await this.#allow(target, await takenBy(target), { replace: options.replace });
      using claim = await changes.room.claim(target.folder, size, options.signal);
      const name = await hiddenBeside(target, changes);
      try {
        const part = target.folder.at(name);
        if (kind === 'file') await copyFile(this.#deps, { from, part, target, claim }, options.signal);
        else await mkdir(part, 0o755);
        if (kind === 'folder' && options.flat !== true)
          await copyFolder(this.#deps, { from, target, name, claim }, options.signal);
        const replaced = await this.#place(name, target, options);
        claim.settle(0);
        return replaced;
      } catch (error) {
        await this.#discard(target, name);
        throw error;
      }
    });
  }

  async remove(path: WirePath, signal: AbortSignal): Promise<void> {
    const { spots, changes } = this.#deps;
    await spots.hold(path, async (spot) => {
      const aside = await hiddenBeside(spot, changes);
      await changes.naming.run(signal, async () => {
        await thingAt(spot);
        await rename(spot.at, spot.folder.at(aside));
      });
      changes.room.forget();
      await spot.folder.sync();
      try {
        await this.#discard(spot, aside);
      } catch (error) {
        // What may not be removed is shown again, rather than hidden from those who could mend it.
        await changes.naming.run(signal, async () => {
          if ((await takenBy(spot)) === undefined) await rename(spot.folder.at(aside), spot.at);
        });
        throw error;
      }
    });
  }

  async #rename(from: Spot, to: Spot, { replace, signal }: RelocateOptions): Promise<boolean> {
    const { changes } = this.#deps;
    const aside = await hiddenBeside(to, changes);
    const there = await changes.naming.run(signal, async () => {
      const thing = await thingAt(from);
      const seen = await takenBy(to);
      // `a.txt` may be `A.txt` itself, where the system does not tell them apart.
      const itself = seen !== undefined && isItself(seen, thing);
      if (itself) await rename(from.at, to.at);
      else await this.#allow(to, seen, { replace, leaving: leftBy(from, to) });
      if (!itself) await install(from.at, to, { from: thing, there: seen, aside });
      await changes.twins.added(to.folder, to.name);
      if (seen !== undefined) changes.room.forget();
      return itself ? undefined : seen;
    });
    await to.folder.sync();
    await from.folder.sync();
    await this.#discard(to, aside);
    return there !== undefined;
  }

  /** Gives what was made ready beside its place its name. True where it replaced something. */
  async #place(ready: Buffer, to: Spot, { replace, signal }: RelocateOptions): Promise<boolean> {
    const { changes } = this.#deps;
    const aside = await hiddenBeside(to, changes);
    const there = await changes.naming.run(signal, async () => {
      const seen = await takenBy(to);
      await this.#allow(to, seen, { replace });
      const thing = await lstat(to.folder.at(ready), { bigint: true });
      await install(to.folder.at(ready), to, { from: thing, there: seen, aside });
      await changes.twins.added(to.folder, to.name);
      if (seen !== undefined) changes.room.forget();
      return seen;
    });
    await to.folder.sync();
    await this.#discard(to, aside);
    return there !== undefined;
  }

  async #allow(
    to: Spot,
    there: BigIntStats | undefined,
    { replace, leaving }: { replace: boolean; leaving?: Buffer | undefined },
  ): Promise<void> {
    if (there === undefined) await checkNew(to, this.#deps.changes, leaving);
    else if (!replace) throw new NethoodError('exists', `${to.what} is there already.`);
  }

  /** Takes from the disk what lies beside the spot under a hidden name, if anything. */
  async #discard(spot: Spot, name: Buffer): Promise<void> {
    const { spots } = this.#deps;
    const path = spot.folder.at(name);
    try {
      if (!(await lstat(path)).isDirectory()) return await unlink(path);
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return;
      throw error;
    }
    await removeTree([...spot.components.slice(0, -1), name], (components) => spots.open(components));
  }
}

/** Not a second name of it: renamed to that, the first would stay. */
function isItself(seen: BigIntStats, thing: BigIntStats): boolean {
  return seen.ino === thing.ino && seen.dev === thing.dev && (thing.isDirectory() || thing.nlink === 1n);
}

/** The name that will be free in the folder of `to`. */
function leftBy(from: Spot, to: Spot): Buffer | undefined {
  const [source, target] = [from.components.slice(0, -1), to.components.slice(0, -1)];
  const same =
    source.length === target.length && source.every((name, at) => Buffer.from(name).equals(target[at] ?? name));
  return same ? from.name : undefined;
}

/** @throws `not-permitted` where one is, or lies within, the other */
function checkApart(from: WirePath, to: WirePath): void {
  if (from !== to && !to.startsWith(`${from}/`) && !from.startsWith(`${to}/`) && from !== '' && to !== '') return;
  throw new NethoodError('not-permitted', 'Nothing can take the place of itself, or of what it lies in or holds.');
}

/** A place in a share where something is changed: its parent folder held open, so that no link can lead elsewhere. */
import type { BigIntStats } from 'node:fs';
import { rename } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import { pathComponents, type WirePath } from '../../protocol/wire-path.ts';
import { errnoOf, quotedPath, readError, writeError } from './file-errors.ts';
import { type Guard, type GuardedFolder, openGuarded } from './guarded-folder.ts';
import { lookAt } from './new-name.ts';
import { isPartName } from './part-name.ts';
import { namedAnew } from './publish.ts';

export interface Spot {
  readonly folder: GuardedFolder;
  readonly name: Buffer;
  readonly at: Buffer;
  /** From the share's root, the name included. */
  readonly components: readonly Uint8Array[];
  /** For messages. */
  readonly what: string;
}

export interface SpotsDeps {
  /** The share's true folder now. @throws `unavailable` */
  readonly root: () => Promise<Buffer>;
  /** For messages: `the share "Public"`. */
  readonly label: string;
  readonly guard: Guard;
}

export class Spots {
  readonly #deps: SpotsDeps;

  constructor(deps: SpotsDeps) {
    this.#deps = deps;
  }

  /** @throws `not-permitted` for the root, `not-found` where the parent is no folder, and what `act` meets */
  async hold<T>(path: WirePath, act: (spot: Spot) => Promise<T>): Promise<T> {
    const components = pathComponents(path);
    const what = path === '' ? this.#deps.label : `${quotedPath(path)} in ${this.#deps.label}`;
    const last = components.at(-1);
    if (last === undefined) throw new NethoodError('not-permitted', `${what} itself stays as it is.`);
    const root = await this.#deps.root();
    const folder = await openGuarded(root, components.slice(0, -1), this.#deps.guard).catch((error: unknown) => {
      throw readError(error, `folder for ${what}`);
    });
    try {
      const name = Buffer.from(last);
      return await act({ folder, name, at: folder.at(name), components, what });
    } catch (error) {
      // Nobody wants it any more: no answer of the file system.
      if (error instanceof Error && error.name === 'AbortError') throw error;
      throw writeError(error, what);
    } finally {
      folder.close();
    }
  }

  /** A folder of the share, by components that are ours too; the caller closes it. */
  async open(components: readonly Uint8Array[]): Promise<GuardedFolder> {
    return openGuarded(await this.#deps.root(), components, this.#deps.guard);
  }
}

/** What is there: a file or a folder, or nothing. @throws `exists` where a link or something special is in the way, `not-permitted` */
export async function takenBy({ at, folder, name, what }: Spot): Promise<BigIntStats | undefined> {
  if (isPartName(name.toString('latin1')))
    throw new NethoodError('not-permitted', `${what} is a name that nethood keeps for itself.`);
  const stat = await lookAt(at);
  await folder.check();
  if (stat !== undefined && !stat.isFile() && !stat.isDirectory())
    throw new NethoodError('exists', `Something that is neither file nor folder is called ${what}.`);
  return stat;
}

/** What is there and may be seen. @throws `not-found`, for links and what is being received too */
export async function thingAt({ at, folder, name, what }: Spot): Promise<BigIntStats> {
  const stat = isPartName(name.toString('latin1')) ? undefined : await lookAt(at);
  await folder.check();
  if (stat === undefined || (!stat.isFile() && !stat.isDirectory()))
    throw new NethoodError('not-found', `There is no ${what}.`);
  return stat;
}

/**
 * Gives what lies ready at `from`, on the same disk, the name of the spot. What is there, where something is, makes
 * room under the name `aside`; only a file in place of a file needs no such moment.
 */
export async function install(
  from: Buffer,
  spot: Spot,
  seen: { readonly from: BigIntStats; readonly there: BigIntStats | undefined; readonly aside?: Buffer },
): Promise<void> {
  if (seen.there === undefined) {
    if (!seen.from.isFile()) await rename(from, spot.at);
    else if (!(await namedAnew(from, spot.at)))
      throw new NethoodError('exists', `Something is called ${spot.what} now.`);
    return;
  }
  if (seen.aside === undefined || (seen.from.isFile() && seen.there.isFile())) return rename(from, spot.at);
  await rename(spot.at, spot.folder.at(seen.aside));
  try {
    await rename(from, spot.at);
  } catch (error) {
    await rename(spot.folder.at(seen.aside), spot.at);
    throw error;
  }
}

/** A part names itself by its place among our descriptors, which says nothing to those who asked. */
export function partError(error: unknown, what: string): unknown {
  const cause = error instanceof NethoodError ? error.cause : undefined;
  return errnoOf(cause) === undefined ? error : writeError(cause, what);
}

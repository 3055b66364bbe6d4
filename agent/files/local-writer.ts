/**
 * Writes files into a share on this disk. A file comes into being beside its place, under a name that nobody lists, and
 * gets its own when it is whole and safe. `local-mover.ts` has the other changes.
 */
import type { BigIntStats } from 'node:fs';
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import { pathFromComponents, type WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type { WriteOptions, WrittenFile } from './file-tree.ts';
import { etagOf } from './file-version.ts';
import { install, partError, type Spot, type Spots, takenBy, thingAt } from './local-spot.ts';
import { PartFile } from './part-file.ts';
import { pourBody } from './pour-body.ts';
import { closeQuietly, fstatFd, futimesFd, openFd, openFlags, timeForSystem } from './raw-files.ts';
import { checkNew, hiddenBeside, type ShareChanges } from './share-changes.ts';
import type { RoomClaim } from './share-room.ts';
import { entryOf } from './tree-walker.ts';

export interface LocalWriterDeps {
  readonly spots: Spots;
  readonly clock: Clock;
  readonly changes: ShareChanges;
}

/** What a file will hold when it is whole. */
export interface FileBody {
  readonly body: Readable;
  readonly size?: number | undefined;
  readonly modified?: number | undefined;
  /** What it is to replace. */
  readonly there?: BigIntStats | undefined;
  /** Where its bytes find room. */
  readonly claim: RoomClaim;
  readonly signal: AbortSignal;
}

export interface WriteConditions {
  readonly ifMatch?: string | undefined;
  readonly fresh?: boolean | undefined;
}

export class LocalWriter {
  readonly #deps: LocalWriterDeps;

  constructor(deps: LocalWriterDeps) {
    this.#deps = deps;
  }

  async write(path: WirePath, options: WriteOptions): Promise<WrittenFile> {
    const { spots, changes } = this.#deps;
    return spots.hold(path, async (spot) => {
      const there = await this.target(spot, options);
      using claim = await changes.room.claim(spot.folder, options.size, options.signal);
      const part = spot.folder.at(await hiddenBeside(spot, changes));
      try {
        await this.receive(part, spot, { ...options, there, claim });
        const written = await this.give(part, spot, options);
        claim.settle(Number(there?.size ?? 0));
        return written;
      } catch (error) {
        await unlink(part).catch(() => undefined); // It was never made, or has its name; `error` is told in any case.
        throw error;
      }
    });
  }

  async mkdir(path: WirePath, signal: AbortSignal): Promise<void> {
    const { spots, changes } = this.#deps;
    await spots.hold(path, async (spot) => {
      await changes.naming.run(signal, async () => {
        const there = await takenBy(spot);
        if (there !== undefined) throw taken(spot);
        await checkNew(spot, changes);
        await mkdir(spot.at, 0o755);
        await changes.twins.added(spot.folder, spot.name);
      });
      await spot.folder.sync();
    });
  }

  async setModified(path: WirePath, modified: number, signal: AbortSignal): Promise<void> {
    const { spots, changes } = this.#deps;
    await spots.hold(path, (spot) =>
      changes.naming.run(signal, async () => {
        const thing = await thingAt(spot);
        const fd = await openFd(spot.at, thing.isDirectory() ? openFlags.folder : openFlags.read);
        try {
          const { ino, dev } = await fstatFd(fd, { bigint: true });
          if (ino !== thing.ino || dev !== thing.dev)
            throw new NethoodError('changed', `${spot.what} changed just now.`);
          await futimesFd(fd, timeForSystem(modified), timeForSystem(modified));
        } finally {
          await closeQuietly(fd);
        }
      }),
    );
  }

  /** The file that one of this name would replace. @throws `changed`, `exists`, `not-a-file`, `not-permitted`, `bad-path` */
  async target(spot: Spot, conditions: WriteConditions): Promise<BigIntStats | undefined> {
    const there = await takenBy(spot);
    checkConditions(spot, there, conditions);
    if (there === undefined) await checkNew(spot, this.#deps.changes);
    return there;
  }

  /** Makes the whole file at `part`, safe on the disk. */
  async receive(part: Buffer, spot: Spot, source: FileBody): Promise<void> {
    const { body, size, modified, there, claim, signal } = source;
    try {
      await using file = await PartFile.create(part);
      await spot.folder.check();
      await chmod(part, await modeFor(part, there));
      await pourBody(body, file, { size, signal, what: spot.what, taking: claim.taking });
      await file.finish(modified ?? Math.floor(this.#deps.clock.wall()));
    } catch (error) {
      throw partError(error, spot.what);
    }
  }

  /** Gives a whole part that lies beside its place its name. @throws as `target` */
  async give(part: Buffer, spot: Spot, options: WriteConditions & { signal: AbortSignal }): Promise<WrittenFile> {
    const { changes } = this.#deps;
    const written = await changes.naming.run(options.signal, async () => {
      const there = await this.target(spot, options);
      await install(part, spot, { from: await lstat(part, { bigint: true }), there });
      await changes.twins.added(spot.folder, spot.name);
      const stat = await lstat(spot.at, { bigint: true });
      const entry = entryOf(pathFromComponents(spot.components), stat);
      return { entry, etag: etagOf(stat), created: there === undefined };
    });
    await spot.folder.sync();
    return written;
  }
}

function checkConditions(spot: Spot, there: BigIntStats | undefined, { ifMatch, fresh }: WriteConditions): void {
  if (there?.isDirectory() === true) {
    if (fresh === true) throw taken(spot);
    throw new NethoodError('not-a-file', `${spot.what} is a folder.`);
  }
  if (there !== undefined && fresh === true) throw taken(spot);
  if (ifMatch === undefined) return;
  if (there === undefined || (ifMatch !== '*' && ifMatch !== etagOf(there)))
    throw new NethoodError('changed', `${spot.what} is no longer the version that was to be replaced.`);
}

/** Nobody may run what a neighbour wrote, and who could not read the file that is replaced cannot read the new one. */
export async function modeFor(part: Buffer, there: BigIntStats | undefined): Promise<number> {
  return there === undefined ? (await lstat(part)).mode & 0o644 : Number(there.mode) & 0o666;
}

function taken({ what }: Spot): NethoodError {
  return new NethoodError('exists', `${what} is there already.`);
}

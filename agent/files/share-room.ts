/**
 * How much may be written into a share: its quota (bytes of all its files, where one is set, as a listing tells them: what
 * has holes would take its whole size elsewhere), and what must stay free on its disk for its owner, where holes take nothing. Bytes are claimed before they are taken, so that many writers together keep the bounds.
 */
import { statfs } from 'node:fs/promises';
import { NethoodError } from '../../protocol/errors.ts';
import { rootPath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import { readError } from './file-errors.ts';
import type { FileTree } from './file-tree.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import { Slots } from './slots.ts';

interface RoomLimits {
  /** Bytes; undefined where there is no bound. */
  readonly quota: number | undefined;
  /** Bytes. */
  readonly reserve: number;
}

export interface ShareRoomDeps {
  readonly limits: () => RoomLimits;
  /** Bytes of all files of the share now. */
  readonly measure: (signal: AbortSignal) => Promise<number>;
  /** For messages: `the share "Public"`. */
  readonly label: string;
  readonly clock: Clock;
}

/** Of a small disk no more than this part is kept free. */
const mostReserved = 20;
/** What was measured is believed, with our own changes to it, so long; or so long where it would mean a refusal. */
const believedMs = 10 * 60_000;
const believedForRefusalMs = 5_000;
const usualGrowth = 64 << 20;

export class ShareRoom {
  readonly #deps: ShareRoomDeps;
  #measured: { bytes: number; readonly at: number } | undefined;
  #claimed = 0;
  readonly #measuring = new Slots(1);

  constructor(deps: ShareRoomDeps) {
    this.#deps = deps;
  }

  /**
   * Room for a file of that size, where it is known, in a folder of the share, until it is disposed. @throws `no-space`, `too-large`
   * @param onDisk bytes that it will take there: holes take none, nor what is there already
   */
  async claim(
    folder: GuardedFolder,
    size: number | undefined,
    signal: AbortSignal,
    onDisk: number = size ?? 0,
  ): Promise<RoomClaim> {
    const bytes = size ?? 0;
    await this.checkDisk(folder, onDisk);
    if (this.#deps.limits().quota !== undefined) {
      await this.#measure(believedMs, signal);
      // What grows cannot wait for a walk through the share when it meets the bound.
      if (this.#over(size ?? usualGrowth)) await this.#measure(believedForRefusalMs, signal);
    }
    const claim = new RoomClaim(this, folder);
    claim.grow(bytes);
    return claim;
  }

  /** @throws `no-space` */
  async checkDisk(folder: GuardedFolder, bytes: number): Promise<void> {
    const { label, limits } = this.#deps;
    const { bavail, blocks, bsize } = await statfs(folder.path).catch((error: unknown) => {
      throw readError(error, label);
    });
    const reserve = Math.min(limits().reserve, (blocks * bsize) / mostReserved);
    if (bavail * bsize - bytes < reserve)
      throw new NethoodError('no-space', `The disk of ${label} has too little room.`);
  }

  /** @throws `too-large` */
  take(bytes: number): void {
    if (this.#over(bytes))
      throw new NethoodError('too-large', `More does not fit into ${this.#deps.label}: its owner has set a quota.`);
    this.#claimed += bytes;
  }

  /** Claimed bytes are no longer wanted, or are files now, in place of others. */
  settle(claimed: number, { files, replaced }: { files: number; replaced: number }): void {
    this.#claimed -= claimed;
    if (this.#measured !== undefined) this.#measured.bytes += files - replaced;
  }

  /** Something went, and nobody knows how much. */
  forget(): void {
    this.#measured = undefined;
  }

  #over(bytes: number): boolean {
    const { quota } = this.#deps.limits();
    return quota !== undefined && (this.#measured?.bytes ?? 0) + this.#claimed + bytes > quota;
  }

  #measure(believed: number, signal: AbortSignal): Promise<void> {
    const { clock, measure } = this.#deps;
    return this.#measuring.run(signal, async () => {
      if (this.#measured !== undefined && clock.now() - this.#measured.at < believed) return;
      this.#measured = { bytes: await measure(signal), at: clock.now() };
    });
  }
}

/** Bytes between two looks at the disk, which others fill too. */
const lookEvery = 64 << 20;

export class RoomClaim implements Disposable {
  readonly #room: ShareRoom;
  readonly #folder: GuardedFolder;
  #claimed = 0;
  #taken = 0;
  #looked = 0;
  #full: unknown;
  #settled = false;

  constructor(room: ShareRoom, folder: GuardedFolder) {
    this.#room = room;
    this.#folder = folder;
  }

  grow(bytes: number): void {
    this.#room.take(bytes);
    this.#claimed += bytes;
  }

  /** Before bytes are written. @throws `no-space`, `too-large` */
  readonly taking = (bytes: number): void => {
    if (this.#full !== undefined) throw this.#full as Error;
    this.#taken += bytes;
    if (this.#taken > this.#claimed) this.grow(this.#taken - this.#claimed);
    if (this.#taken - this.#looked >= lookEvery) this.#look();
  };

  /** What was written has its name, in place of files of so many bytes. */
  settle(replaced: number): void {
    this.#settled = true;
    this.#room.settle(this.#claimed, { files: this.#taken, replaced });
  }

  [Symbol.dispose](): void {
    if (!this.#settled) this.#room.settle(this.#claimed, { files: 0, replaced: 0 });
    this.#settled = true;
  }

  #look(): void {
    this.#looked = this.#taken;
    this.#room.checkDisk(this.#folder, 0).catch((error: unknown) => {
      this.#full = error;
    });
  }
}

/** Of all files that the tree shows. */
export async function bytesIn(tree: FileTree, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  let cursor: string | undefined;
  do {
    const page = await tree.walk(rootPath, cursor, signal);
    for (const { size } of page.entries) bytes += size;
    cursor = page.cursor;
  } while (cursor !== undefined);
  return bytes;
}

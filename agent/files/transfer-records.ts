/**
 * What must outlive the agent for a transfer to be resumed: one small file for each partial file, and one for each
 * folder that is being fetched, in `state/transfers/`. Saved before what they tell of is made, so that nothing lies
 * about on a user's disk that no record knows; a day later both are removed. Beside the record of a partial file is
 * its `DigestLog`.
 */
import { mkdir, readdir, readFile, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { writeFileDurable } from '../base/write-file-durable.ts';
import { hasErrno, writeError } from './file-errors.ts';
import { type LocalPath, pathFromText, shownPath } from './local-path.ts';
import { isPartName } from './part-name.ts';
import { removeStaging } from './staging.ts';

const keptMs = 24 * 60 * 60 * 1000;
const keyPattern = /^[0-9a-f]{64}$/;

/** A path as base64 of its bytes. */
const PathText = z.base64().min(1).max(16_384);
const Size = z.int().min(0);

const PartRecord = z.object({
  kind: z.literal('part'),
  path: PathText,
  /** Version at the neighbour. */
  etag: z.string().max(300),
  size: Size,
  modified: z.int(),
  /** Of the part file (`identityOf`), so that no other file is taken for it; empty until it is made. */
  identity: z.string().max(128),
  updated: z.int(),
});
export type PartRecord = z.infer<typeof PartRecord>;

const FolderRecord = z.object({
  kind: z.literal('folder'),
  /** Where the folder goes: decided once, for as long as it can be resumed. */
  folder: PathText,
  /** Empty for the root of a disk. */
  name: PathText.or(z.literal('')),
  /** The folder of partial files beside it. */
  staging: PathText,
  updated: z.int(),
});
export type FolderRecord = z.infer<typeof FolderRecord>;

const PutRecord = z.object({
  kind: z.literal('put'),
  /** Where in the neighbour's share the folder goes: decided once, as above. */
  path: WirePath,
  updated: z.int(),
});

const UploadRecord = z.object({
  kind: z.literal('upload'),
  /** The part of what a neighbour puts into a share of ours. */
  path: PathText,
  /** As that of a `part`. */
  identity: z.string().max(128),
  updated: z.int(),
});

const TransferRecord = z.discriminatedUnion('kind', [PartRecord, FolderRecord, PutRecord, UploadRecord]);
type TransferRecord = z.infer<typeof TransferRecord>;
type Unsaved<T> = T extends unknown ? Omit<T, 'updated'> : never;

interface RemoveOptions {
  readonly inUse?: (key: string) => boolean;
  /** Nobody goes on with them. */
  readonly folders?: boolean;
}

export class TransferRecords {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(folder: string, clock: Clock, log: Log) {
    this.#folder = folder;
    this.#clock = clock;
    this.#log = log;
  }

  async part(key: string): Promise<PartRecord | undefined> {
    const record = await this.#load(key);
    return record?.kind === 'part' ? record : undefined;
  }

  async folder(key: string): Promise<FolderRecord | undefined> {
    const record = await this.#load(key);
    return record?.kind === 'folder' ? record : undefined;
  }

  /** The identity of the part of an upload. */
  async uploadIdentity(key: string): Promise<string | undefined> {
    const record = await this.#load(key);
    return record?.kind === 'upload' ? record.identity : undefined;
  }

  /** Where a folder that is being put goes. */
  async putPath(key: string): Promise<WirePath | undefined> {
    const record = await this.#load(key);
    return record?.kind === 'put' ? record.path : undefined;
  }

  async save(key: string, record: Unsaved<TransferRecord>): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFileDurable(this.#file(key), JSON.stringify({ ...record, updated: this.#clock.wall() }));
    } catch (error) {
      throw writeError(error, "the transfer's record");
    }
  }

  async remove(key: string): Promise<void> {
    await rm(this.#file(key), { force: true });
    await rm(this.digestsOf(key), { force: true });
  }

  /** Where the `DigestLog` of a partial file is. */
  digestsOf(key: string): string {
    return join(this.#folder, `${key}.digests`);
  }

  /** Removes what nobody resumed within a day: partial files, then their records. With `folders` these too, however old. */
  async removeOld({ inUse, folders = false }: RemoveOptions = {}): Promise<void> {
    const names = await readdir(this.#folder).catch(noneYet);
    for (const name of names) {
      const key = name.replace(/\.(json|digests)$/, '');
      if (!keyPattern.test(key) || inUse?.(key) === true) continue;
      const record = await this.#load(key);
      if (this.#isOfUse(record, folders)) continue;
      await this.#removeRemains(record);
      await this.remove(key);
    }
  }

  #isOfUse(record: TransferRecord | undefined, notFolders: boolean): boolean {
    if (record === undefined || (notFolders && record.kind === 'folder')) return false;
    return this.#clock.wall() - record.updated < keptMs;
  }

  async #removeRemains(record: TransferRecord | undefined): Promise<void> {
    if (record === undefined || record.kind === 'put') return;
    const path = pathFromText(record.kind === 'folder' ? record.staging : record.path);
    try {
      if (record.kind === 'folder') await removeStaging(path, () => false);
      else await removePart(path);
    } catch (error) {
      // The disk may be unplugged: it is not worth a second try, nor a failed start.
      this.#log.warn({ path: shownPath(path), error: String(error) }, 'an old partial file could not be removed');
    }
  }

  async #load(key: string): Promise<TransferRecord | undefined> {
    try {
      return TransferRecord.parse(JSON.parse(await readFile(this.#file(key), 'utf8')));
    } catch (error) {
      // Without a usable record the transfer begins anew, which is always right.
      if (!hasErrno(error, 'ENOENT')) this.#log.warn({ key, error: String(error) }, 'a transfer record is unreadable');
      return undefined;
    }
  }

  #file(key: string): string {
    return join(this.#folder, `${key}.json`);
  }
}

/** Only what bears the name of a partial file, or lies in a folder of that name, is removed. */
export async function removePart(path: LocalPath): Promise<void> {
  const names = path.toString('latin1').split(/[/\\]/).slice(-2);
  if (names.some((name) => isPartName(name))) await unlink(path).catch(ignoreMissing);
}

function noneYet(error: unknown): string[] {
  if (hasErrno(error, 'ENOENT')) return [];
  throw error;
}

function ignoreMissing(error: unknown): void {
  if (!hasErrno(error, 'ENOENT')) throw error;
}

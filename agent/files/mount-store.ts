/** Drives that were mounted, and the names of their folders, on disk: readable by nobody else, for who reads it has them. */
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { DeviceId, DisplayName, ShareId, ShareName } from '../../protocol/ids.ts';
import type { Log } from '../base/log.ts';
import { writeFileDurable } from '../base/write-file-durable.ts';
import { GivenName } from './drive-names.ts';

const Folder = z.string().min(1).max(255);

export const Mount = z.object({
  /** 128 random bits in base32. */
  secret: z.string().regex(/^[a-z2-7]{26}$/),
  /** Null: all of them. `name` as it was called then, for people; `folder` in the drive. */
  neighbour: z.object({ id: DeviceId, name: DisplayName, folder: Folder }).nullable(),
  share: z.object({ id: ShareId, name: ShareName, folder: Folder }).nullable(),
  /** Milliseconds since 1970. */
  created: z.int(),
});
export type Mount = z.infer<typeof Mount>;

export const mostMounts = 200;
const MountsFile = z.object({
  version: z.literal(1),
  mounts: z.array(Mount).max(mostMounts),
  names: z.array(GivenName).max(10_000),
});
type Kept = Omit<z.infer<typeof MountsFile>, 'version'>;

export class MountStore {
  readonly #path: string;
  readonly #log: Log;
  #kept: Kept;
  #saved: Promise<void> = Promise.resolve();

  private constructor(path: string, kept: Kept, log: Log) {
    this.#path = path;
    this.#kept = kept;
    this.#log = log;
  }

  /** A file that cannot be understood is put aside, and said in the log; the agent serves without. */
  static async open(stateFolder: string, log: Log): Promise<MountStore> {
    const path = join(stateFolder, 'mounts.json');
    return new MountStore(path, await read(path, log), log);
  }

  get mounts(): readonly Mount[] {
    return this.#kept.mounts;
  }

  get given(): readonly GivenName[] {
    return this.#kept.names;
  }

  /** Kept when it is on disk. */
  async change(mounts: readonly Mount[]): Promise<void> {
    this.#kept = { ...this.#kept, mounts: [...mounts] };
    await this.#save();
  }

  /** Names of the folders of a drive; written down where they are new. */
  give(names: readonly GivenName[]): void {
    const before = this.#kept.names;
    if (names.length === before.length && names.every((each, at) => each === before[at])) return;
    this.#kept = { ...this.#kept, names: [...names] };
    // They are in force all the same, and written again with the next change.
    this.#save().catch((error: unknown) => this.#log.warn({ error: String(error) }, 'names are not kept'));
  }

  /** Until all is on disk that was given before. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#saved;
  }

  /** One after the other, each with what counts then. */
  #save(): Promise<void> {
    const save = (): Promise<void> =>
      writeFileDurable(this.#path, `${JSON.stringify({ version: 1, ...this.#kept }, undefined, 2)}\n`);
    const saved = this.#saved.then(save, save);
    // Whoever asked hears of it; the next one tries anew.
    this.#saved = saved.catch(() => undefined);
    return saved;
  }
}

async function read(path: string, log: Log): Promise<Kept> {
  try {
    return MountsFile.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { mounts: [], names: [] };
    // What exactly is wrong would quote the file, secrets included.
    log.error(
      { path, fault: error instanceof Error ? error.name : '' },
      'The list of mounted drives cannot be read; it is put aside.',
    );
    await rename(path, `${path}.broken`);
    return { mounts: [], names: [] };
  }
}

/**
 * Where in our shares names that nobody lists were given while something was changed. A killed agent leaves there a
 * part of a file, half a copy, or what was to be removed: a day after its last change it goes. The folders are noted
 * in `state/` before anything is made in them, at most twice a day each, so that nothing has to be searched for.
 */
import { lstat, opendir, unlink } from 'node:fs/promises';
import type { BigIntStats, Dir } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { hasCode } from '../../protocol/errors.ts';
import { ShareId } from '../../protocol/ids.ts';
import { pathComponents, pathFromComponents, WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import { Journal } from '../base/journal.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import { hasErrno } from './file-errors.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import type { Spots } from './local-spot.ts';
import { isPartName } from './part-name.ts';
import { removeTree } from './remove-tree.ts';
import { Slots } from './slots.ts';

const dayMs = 24 * 60 * 60_000;
const noteAgainMs = dayMs / 2;
const cleanEveryMs = 60 * 60_000;
/** Folders remembered; of more, those noted first are let go. */
const mostNotes = 20_000;

const Note = z.object({ share: ShareId, path: WirePath, at: z.number() });
type Note = z.infer<typeof Note>;

export interface LeftoversDeps {
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class Leftovers implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #journal: Journal;
  readonly #scope = new Scope();
  /** In the order of their times. */
  readonly #notes = new Map<string, Note>();
  /** Records in the journal, old ones of the same folders too. */
  #written: number;
  /** What is appended while the journal is rewritten would be lost. */
  readonly #writing = new Slots(1);
  #timer: Disposable | undefined;

  private constructor({ clock, log }: LeftoversDeps, journal: Journal, records: readonly unknown[]) {
    this.#clock = clock;
    this.#log = log;
    this.#journal = this.#scope.use(journal);
    this.#written = records.length;
    for (const record of records) {
      const note = Note.safeParse(record);
      if (note.success) this.#set(note.data);
    }
  }

  static async open(deps: LeftoversDeps): Promise<Leftovers> {
    const { journal, records } = await Journal.open(join(deps.stateFolder, 'changed-folders.jsonl'));
    return new Leftovers(deps, journal, records);
  }

  /** Looks now and every hour. @param spotsOf a share that is there still */
  begin(spotsOf: (share: ShareId) => Spots | undefined): void {
    this.#scope.run(
      (signal) => this.clean(spotsOf, signal),
      (error) => this.#log.error({ error: String(error) }, 'what was left in shares could not be removed'),
    );
    this.#timer = this.#clock.timer(cleanEveryMs, () => this.begin(spotsOf));
  }

  /** To be awaited before something without a name is made in the folder. */
  async note(share: ShareId, folder: readonly Uint8Array[]): Promise<void> {
    const note = { share, path: pathFromComponents(folder), at: this.#clock.wall() };
    const known = this.#notes.get(keyOf(note));
    if (known !== undefined && Math.abs(note.at - known.at) < noteAgainMs) return;
    this.#set(note);
    await this.#writing.run(this.#scope.signal, () => {
      this.#written++;
      return this.#journal.append(note);
    });
  }

  async clean(spotsOf: (share: ShareId) => Spots | undefined, signal: AbortSignal): Promise<void> {
    const now = this.#clock.wall();
    for (const note of Array.from(this.#notes.values())) {
      signal.throwIfAborted();
      if (Math.abs(now - note.at) < dayMs) continue;
      const spots = spotsOf(note.share);
      const left = spots === undefined ? false : await this.#sweep(note, spots);
      if (!left && this.#notes.get(keyOf(note)) === note) this.#notes.delete(keyOf(note));
    }
    if (this.#written <= 2 * this.#notes.size + 100) return;
    await this.#writing.run(signal, async () => {
      const notes = Array.from(this.#notes.values());
      await this.#journal.rewrite(notes);
      this.#written = notes.length;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#scope[Symbol.asyncDispose]();
  }

  #set(note: Note): void {
    this.#notes.delete(keyOf(note));
    this.#notes.set(keyOf(note), note);
    const [oldest] = this.#notes.keys();
    if (this.#notes.size > mostNotes && oldest !== undefined) this.#notes.delete(oldest);
  }

  /** Whether something is left to be looked at again. */
  async #sweep({ path }: Note, spots: Spots): Promise<boolean> {
    try {
      const components = pathComponents(path);
      const folder = await spots.open(components);
      try {
        return await sweepFolder({ folder, components, spots, olderThan: this.#clock.wall() - dayMs });
      } finally {
        folder.close();
      }
    } catch (error) {
      if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) return false;
      if (!hasCode(error, 'unavailable')) this.#log.warn({ error: String(error) }, 'a folder could not be cleaned');
      return true;
    }
  }
}

interface Swept {
  readonly folder: GuardedFolder;
  readonly components: readonly Uint8Array[];
  readonly spots: Spots;
  /** Milliseconds since 1970. */
  readonly olderThan: number;
}

async function sweepFolder({ folder, components, spots, olderThan }: Swept): Promise<boolean> {
  let left = false;
  for (const name of await hiddenIn(folder)) {
    const stat = await lstat(folder.at(name), { bigint: true });
    if (!isOurs(stat)) continue;
    if (Math.max(Number(stat.mtimeMs), Number(stat.ctimeMs)) > olderThan) left = true;
    else if (stat.isDirectory()) await removeTree([...components, name], (below) => spots.open(below));
    else await unlink(folder.at(name));
  }
  await folder.check();
  return left;
}

async function hiddenIn(folder: GuardedFolder): Promise<Buffer[]> {
  // The types know utf8 only; the file system knows bytes.
  const dir: Dir = await opendir(folder.path, { encoding: 'latin1', bufferSize: 1000 });
  const names: Buffer[] = [];
  for await (const { name } of dir) if (isPartName(name)) names.push(Buffer.from(name, 'latin1'));
  return names;
}

/** Windows has no numbers of users, and no folder that is open to all by default. */
function isOurs(stat: BigIntStats): boolean {
  const uid = process.getuid?.();
  return (stat.isFile() || stat.isDirectory()) && (uid === undefined || stat.uid === BigInt(uid));
}

function keyOf({ share, path }: Note): string {
  return `${share}/${path}`;
}

/**
 * The names in one folder in order of their bytes, whatever their number: a window of them is held, and the folder is
 * gone through again for the next one. So no listing costs more memory than a window, none keeps the folder open, and
 * each can go on after any name.
 */
import type { LargeFolders } from './large-folders.ts';
import { type NameWindow, WindowPicker } from './name-window.ts';
import { closeDir, openDir, readInto } from './open-dir.ts';

/** Folders with more are shared among those who list them at the same time. */
const smallFolder = 5_000;

export class FolderNames {
  readonly #window: NameWindow;
  #bucket = 0;
  #at = 0;

  private constructor(window: NameWindow) {
    this.#window = window;
  }

  /** Those after a name, or all. @throws errno of the system */
  static async read(
    path: Buffer,
    after: string | undefined,
    { large, signal }: { large: LargeFolders; signal: AbortSignal },
  ): Promise<FolderNames> {
    const dir = await openDir(path);
    const picker = new WindowPicker(after);
    let whole: boolean;
    try {
      whole = await readInto(picker, dir, { most: smallFolder, signal });
    } catch (error) {
      await closeDir(dir);
      throw error;
    }
    if (!whole) return new FolderNames(await large.window({ path, after, dir, picker }, signal));
    await dir.close();
    return new FolderNames(picker.window());
  }

  /** Whether names come after those of this window. */
  get more(): boolean {
    return !this.#window.complete;
  }

  /** Bytes held in memory. */
  get held(): number {
    return this.#window.bytes;
  }

  /** The next ones of this window; empty at its end. */
  next(count: number): string[] {
    const taken: string[] = [];
    for (;;) {
      const bucket = this.#window.bucket(this.#bucket);
      if (bucket === undefined) return taken;
      const names = bucket.slice(this.#at, this.#at + count - taken.length);
      taken.push(...names);
      this.#at += names.length;
      if (taken.length === count) return taken;
      this.#bucket++;
      this.#at = 0;
    }
  }
}

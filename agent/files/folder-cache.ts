import type { WirePath } from '../../protocol/wire-path.ts';
import type { GuardedFolder } from './guarded-folder.ts';

const kept = 16;

interface Cached {
  readonly folder: Promise<GuardedFolder>;
  users: number;
}

/** Folders held open while many files of them are read: checking a folder once serves all that is in it. */
export class FolderCache implements AsyncDisposable {
  readonly #open: (path: WirePath) => Promise<GuardedFolder>;
  /** In order of their last use. */
  readonly #cached = new Map<WirePath, Cached>();

  constructor(open: (path: WirePath) => Promise<GuardedFolder>) {
    this.#open = open;
  }

  async use<T>(path: WirePath, act: (folder: GuardedFolder) => Promise<T>): Promise<T> {
    const cached = this.#cached.get(path) ?? { folder: this.#open(path), users: 0 };
    this.#cached.delete(path);
    this.#cached.set(path, cached);
    cached.users++;
    try {
      return await act(await cached.folder);
    } finally {
      cached.users--;
      await this.#trim(kept);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trim(0);
  }

  async #trim(size: number): Promise<void> {
    for (const [path, { folder, users }] of this.#cached) {
      if (this.#cached.size <= size) return;
      if (users > 0) continue;
      this.#cached.delete(path);
      // Where it could not be opened, its users were told, and there is nothing to close.
      await folder.then((opened) => opened.close()).catch(() => undefined);
    }
  }
}

/** A folder that is held open, so that new names in it are made to survive a power cut again and again at little cost. */
import { open, type FileHandle } from 'node:fs/promises';

export class SyncedFolder implements AsyncDisposable {
  /** Undefined on Windows, which cannot open folders and needs no such call. */
  readonly #handle: FileHandle | undefined;
  /** The sync that is under way, and the one that begins after it for all who came meanwhile. */
  #syncing: Promise<unknown> = Promise.resolve();
  #next: Promise<void> | undefined;

  private constructor(handle: FileHandle | undefined) {
    this.#handle = handle;
  }

  static async open(path: string): Promise<SyncedFolder> {
    return new SyncedFolder(process.platform === 'win32' ? undefined : await open(path, 'r'));
  }

  /** Of all names that are there now. A sync that began before may have missed the newest. */
  sync(): Promise<void> {
    this.#next ??= this.#syncing.then(() => {
      this.#next = undefined;
      const sync = this.#handle?.sync() ?? Promise.resolve();
      this.#syncing = sync.catch(() => undefined); // Told to those who wait for it.
      return sync;
    });
    return this.#next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#next?.catch(() => undefined); // Told to those who wait for it.
    await this.#syncing;
    await this.#handle?.close();
  }
}

import { type FSWatcher, watch } from 'node:fs';
import { NethoodError } from '../../protocol/errors.ts';
import { hasErrno, readError } from './file-errors.ts';
import { isPartName } from './part-name.ts';

export interface EyeOwner {
  changed(): void;
  /** It sees nothing any more. */
  failed(): void;
}

/** Sees that something in a folder changes (inotify and its like). What is being received does not count until it has its name. */
export class FolderEye implements Disposable {
  readonly #watcher: FSWatcher;

  /** @param path is only needed now: the folder itself is watched from then on. @throws `busy` where the system's limit is reached */
  constructor(path: Buffer, owner: EyeOwner) {
    try {
      this.#watcher = watch(path, { persistent: false, encoding: 'buffer' }, (_event, name) => {
        if (name === null || !isPartName(name.toString('latin1'))) owner.changed();
      });
    } catch (error) {
      // ENOSPC is inotify's word for it; it has nothing to do with a disk.
      if (hasErrno(error, 'ENOSPC', 'EMFILE', 'ENFILE'))
        throw new NethoodError('busy', 'This PC can watch no more folders at the moment.', { cause: error });
      throw readError(error, 'the folder');
    }
    this.#watcher.on('error', () => owner.failed());
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }
}

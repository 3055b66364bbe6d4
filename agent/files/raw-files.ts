/**
 * Calls on plain file descriptors, as promises. Files by the thousand are opened and closed here, and a FileHandle
 * costs several times as much. Whoever opens a descriptor closes it in a `finally`.
 */
import { close, closeSync, constants, fdatasync, fstat, fsync, ftruncate, futimes, open, read, write } from 'node:fs';
import type { PathLike } from 'node:fs';
import { promisify } from 'node:util';

export const openFd: (path: PathLike, flags: number, mode?: number) => Promise<number> = promisify(open);
const closeFd = promisify(close);
export const fstatFd = promisify(fstat);
export const readFd = promisify(read);
export const writeFd = promisify(write);
export const futimesFd = promisify(futimes);
export const fsyncFd = promisify(fsync);
export const fdatasyncFd = promisify(fdatasync);
export const ftruncateFd = promisify(ftruncate);

/** Windows has neither of the two, and Node leaves the constants away. */
const noFollow = (constants as { O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0;
const nonBlock = (constants as { O_NONBLOCK?: number }).O_NONBLOCK ?? 0;
const directory = (constants as { O_DIRECTORY?: number }).O_DIRECTORY ?? 0;

export const openFlags = {
  /** Never through a link, and never waiting for the other end of a FIFO: four of those stop every file of the process. */
  read: constants.O_RDONLY | noFollow | nonBlock,
  folder: constants.O_RDONLY | directory | noFollow | nonBlock,
  /** To be taken away from the others for a folder that the user named, who may name it by a link. */
  noFollow,
  /** A file that must not be there yet. */
  create: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow,
  /** A file of ours that may be there, to be gone on with. */
  log: constants.O_WRONLY | constants.O_CREAT | noFollow,
  /** A file of ours that is there. */
  write: constants.O_WRONLY | noFollow,
} as const;

/**
 * `modified` in whole milliseconds as utimes wants it. Node takes seconds as a double and the system cuts it to
 * microseconds: half a microsecond more, or 0.123 s would come out as 0.122999. Negative numbers would mean "now".
 */
export function timeForSystem(modified: number): number | Date {
  return modified >= 0 ? (modified + 0.0005) / 1000 : new Date(modified);
}

/** For a descriptor that was only read, or just synced: there is nothing to wait for, and a trip to the thread pool costs more than the call. */
export function closeAtOnce(fd: number): void {
  closeSync(fd);
}

export async function closeQuietly(fd: number): Promise<void> {
  // The descriptor is gone even where close reports an error; what was written is judged by fsync, not by close.
  await closeFd(fd).catch(() => undefined);
}

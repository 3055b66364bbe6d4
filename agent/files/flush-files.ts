/**
 * Makes the bytes of many files safe. One fdatasync after the other is a wait for the disk each; one syncfs(2) for all
 * of them, which Node lacks and `sync -f` has, is a wait or two (512 files of 4 KiB: 20-60 ms for 300-900).
 */
import { execFile } from 'node:child_process';
import { fdatasyncSync, statfsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { LocalPath } from './local-path.ts';
import { fdatasyncFd } from './raw-files.ts';

/** Where syncfs is known to reach the disk: ext2 to ext4, XFS, Btrfs, F2FS (linux/magic.h). */
const flushedWhole: ReadonlySet<number> = new Set([0xef53, 0x58465342, 0x9123683e, 0xf2f52010]);
/** In memory there is nothing to wait for: tmpfs, ramfs. */
const inMemory: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);
/** For fewer a process of its own costs more than it saves. */
const fewest = 16;

const run = promisify(execFile);

/** Gives the errors of those that are not safe. @param folder in which they are, on one file system */
export async function flushFiles(fds: readonly number[], folder: LocalPath): Promise<Map<number, unknown>> {
  const errors = new Map<number, unknown>();
  const type = typeOf(folder);
  if (inMemory.has(type)) return flushedInTurn(fds, errors);
  const [first] = fds;
  if (first === undefined || (flushedWhole.has(type) && fds.length >= fewest && (await isFlushed(first))))
    return errors;
  const flush = (fd: number): Promise<unknown> => fdatasyncFd(fd).catch((error: unknown) => errors.set(fd, error));
  await Promise.all(fds.map(flush));
  return errors;
}

function flushedInTurn(fds: readonly number[], errors: Map<number, unknown>): Map<number, unknown> {
  for (const fd of fds) {
    try {
      fdatasyncSync(fd);
    } catch (error) {
      errors.set(fd, error);
    }
  }
  return errors;
}

/** 0 where it cannot be told: each file is flushed then. */
function typeOf(folder: LocalPath): number {
  try {
    return process.platform === 'linux' ? statfsSync(folder).type : 0;
  } catch {
    return 0;
  }
}

/** False where the program is missing or failed: each file is flushed then, and tells what is wrong with it. */
async function isFlushed(fd: number): Promise<boolean> {
  // By number, as a name need not be text that an argument can hold.
  return run('sync', ['-f', `/proc/${process.pid}/fd/${fd}`]).then(
    () => true,
    () => false,
  );
}

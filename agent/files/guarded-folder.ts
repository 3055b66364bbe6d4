/**
 * Opens folders of a share so that nothing outside of it can be reached, whatever links say and whoever swaps them
 * while we look. Node has no openat; on Linux an opened folder is asked for its true path (`/proc/self/fd/<n>`) and
 * what is in it is reached through the descriptor. Elsewhere its true path is asked for before and after.
 */
import { existsSync } from 'node:fs';
import { lstat, readlink, realpath } from 'node:fs/promises';
import { sep } from 'node:path';
import { isSafeName } from './local-name.ts';
import { closeAtOnce, fsyncFd, openFd, openFlags } from './raw-files.ts';

/** How a folder is held; `descriptor` needs /proc. */
export type Guard = 'descriptor' | 'look-twice';

export function guardOf(platform: NodeJS.Platform): Guard {
  return platform === 'linux' && existsSync('/proc/self/fd') ? 'descriptor' : 'look-twice';
}

export interface GuardedFolder {
  /** The path of something in it; only the last component can be a link. */
  at(name: Uint8Array): Buffer;
  /** Of the folder itself. */
  readonly path: Buffer;
  /** To be called after something in it was opened or looked at. @throws ELOOP when it is no longer the same folder */
  check(): Promise<void>;
  /** What was named, renamed or removed in it survives a power cut. Windows has no such call, and needs none on NTFS. */
  sync(): Promise<void>;
  close(): void;
}

const separator = Buffer.from(sep);

/** @throws errno of the system; ELOOP where a link is in the way */
export async function openGuarded(
  root: Buffer,
  components: readonly Uint8Array[],
  guard: Guard,
): Promise<GuardedFolder> {
  if (!components.every((name) => isSafeName(name, process.platform))) throw elsewhere();
  const path = joined(root, components);
  return guard === 'descriptor' ? heldByDescriptor(path) : lookedAtTwice(path);
}

async function heldByDescriptor(path: Buffer): Promise<GuardedFolder> {
  const fd = await openFd(path, openFlags.folder);
  const self = `/proc/self/fd/${fd}`;
  try {
    if (!(await readlink(self, { encoding: 'buffer' })).equals(path)) throw elsewhere();
  } catch (error) {
    closeAtOnce(fd);
    throw error;
  }
  const prefix = Buffer.from(`${self}/`);
  return {
    at: (name) => Buffer.concat([prefix, checkedName(name)]),
    path: prefix,
    check: () => Promise.resolve(),
    sync: () => fsyncFd(fd),
    close: () => closeAtOnce(fd),
  };
}

async function lookedAtTwice(path: Buffer): Promise<GuardedFolder> {
  const before = await identity(path);
  return {
    at: (name) => joined(path, [name]),
    path,
    check: async () => {
      if ((await identity(path)) !== before) throw elsewhere();
    },
    sync: () => syncByPath(path),
    close: () => undefined,
  };
}

async function syncByPath(path: Buffer): Promise<void> {
  if (process.platform === 'win32') return;
  const fd = await openFd(path, openFlags.folder);
  try {
    await fsyncFd(fd);
  } finally {
    closeAtOnce(fd);
  }
}

/** Device and inode of a folder that no link leads to. */
async function identity(path: Buffer): Promise<string> {
  const stat = await lstat(path, { bigint: true });
  if (!stat.isDirectory()) throw stat.isSymbolicLink() ? elsewhere() : notAFolder();
  if (!(await realpath(path, { encoding: 'buffer' })).equals(path)) throw elsewhere();
  return `${stat.dev}:${stat.ino}`;
}

export function joined(root: Buffer, components: readonly Uint8Array[]): Buffer {
  // The root of a disk (`/`, `D:\\`) ends with one, and the system names what is in it with one alone.
  const parts: Uint8Array[] = root.at(-1) === separator[0] ? [root.subarray(0, -1)] : [root];
  for (const name of components) parts.push(separator, checkedName(name));
  return components.length === 0 ? root : Buffer.concat(parts);
}

/** Wire paths are checked where they are parsed; once more here, where a mistake would be a way out of the share. */
export function checkedName(name: Uint8Array): Uint8Array {
  if (!isSafeName(name, process.platform)) throw elsewhere();
  return name;
}

/** As the system itself says it where a link is in the way. */
export function elsewhere(): NodeJS.ErrnoException {
  return Object.assign(new Error('a link is in the way'), { code: 'ELOOP' });
}

export function notAFolder(): NodeJS.ErrnoException {
  return Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
}

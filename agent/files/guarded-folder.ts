/**
 * Opens folders of a share so that nothing outside of it can be reached, whatever links say and whoever swaps them
 * while we look. Node has no openat; on Linux an opened folder is asked for its true path (`/proc/self/fd/<n>`) and
 * what is in it is reached through the descriptor. Elsewhere every component is looked at before and after.
 */
import { existsSync } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { isSafeName } from './local-name.ts';
import { closeQuietly, openFd, openFlags } from './raw-files.ts';

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
  close(): Promise<void>;
}

const slash = Buffer.from('/');

/** @throws errno of the system; ELOOP where a link is in the way */
export async function openGuarded(
  root: Buffer,
  components: readonly Uint8Array[],
  guard: Guard,
): Promise<GuardedFolder> {
  if (!components.every((name) => isSafeName(name, process.platform))) throw elsewhere();
  const path = joined(root, components);
  return guard === 'descriptor' ? heldByDescriptor(path) : lookedAtTwice(root, components, path);
}

async function heldByDescriptor(path: Buffer): Promise<GuardedFolder> {
  const fd = await openFd(path, openFlags.folder);
  const self = `/proc/self/fd/${fd}`;
  try {
    if (!(await readlink(self, { encoding: 'buffer' })).equals(path)) throw elsewhere();
  } catch (error) {
    await closeQuietly(fd);
    throw error;
  }
  const prefix = Buffer.from(`${self}/`);
  return {
    at: (name) => Buffer.concat([prefix, checkedName(name)]),
    path: prefix,
    check: () => Promise.resolve(),
    close: () => closeQuietly(fd),
  };
}

async function lookedAtTwice(root: Buffer, components: readonly Uint8Array[], path: Buffer): Promise<GuardedFolder> {
  const before = await identities(root, components);
  return {
    at: (name) => joined(path, [name]),
    path,
    check: async () => {
      const after = await identities(root, components);
      if (after.some((identity, index) => identity !== before[index])) throw elsewhere();
    },
    close: () => Promise.resolve(),
  };
}

/** Device and inode of each folder on the way; none of them may be a link. */
async function identities(root: Buffer, components: readonly Uint8Array[]): Promise<string[]> {
  const found: string[] = [];
  for (let depth = 0; depth <= components.length; depth++) {
    const stat = await lstat(joined(root, components.slice(0, depth)), { bigint: true });
    if (!stat.isDirectory()) throw stat.isSymbolicLink() ? elsewhere() : notAFolder();
    found.push(`${stat.dev}:${stat.ino}`);
  }
  return found;
}

function joined(root: Buffer, components: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = [root];
  for (const name of components) parts.push(slash, checkedName(name));
  return Buffer.concat(parts);
}

/** Wire paths are checked where they are parsed; once more here, where a mistake would be a way out of the share. */
function checkedName(name: Uint8Array): Uint8Array {
  if (!isSafeName(name, process.platform)) throw elsewhere();
  return name;
}

/** As the system itself says it where a link is in the way. */
function elsewhere(): NodeJS.ErrnoException {
  return Object.assign(new Error('a link is in the way'), { code: 'ELOOP' });
}

function notAFolder(): NodeJS.ErrnoException {
  return Object.assign(new Error('not a folder'), { code: 'ENOTDIR' });
}

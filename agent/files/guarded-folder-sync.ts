/** As `guarded-folder`, for a thread that makes its calls directly. The rules are the same, and the tests of both. */
import { closeSync, lstatSync, openSync, readlinkSync, realpathSync } from 'node:fs';
import { checkedName, elsewhere, type Guard, joined, notAFolder } from './guarded-folder.ts';
import { openFlags } from './raw-files.ts';

export interface GuardedFolderSync {
  /** The path of something in it; only the last component can be a link. */
  at(name: Uint8Array): Buffer;
  /** Of the folder itself. */
  readonly path: Buffer;
  /** To be called after something in it was opened or looked at. @throws ELOOP when it is no longer the same folder */
  check(): void;
  close(): void;
}

/** @throws errno of the system; ELOOP where a link is in the way */
export function openGuardedSync(root: Buffer, components: readonly Uint8Array[], guard: Guard): GuardedFolderSync {
  const path = joined(root, components);
  return guard === 'descriptor' ? heldByDescriptor(path) : lookedAtTwice(path);
}

function heldByDescriptor(path: Buffer): GuardedFolderSync {
  const fd = openSync(path, openFlags.folder);
  const self = `/proc/self/fd/${fd}`;
  try {
    if (!readlinkSync(self, { encoding: 'buffer' }).equals(path)) throw elsewhere();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const prefix = Buffer.from(`${self}/`);
  return {
    at: (name) => Buffer.concat([prefix, checkedName(name)]),
    path: prefix,
    check: () => undefined,
    close: () => closeSync(fd),
  };
}

function lookedAtTwice(path: Buffer): GuardedFolderSync {
  const before = identity(path);
  return {
    at: (name) => joined(path, [name]),
    path,
    check: () => {
      if (identity(path) !== before) throw elsewhere();
    },
    close: () => undefined,
  };
}

/** Device and inode of a folder that no link leads to. */
function identity(path: Buffer): string {
  const stat = lstatSync(path, { bigint: true });
  if (!stat.isDirectory()) throw stat.isSymbolicLink() ? elsewhere() : notAFolder();
  if (!realpathSync(path, { encoding: 'buffer' }).equals(path)) throw elsewhere();
  return `${stat.dev}:${stat.ino}`;
}

import type { BigIntStats } from 'node:fs';

/**
 * The version of a file as a strong ETag (RFC 9110 8.8.3): size, both times in nanoseconds, inode. The change time
 * (ctime) is in it because a program can set the modification time back, but never that one.
 */
export function etagOf(stat: BigIntStats): string {
  return `"${[stat.size, stat.mtimeNs, stat.ctimeNs, stat.ino].map((part) => part.toString(36)).join('.')}"`;
}

/** Milliseconds since 1970, whole, rounded down before 1970 too. */
export function modifiedOf(stat: BigIntStats): number {
  const milliseconds = stat.mtimeNs / 1_000_000n;
  return Number(stat.mtimeNs % 1_000_000n < 0n ? milliseconds - 1n : milliseconds);
}

/** Tells one file from every other of its disk: an inode alone is given again to the next file that is made. */
export function identityOf({ dev, ino, birthtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}

/** SHA-256 of whole files: what is not moved, because it is at both ends already, is told by that and by nothing less. */
import { createHash } from 'node:crypto';
import { hasErrno } from './file-errors.ts';
import { openFd, openFlags, readFd, closeQuietly } from './raw-files.ts';
import type { LocalPath } from './local-path.ts';

const pieceBytes = 1 << 20;

/** In hex. @param read puts the next bytes into the buffer, and says how many; 0 at the end */
export async function contentDigest(read: (buffer: Buffer) => Promise<number>, size: number): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(pieceBytes, size)));
  for (let bytes = await read(buffer); bytes > 0; bytes = await read(buffer)) hash.update(buffer.subarray(0, bytes));
  return hash.digest('hex');
}

/** Of a file of ours. @throws errno of the system, the signal's reason */
export async function localDigest(path: LocalPath, size: number, signal: AbortSignal): Promise<string> {
  const fd = await openFd(path, openFlags.read);
  try {
    return await contentDigest(async (buffer) => {
      signal.throwIfAborted();
      return (await readFd(fd, buffer, 0, buffer.length, null)).bytesRead;
    }, size);
  } finally {
    await closeQuietly(fd);
  }
}

/** Of two files of ours, both so long. One that is gone is like no other. */
export async function sameContent(
  one: LocalPath,
  other: LocalPath,
  size: number,
  signal: AbortSignal,
): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((path) => digestOrNone(path, size, signal)));
  return first !== undefined && first === second;
}

export async function isContent(path: LocalPath, content: Buffer, signal: AbortSignal): Promise<boolean> {
  return (await digestOrNone(path, content.length, signal)) === createHash('sha256').update(content).digest('hex');
}

function digestOrNone(path: LocalPath, size: number, signal: AbortSignal): Promise<string | undefined> {
  return localDigest(path, size, signal).catch((error: unknown) => {
    if (!hasErrno(error, 'ENOENT')) throw error;
    return undefined;
  });
}

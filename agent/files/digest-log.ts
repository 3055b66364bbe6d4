/**
 * What a partial file holds, as digests of its blocks in the order of their places: appended while blocks are written, so
 * that after whatever end the part can be read again and kept as far as it is what was received. It is never synced:
 * what a power cut tears, in the log or in the part, is found by comparing.
 */
import { NethoodError } from '../../protocol/errors.ts';
import { blockBytes, digestBytes, digestOf } from './block-digest.ts';
import { readError, hasErrno } from './file-errors.ts';
import { type LocalPath, shownPath } from './local-path.ts';
import { identityOf } from './file-version.ts';
import { closeQuietly, fstatFd, openFd, openFlags, readFd, ftruncateFd, writeFd } from './raw-files.ts';

const mode = 0o600;
/** Of a file of 64 TiB. */
const longestLog = 256 << 20;

export class DigestLog implements AsyncDisposable {
  readonly #fd: number;
  /** Of the first block that is not in the file yet. */
  #next: number;
  /** By block, those that were written out of order or while the log was. */
  readonly #pending = new Map<number, number>();
  #writing: Promise<void> | undefined;
  #broken = false;

  private constructor(fd: number, next: number) {
    this.#fd = fd;
    this.#next = next;
  }

  /** @param blocks that are known already; what else is in it is cut off. @throws errno of the system */
  static async open(path: string, blocks: number): Promise<DigestLog> {
    const fd = await openFd(path, openFlags.log, mode);
    try {
      await ftruncateFd(fd, blocks * digestBytes);
      return new DigestLog(fd, blocks);
    } catch (error) {
      await closeQuietly(fd);
      throw error;
    }
  }

  /** The block is being written into its file. In any order. */
  add(block: number, digest: number): void {
    this.#pending.set(block, digest);
    this.#writing ??= this.#append().finally(() => (this.#writing = undefined));
  }

  /** Kept when all that can be written is. */
  async settle(): Promise<void> {
    await this.#writing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle();
    await closeQuietly(this.#fd);
  }

  async #append(): Promise<void> {
    for (let bytes = this.#take(); bytes.length > 0 && !this.#broken; bytes = this.#take()) {
      const position = this.#next * digestBytes - bytes.length;
      // Without a log less can be resumed, which is no harm: the file itself is not touched by it.
      const { bytesWritten } = await writeFd(this.#fd, bytes, 0, bytes.length, position).catch(() => ({
        bytesWritten: 0,
      }));
      this.#broken = bytesWritten < bytes.length;
    }
  }

  #take(): Buffer {
    const digests: number[] = [];
    for (let digest = this.#pending.get(this.#next); digest !== undefined; digest = this.#pending.get(this.#next)) {
      this.#pending.delete(this.#next++);
      digests.push(digest);
    }
    const bytes = Buffer.allocUnsafe(digests.length * digestBytes);
    for (const [at, digest] of digests.entries()) bytes.writeUInt32BE(digest, at * digestBytes);
    return bytes;
  }
}

export interface LoggedPart {
  readonly path: LocalPath;
  /** Of `identityOf`. */
  readonly identity: string;
  readonly log: string;
  /** Bytes of the whole file. */
  readonly size: number;
}

/** How far a part holds what its log says: whole blocks, or the whole file. @throws what the disk says, the signal's reason */
export async function verifiedLength(part: LoggedPart, signal: AbortSignal): Promise<number> {
  try {
    const digests = await digestsIn(part.log);
    const fd = await openFd(part.path, openFlags.read);
    try {
      if (identityOf(await fstatFd(fd, { bigint: true })) !== part.identity) return 0;
      return await goodPrefix(fd, { digests, size: part.size }, signal);
    } finally {
      await closeQuietly(fd);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (hasErrno(error, 'ENOENT', 'ELOOP')) return 0;
    throw readError(error, shownPath(part.path));
  }
}

async function digestsIn(path: string): Promise<Buffer> {
  const fd = await openFd(path, openFlags.read);
  try {
    const { size } = await fstatFd(fd);
    if (size > longestLog) throw new NethoodError('internal', `${path} is too long to be what it should.`);
    const { bytesRead, buffer } = await readFd(fd, Buffer.alloc(size), 0, size, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await closeQuietly(fd);
  }
}

async function goodPrefix(
  fd: number,
  { digests, size }: { digests: Buffer; size: number },
  signal: AbortSignal,
): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(blockBytes);
  let length = 0;
  for (let at = 0; at + digestBytes <= digests.length && length < size; at += digestBytes) {
    signal.throwIfAborted();
    const block = buffer.subarray(0, Math.min(blockBytes, size - length));
    // A hole at the end of a sparse file is written last, by its length.
    block.fill(0, await bytesAt(fd, block, length));
    if (digestOf(block) !== digests.readUInt32BE(at)) break;
    length += block.length;
  }
  return length;
}

async function bytesAt(fd: number, block: Buffer, position: number): Promise<number> {
  let length = 0;
  while (length < block.length) {
    const { bytesRead } = await readFd(fd, block, length, block.length - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}

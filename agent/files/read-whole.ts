/** Reads a file whole and of one version, or says that it changed. Calls directly: for a thread of its own. */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { modifiedOf } from './file-version.ts';
import { openFlags } from './raw-files.ts';
import { allocatedBy, isSparseAlone } from './sparse.ts';

export interface WholeFile {
  readonly fd: number;
  readonly size: number;
  /** Milliseconds since 1970, whole. */
  readonly modified: number;
  /** With holes that are lost where it goes among others. */
  readonly sparse: boolean;
  readonly stat: Stats;
}

/** The caller closes it. @throws errno of the system; ENODEV where it is no ordinary file */
export function openWhole(path: Buffer): WholeFile {
  const fd = openSync(path, openFlags.read);
  try {
    const stat = fstatSync(fd);
    if ((stat.mode & constants.S_IFMT) !== constants.S_IFREG)
      throw Object.assign(new Error('not an ordinary file'), { code: 'ENODEV' });
    const { size } = stat;
    const sparse = isSparseAlone({ size, allocated: allocatedBy(stat) });
    return { fd, size, modified: exactModified(fd, stat), sparse, stat };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** False where it is shorter, or changed meanwhile. */
export function readWhole({ fd, stat }: WholeFile, content: Buffer): boolean {
  for (let at = 0; at < content.length;) {
    const bytes = readSync(fd, content, at, content.length - at, at);
    if (bytes === 0) return false;
    at += bytes;
  }
  const { size, mtimeMs, ctimeMs } = fstatSync(fd);
  return size === stat.size && mtimeMs === stat.mtimeMs && ctimeMs === stat.ctimeMs;
}

/**
 * As `modifiedOf`, which wants the dearer look with integers. A double of milliseconds is right to a quarter of a
 * microsecond: only near a whole millisecond it cannot tell on which side the time is.
 */
function exactModified(fd: number, { mtimeMs }: Stats): number {
  const whole = Math.floor(mtimeMs);
  const rest = mtimeMs - whole;
  return rest > 0.0003 && rest < 0.999 ? whole : modifiedOf(fstatSync(fd, { bigint: true }));
}

/**
 * Files are digested by blocks of 1 MiB, counted from their beginning: what was read at one end is compared with what
 * is about to be written at the other, and what lies in a partial file with what was written. It guards against faults
 * of disks, memory and programs; the wire itself is TLS. CRC-32 finds all but one of four thousand million, and costs
 * the least processor time of what Node brings along.
 */
import { crc32 } from 'node:zlib';

export const blockBytes = 1 << 20;
/** Of a digest, wherever one is written. */
export const digestBytes = 4;

/** What file systems leave out of a file is a multiple of this. */
const page = 4096;
const zeros = Buffer.alloc(blockBytes);
const digestOfZeros = crc32(zeros);

export function digestOf(block: Buffer): number {
  return crc32(block);
}

/** @param length at most a block */
export function zeroDigest(length: number): number {
  return length === blockBytes ? digestOfZeros : crc32(zeros.subarray(0, length));
}

/** @param block at most a block */
export function isZero(block: Buffer): boolean {
  return block.equals(zeros.subarray(0, block.length));
}

/** What must be written of a block of a sparse file: the runs of pages that are not zero. */
export function* dataRuns(block: Buffer): Generator<{ start: number; end: number }, void> {
  let start: number | undefined;
  for (let at = 0; at < block.length; at += page) {
    const empty = isZero(block.subarray(at, at + page));
    if (!empty) start ??= at;
    else if (start !== undefined) {
      yield { start, end: at };
      start = undefined;
    }
  }
  if (start !== undefined) yield { start, end: block.length };
}

import { digestOf, isZero, zeroDigest } from './block-digest.ts';
import { headBytes, type SideLoad, writeHead } from './block-frames.ts';
import type { FilePieces } from './file-pieces.ts';

/** Says what a head tells of its sender, and whether blocks of zeros are heads alone. */
export interface BlockOptions {
  readonly sparse: boolean;
  readonly load: () => SideLoad;
}

/**
 * Puts the next block of a file with its head (`block-frames.ts`) into `buffer`, which has room for both; gives how many
 * bytes are to be sent, 0 at the end. Throws as the disk does, and `changed`.
 */
export async function nextBlock(pieces: FilePieces, buffer: Buffer, { sparse, load }: BlockOptions): Promise<number> {
  const { position } = pieces;
  const length = await wholeBlock(pieces, buffer.subarray(headBytes));
  if (length === 0) return 0;
  const block = buffer.subarray(headBytes, headBytes + length);
  const hole = sparse && isZero(block);
  const digest = hole ? zeroDigest(length) : digestOf(block);
  writeHead(buffer, { kind: hole ? 'hole' : 'data', position, length, digest, load: load() });
  return hole ? headBytes : headBytes + length;
}

/** A disk may give less than it was asked for. */
async function wholeBlock(pieces: FilePieces, block: Buffer): Promise<number> {
  let length = 0;
  while (length < block.length) {
    const bytes = await pieces.read(block.subarray(length));
    if (bytes === 0) break;
    length += bytes;
  }
  return length;
}

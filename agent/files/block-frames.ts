/**
 * A file on the wire as blocks, each with a head that tells its place and digest; a block of zeros of a sparse file is
 * a head alone. Heads also tell what their sender waits for, so that the receiver can say what the limit is.
 */
import { blockBytes } from './block-digest.ts';

export const blocksType = 'application/vnd.nethood.blocks';
export const headBytes = 20;
/** So much a head may leave out: what it costs to take one apart stays little beside its bytes. */
export const longestHole = 64 << 20;
/** Where holes cost nothing the size of a file does not either, but what is done for each of its blocks. */
export const largestSparse = 64 * 2 ** 40;

/** Percent of the last moments of one side of a transfer. */
export interface SideLoad {
  /** Waiting for its disk. */
  readonly disk: number;
  /** Waiting for the connection to take more. */
  readonly wire: number;
  /** Its processor at work, for all that it does. */
  readonly processor: number;
  /** Held back by a setting. */
  readonly setting: number;
}

export interface BlockHead {
  readonly kind: 'data' | 'hole';
  /** In the file: a multiple of a block. */
  readonly position: number;
  /** A whole block, unless it is the file's last; a hole may be several, up to `longestHole`. */
  readonly length: number;
  readonly digest: number;
  readonly load: SideLoad;
}

/** Bytes of a body that has no holes. */
export function framedLength({ start, end }: { start: number; end: number }): number {
  return end - start + Math.ceil((end - start) / blockBytes) * headBytes;
}

/** Into the first bytes of `buffer`. */
export function writeHead(buffer: Buffer, { kind, position, length, digest, load }: BlockHead): void {
  buffer[0] = kind === 'data' ? 0 : 1;
  buffer.set([load.disk, load.wire, load.processor, load.setting, 0], 1);
  buffer.writeUIntBE(position, 6, 6);
  buffer.writeUInt32BE(length, 12);
  buffer.writeUInt32BE(digest, 16);
}

/** Undefined for what can be no head. */
export function readHead(buffer: Buffer): BlockHead | undefined {
  const [kind, disk = 0, wire = 0, processor = 0, setting = 0] = buffer;
  const length = buffer.readUInt32BE(12);
  if (kind === undefined || kind > 1 || length === 0) return undefined;
  return {
    kind: kind === 0 ? 'data' : 'hole',
    position: buffer.readUIntBE(6, 6),
    length,
    digest: buffer.readUInt32BE(16),
    load: { disk, wire, processor, setting },
  };
}

/**
 * A folder with all below it as one stream (`application/vnd.nethood.tree`): frames, each folder before what it holds,
 * names in order of their bytes. A frame is a head, the raw bytes of one name, and the content of a file. Integers and
 * doubles are big-endian:
 *
 *     kind u8 | length of the name u8 | depth u32 | modified f64 (ms since 1970) | size f64 | CRC-32 of the content u32
 *
 * `depth` counts the folders of the stream that are above: 0 for what is in the folder asked for. So a frame belongs to
 * the folder seen last at one depth less. The last frame is `end`; a stream without it was cut off.
 */
import { NethoodError } from '../../protocol/errors.ts';

export const frameKinds = {
  /** Size: what was left out (links, special files, what cannot be read). Depth: 1 where all the rest was sent. */
  end: 0,
  folder: 1,
  /** With its content. */
  file: 2,
  /** Without: too large, changing, or not to be read. It is to be asked for by itself. */
  fileAlone: 3,
  /** Of all that comes: the size is of all files, the time is their number, the depth what of the size is holes. At most once, and only where it takes long. */
  totals: 4,
} as const;
type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

export const headBytes = 26;
/** Of holes, in `totals`. */
export const bytesOfDepth = 1 << 20;
/** Of a name, as its length is a byte. */
export const longestName = 255;

export interface FrameHead {
  readonly kind: FrameKind;
  readonly depth: number;
  readonly modified: number;
  readonly size: number;
  /** CRC-32 of the content of a file. */
  readonly digest?: number;
}

export interface Frame extends FrameHead {
  readonly name: Buffer;
  /** Empty unless it is a file; valid until the next one. */
  readonly content: Buffer;
}

/** Writes a head and the name; gives where the content begins. */
export function putHead(buffer: Buffer, at: number, head: FrameHead, name: Uint8Array): number {
  buffer[at] = head.kind;
  buffer[at + 1] = name.length;
  buffer.writeUInt32BE(head.depth, at + 2);
  buffer.writeDoubleBE(head.modified, at + 6);
  buffer.writeDoubleBE(head.size, at + 14);
  buffer.writeUInt32BE(head.digest ?? 0, at + 22);
  buffer.set(name, at + headBytes);
  return at + headBytes + name.length;
}

/** Frames out of bytes as they come. Only what is cut is copied: one frame at most, of at most `mostContent` bytes. */
export class FrameReader {
  readonly #mostContent: number;
  /** The beginning of a frame whose rest is still to come. */
  #cut = Buffer.allocUnsafeSlow(64 << 10);
  #cutBytes = 0;

  constructor(mostContent: number) {
    this.#mostContent = mostContent;
  }

  /** Those that are whole now; each is to be looked at before the next. @throws `bad-message` for anything that is no such stream */
  *add(bytes: Buffer): Generator<Frame, void> {
    let at = 0;
    while (at < bytes.length) {
      const end = this.#cutBytes === 0 ? this.#endOf(bytes, at, bytes.length) : Number.POSITIVE_INFINITY;
      if (end <= bytes.length) {
        yield frameOf(bytes, at, end);
        at = end;
        continue;
      }
      at += this.#keep(bytes, at);
      if (this.#cutBytes < this.#endOf(this.#cut, 0, this.#cutBytes)) continue;
      const length = this.#cutBytes;
      this.#cutBytes = 0;
      yield frameOf(this.#cut, 0, length);
    }
  }

  /** Adds what belongs to the cut frame, as far as that is known. Gives how much it was. */
  #keep(bytes: Buffer, at: number): number {
    const needed = this.#endOf(this.#cut, 0, this.#cutBytes);
    if (needed > this.#cut.length) this.#cut = Buffer.concat([this.#cut.subarray(0, this.#cutBytes)], needed);
    const copied = bytes.copy(this.#cut, this.#cutBytes, at, at + needed - this.#cutBytes);
    this.#cutBytes += copied;
    return copied;
  }

  /** Where the frame ends that begins here, or its head where that is not whole. */
  #endOf(all: Buffer, at: number, length: number): number {
    if (length - at < headBytes) return at + headBytes;
    const kind = all.readUInt8(at);
    const size = all.readDoubleBE(at + 14);
    const modified = all.readDoubleBE(at + 6);
    if (kind > frameKinds.totals || !Number.isSafeInteger(size) || size < 0 || !Number.isSafeInteger(modified))
      throw notOurs();
    const content = kind === frameKinds.file ? size : 0;
    if (content > this.#mostContent) throw notOurs();
    return at + headBytes + all.readUInt8(at + 1) + content;
  }
}

function frameOf(all: Buffer, at: number, end: number): Frame {
  const content = at + headBytes + all.readUInt8(at + 1);
  return {
    kind: all.readUInt8(at) as FrameKind,
    depth: all.readUInt32BE(at + 2),
    modified: all.readDoubleBE(at + 6),
    size: all.readDoubleBE(at + 14),
    digest: all.readUInt32BE(at + 22),
    name: all.subarray(at + headBytes, content),
    content: all.subarray(content, end),
  };
}

function notOurs(): NethoodError {
  return new NethoodError('bad-message', 'The neighbour sent a folder that cannot be read.');
}

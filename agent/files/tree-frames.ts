/**
 * A folder with all below it as one stream (`application/vnd.nethood.tree`): frames, each folder before what it holds,
 * names in order of their bytes. A frame is a head, the raw bytes of one name, and the content of a file. Integers and
 * doubles are big-endian:
 *
 *     kind u8 | length of the name u8 | depth u32 | modified f64 (ms since 1970) | size f64
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
} as const;
type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

export const headBytes = 22;
/** Of a name, as its length is a byte. */
export const longestName = 255;

export interface FrameHead {
  readonly kind: FrameKind;
  readonly depth: number;
  readonly modified: number;
  readonly size: number;
}

export interface Frame extends FrameHead {
  readonly name: Buffer;
  /** Empty unless it is a file; valid until the next bytes are added. */
  readonly content: Buffer;
}

/** Writes a head and the name; gives where the content begins. */
export function putHead(buffer: Buffer, at: number, head: FrameHead, name: Uint8Array): number {
  buffer[at] = head.kind;
  buffer[at + 1] = name.length;
  buffer.writeUInt32BE(head.depth, at + 2);
  buffer.writeDoubleBE(head.modified, at + 6);
  buffer.writeDoubleBE(head.size, at + 14);
  buffer.set(name, at + headBytes);
  return at + headBytes + name.length;
}

/** Frames out of bytes as they come. Holds one frame at most, which may have `mostContent` bytes. */
export class FrameReader {
  readonly #mostContent: number;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #needed = headBytes;

  constructor(mostContent: number) {
    this.#mostContent = mostContent;
  }

  /** Those that are whole now. @throws `bad-message` for anything that is no such stream */
  *add(bytes: Buffer): Generator<Frame, void> {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes < this.#needed) return;
    const all = this.#held.length === 1 ? bytes : Buffer.concat(this.#held, this.#heldBytes);
    let at = 0;
    for (let end = this.#endOf(all, at); end <= all.length; end = this.#endOf(all, at)) {
      yield frameOf(all, at, end);
      at = end;
    }
    this.#needed = this.#endOf(all, at) - at;
    this.#held = at === all.length ? [] : [all.subarray(at)];
    this.#heldBytes = all.length - at;
  }

  /** Where the frame ends that begins here, or its head where that is not whole. */
  #endOf(all: Buffer, at: number): number {
    if (all.length - at < headBytes) return at + headBytes;
    const kind = all.readUInt8(at);
    const size = all.readDoubleBE(at + 14);
    const modified = all.readDoubleBE(at + 6);
    if (kind > frameKinds.fileAlone || !Number.isSafeInteger(size) || size < 0 || !Number.isSafeInteger(modified))
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
    name: all.subarray(at + headBytes, content),
    content: all.subarray(content, end),
  };
}

function notOurs(): NethoodError {
  return new NethoodError('bad-message', 'The neighbour sent a folder that cannot be read.');
}

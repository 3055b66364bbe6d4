/** The body of a part that is put: a file, as it is or in blocks, and behind it the digest of all that came before. */
import type { Hash } from 'node:crypto';
import { NethoodError } from '../../protocol/errors.ts';
import { BlockReader } from './block-reader.ts';
import type { PartFile } from './part-file.ts';
import { digestBytes, newDigest, type PartHeaders } from './put-format.ts';
import type { RoomClaim } from './share-room.ts';

/** What takes the file out of the body. */
interface FileSink {
  /** Gives how many of the bytes were of the file. */
  take(bytes: Buffer): number;
  /** All of it came. */
  readonly whole: boolean;
}

export interface PartBodyDeps {
  readonly part: PartFile;
  readonly headers: PartHeaders;
  readonly blocks: boolean;
  readonly claim: RoomClaim;
}

export class PartBody {
  readonly #part: PartFile;
  readonly #claim: RoomClaim;
  readonly #file: FileSink;
  readonly #digest: Hash = newDigest();
  #tail = Buffer.alloc(0);

  constructor({ part, headers, blocks, claim }: PartBodyDeps) {
    this.#part = part;
    this.#claim = claim;
    const size = headers['nethood-size'];
    const name = 'The neighbour';
    this.#file = blocks ? new BlockReader({ part, size, sparse: true, name }) : new PlainFile(part, size);
  }

  get full(): boolean {
    return this.#part.full;
  }

  /** Whether the file came whole, and as it was sent. @throws `bad-request` where the body is no such */
  get intact(): boolean {
    if (this.#file.whole && this.#tail.length === digestBytes) return this.#tail.equals(this.#digest.digest());
    throw new NethoodError('bad-request', 'It is not a file and its digest, of the length that was said.');
  }

  room(): Promise<void> {
    return this.#part.room();
  }

  /** @throws `damaged`, `bad-message` of blocks, `bad-request` */
  add(bytes: Buffer): void {
    const before = this.#part.length;
    const taken = this.#file.take(bytes);
    this.#digest.update(bytes.subarray(0, taken));
    this.#claim.taking(this.#part.length - before);
    if (taken === bytes.length) return;
    this.#tail = Buffer.concat([this.#tail, bytes.subarray(taken)]);
    if (this.#tail.length > digestBytes) throw new NethoodError('bad-request', 'More came than a file and its digest.');
  }
}

class PlainFile implements FileSink {
  readonly #part: PartFile;
  readonly #size: number;

  constructor(part: PartFile, size: number) {
    this.#part = part;
    this.#size = size;
  }

  get whole(): boolean {
    return this.#part.length === this.#size;
  }

  take(bytes: Buffer): number {
    const file = bytes.subarray(0, this.#size - this.#part.length);
    if (file.length > 0) this.#part.add(file);
    return file.length;
  }
}

/** Takes a body of blocks apart (`block-frames.ts`): what a head promises is put into the part and held to its digest. */
import { NethoodError } from '../../protocol/errors.ts';
import { blockBytes } from './block-digest.ts';
import { type BlockHead, headBytes, longestHole, readHead, type SideLoad } from './block-frames.ts';
import type { PartFile } from './part-file.ts';

export interface BlockReaderDeps {
  readonly part: PartFile;
  /** Of the whole file. */
  readonly size: number;
  /** Zeros may be left out. */
  readonly sparse: boolean;
  /** Who sends, for messages. */
  readonly name: string;
  /** Told what heads say of their sender. */
  readonly heard?: (load: SideLoad) => void;
}

export class BlockReader {
  readonly #deps: BlockReaderDeps;
  readonly #head = Buffer.allocUnsafe(headBytes);
  #headBytes = 0;
  /** Of the block that comes now. */
  #left = 0;

  constructor(deps: BlockReaderDeps) {
    this.#deps = deps;
  }

  /** Bytes of the file so far. */
  get length(): number {
    return this.#deps.part.length;
  }

  get full(): boolean {
    return this.#deps.part.full;
  }

  room(): Promise<void> {
    return this.#deps.part.room();
  }

  /** All of the file came. */
  get whole(): boolean {
    return this.#left === 0 && this.length === this.#deps.size;
  }

  /** @throws `damaged`, `bad-message` */
  add(bytes: Buffer): void {
    if (this.take(bytes) < bytes.length) throw this.#misplaced();
  }

  /** As `add`, for who sends more after the file; gives how many bytes were of it. */
  take(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && !this.whole) {
      if (this.#left > 0) {
        const block = bytes.subarray(at, at + this.#left);
        this.#left -= block.length;
        at += block.length;
        this.#deps.part.add(block);
        if (this.#left === 0) this.#deps.part.endBlock();
      } else {
        const count = bytes.copy(this.#head, this.#headBytes, at);
        at += count;
        this.#headBytes += count;
        if (this.#headBytes === headBytes) this.#begin();
      }
    }
    return at;
  }

  #begin(): void {
    this.#headBytes = 0;
    const { part, heard } = this.#deps;
    const head = readHead(this.#head);
    if (head === undefined || !this.#fits(head)) throw this.#misplaced();
    heard?.(head.load);
    if (head.kind === 'hole') return part.skip(head.length);
    this.#left = head.length;
    part.expect(head.digest);
  }

  /** Whole blocks, but for the end of the file. */
  #fits({ kind, position, length }: BlockHead): boolean {
    const { part, size, sparse } = this.#deps;
    const end = position + length;
    if (position !== part.length || end > size || (kind === 'hole' && !sparse)) return false;
    if (length > (kind === 'hole' ? longestHole : blockBytes)) return false;
    return end === size || length % blockBytes === 0;
  }

  #misplaced(): NethoodError {
    return new NethoodError('bad-message', `${this.#deps.name} sent a block that has no place in the file.`);
  }
}

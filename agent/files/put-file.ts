/**
 * Puts one file. What the neighbour holds of an earlier try is compared block by block, and what follows the last one
 * that is equal is sent, with its digest behind it: no byte of the file is there by trust in a length or a time.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { parentPath, pathComponents, pathFromComponents, type WirePath } from '../../protocol/wire-path.ts';
import { randomId } from '../base/random-id.ts';
import { blockBytes } from './block-digest.ts';
import { blocksType, headBytes, type SideLoad } from './block-frames.ts';
import { type FilePieces, pieceBytes } from './file-pieces.ts';
import { nextBlock } from './next-block.ts';
import { askPeer, connectionError, jsonOf, peerName } from './peer-http.ts';
import { askToTell, knowsBlocks, paced, type PutContext } from './put-context.ts';
import { digestBytes, heldBlock, heldDigest, HeldHeaders, newDigest, PartAnswer, putUrl } from './put-format.ts';
import { persistently } from './retry.ts';
import { sendToPeer, type WriteBytes } from './send-to-peer.ts';
import { isSparse } from './sparse.ts';
import { offerVerified } from './verify-there.ts';

/** Times that a file may change under our hands before we give it up. */
const mostChanges = 3;
/** In heads that nobody reads for it: while we send, it is the receiver who has something to tell. */
const untold: SideLoad = { disk: 0, wire: 0, processor: 0, setting: 0 };

export interface FilePut {
  /** In our own tree. */
  readonly from: PeerEntry;
  /** In the share. */
  readonly to: WirePath;
  /** Bytes that may be there from an earlier run. */
  readonly held: number;
}

interface Start {
  readonly etag: string;
  readonly size: number;
  readonly modified: number;
  readonly offset: number;
  /** Bytes that it takes here. */
  readonly allocated: number;
}

/** What follows the head of a request. */
interface Body extends Start {
  /** Else the file is sent as it is. */
  readonly blocks: boolean;
  readonly headers: OutgoingHttpHeaders;
}

/** Kept when it is whole and safe under its name there, which is given. */
export function putFile(context: PutContext, put: FilePut, signal: AbortSignal): Promise<WirePath> {
  const putter = new FilePutter(context, put);
  return persistently(context.retry, signal, (contact) => putter.attempt(contact));
}

class FilePutter {
  readonly #context: PutContext;
  readonly #put: FilePut;
  readonly #run = { 'nethood-run': randomId() };
  #held: boolean;
  #changes = 0;
  #tried = false;
  /** Bytes of this file that the progress counts, and those of them that an earlier run had left. */
  #counted = 0;
  #resumed: number | undefined;

  constructor(context: PutContext, put: FilePut) {
    this.#context = context;
    this.#put = put;
    this.#held = put.held > 0;
  }

  async attempt(signal: AbortSignal): Promise<WirePath> {
    const there = this.#tried ? await this.#there(signal) : undefined;
    if (there !== undefined) return there;
    this.#tried = true;
    for (;;) {
      try {
        const start = this.#held ? await this.#compare(signal) : await this.#fromTheStart(signal);
        this.#context.began();
        this.#held = true;
        return await this.#send(start, signal);
      } catch (error) {
        if (!hasCode(error, 'changed') || ++this.#changes > mostChanges) throw error;
      }
    }
  }

  /** Where it is, if all of it came and only the answer did not. */
  async #there(signal: AbortSignal): Promise<WirePath | undefined> {
    const { to, from } = this.#put;
    const entry = { ...from, path: pathFromComponents(pathComponents(to).slice(-1)) };
    const offered = { folder: parentPath(to), entries: [entry], from: () => from.path };
    const [answer] = await offerVerified(this.#context, offered, signal);
    if (answer?.state !== 'here') return undefined;
    this.#count(from.size);
    return answer.path ?? to;
  }

  async #fromTheStart(signal: AbortSignal): Promise<Start> {
    const { pieces, ...version } = await this.#context.source.open(this.#put.from.path, { signal });
    await pieces[Symbol.asyncDispose]();
    return { ...version, offset: 0 };
  }

  async #compare(signal: AbortSignal): Promise<Start> {
    const { peer, share, source } = this.#context;
    const path = putUrl(share, 'held', this.#put.to);
    const response = await askPeer(peer, { method: 'POST', path, headers: this.#run, signal });
    try {
      const headers = HeldHeaders.safeParse(response.headers);
      if (!headers.success)
        throw new NethoodError('bad-message', `${peerName(peer)} did not say how much of a file it has.`);
      const { pieces, ...version } = await source.open(this.#put.from.path, { signal });
      await using held = pieces;
      const length = Math.min(headers.data['nethood-held'], version.size);
      return { ...version, offset: await equalBytes(held, length, response) };
    } catch (error) {
      signal.throwIfAborted();
      throw connectionError(error, peerName(peer));
    } finally {
      response.destroy();
    }
  }

  async #send(start: Start, signal: AbortSignal): Promise<WirePath> {
    const { peer, share, keep, progress } = this.#context;
    const body = this.#bodyOf(start);
    this.#count(body.offset);
    const response = await sendToPeer(peer, {
      path: putUrl(share, 'part', this.#put.to),
      headers: {
        ...this.#run,
        ...askToTell(this.#context),
        ...body.headers,
        'nethood-size': body.size,
        'nethood-offset': body.offset,
        'nethood-modified': body.modified,
        ...(keep ? { 'nethood-keep': '1' } : {}),
      },
      send: (write) => this.#pour(body, paced(this.#context, write, signal), signal),
      heard: (load) => progress.heard(load),
      signal,
    });
    const answer = PartAnswer.safeParse(await jsonOf(response, peerName(peer)));
    if (answer.success) return answer.data.path;
    throw new NethoodError('bad-message', `${peerName(peer)} did not say where it put the file.`);
  }

  /** A file with holes goes in blocks, which begin at multiples of one. */
  #bodyOf(start: Start): Body {
    const { offset, size, allocated } = start;
    if (!isSparse(start) || !knowsBlocks(this.#context)) {
      const length = size - offset + digestBytes;
      return {
        ...start,
        blocks: false,
        headers: { 'content-type': 'application/octet-stream', 'content-length': length },
      };
    }
    const from = offset === size ? size : Math.floor(offset / blockBytes) * blockBytes;
    return {
      ...start,
      offset: from,
      blocks: true,
      headers: { 'content-type': blocksType, 'nethood-allocated': allocated },
    };
  }

  /** Reads one piece while the other is sent. @throws `changed` before the last of them, so that no mixture is ever whole */
  async #pour(body: Body, write: WriteBytes, signal: AbortSignal): Promise<void> {
    const { etag, size, offset } = body;
    const digest = newDigest();
    if (offset < size) {
      const range = { start: offset, end: size };
      const { pieces } = await this.#context.source.open(this.#put.from.path, { range, ifMatch: etag, signal });
      await using file = pieces;
      await this.#pourFile(file, body, async (bytes, counted) => {
        digest.update(bytes);
        await write(bytes, counted);
      });
    }
    await write(digest.digest());
  }

  async #pourFile(file: FilePieces, { blocks }: Body, write: WriteBytes): Promise<void> {
    const { limit } = this.#context.progress;
    const head = blocks ? headBytes : 0;
    const buffers = [0, 1].map(() => Buffer.allocUnsafeSlow(head + Math.min(pieceBytes, file.left)));
    const options = { sparse: true, load: () => untold };
    let sending = Promise.resolve();
    for (let at = 0; ; at++) {
      const buffer = buffers[at % 2] ?? Buffer.alloc(0);
      const { position } = file;
      const reading = blocks ? nextBlock(file, buffer, options) : file.read(buffer);
      const bytes = buffer.subarray(0, await limit.whileSending(sending, reading));
      if (bytes.length === 0) break;
      const sent = file.position - position;
      sending = write(bytes, bytes.length - head).then(() => this.#sent(sent));
      // It is told by the next round, which may fail by itself before.
      sending.catch(() => undefined);
    }
  }

  #sent(bytes: number): void {
    this.#counted += bytes;
    this.#context.progress.received(bytes);
  }

  /** Sets how many bytes of this file count as done; those of the first try were there before. */
  #count(bytes: number): void {
    const resumed = Math.min(this.#resumed ?? bytes, bytes);
    this.#context.progress.add({ bytes: bytes - this.#counted, resumedFrom: resumed - (this.#resumed ?? 0) });
    this.#counted = bytes;
    this.#resumed = resumed;
  }
}

/** How many bytes from the beginning are the same, in whole blocks but for the last one. */
async function equalBytes(file: FilePieces, length: number, digests: Readable): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(heldBlock);
  let equal = 0;
  for await (const digest of inPieces(digests, digestBytes)) {
    const wanted = Math.min(heldBlock, length - equal);
    if (wanted === 0) break;
    const bytes = buffer.subarray(0, wanted);
    if (!(await filled(file, bytes)) || !heldDigest(bytes).equals(digest)) break;
    equal += wanted;
  }
  return equal;
}

async function filled(file: FilePieces, buffer: Buffer): Promise<boolean> {
  for (let at = 0; at < buffer.length;) {
    const bytes = await file.read(buffer.subarray(at));
    if (bytes === 0) return false;
    at += bytes;
  }
  return true;
}

/** A stream in pieces of the same length; what is left over at its end is dropped. */
async function* inPieces(stream: Readable, length: number): AsyncGenerator<Buffer, void> {
  let held: Buffer = Buffer.alloc(0);
  for await (const bytes of stream as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, bytes]);
    let at = 0;
    for (; held.length - at >= length; at += length) yield held.subarray(at, at + length);
    held = held.subarray(at);
  }
}

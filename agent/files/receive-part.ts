/** What a neighbour puts into a share of ours: one large file, of which the part is kept where it breaks off. */
import { chmod } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { ShareId } from '../../protocol/ids.ts';
import { pathComponents, type WirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { quotedPath, readError } from './file-errors.ts';
import type { WrittenFile } from './file-tree.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import { blockBytes } from './block-digest.ts';
import { blocksType, largestSparse } from './block-frames.ts';
import { giveKept } from './kept-name.ts';
import { partError, type Spot } from './local-spot.ts';
import { modeFor } from './local-writer.ts';
import { PartBody } from './part-body.ts';
import type { PartFile } from './part-file.ts';
import { pacedSink, pourBody } from './pour-body.ts';
import { digestBytes, PartHeaders } from './put-format.ts';
import type { RoomClaim } from './share-room.ts';
import { ToldBytes } from './told-bytes.ts';
import { removePart } from './transfer-records.ts';
import type { Uploads } from './uploads.ts';
import type { WritableLocalTree } from './writable-local-tree.ts';

/** While the last bytes go to a slow disk the sender is told so. */
const tellEveryMs = 10_000;

export interface Reception {
  readonly uploads: Uploads;
  readonly tree: WritableLocalTree;
  readonly share: ShareId;
  readonly path: WirePath;
}

/** `POST …/part/<path>` */
export async function receivePart(reception: Reception, exchange: HttpExchange): Promise<void> {
  const { uploads, tree, share, path } = reception;
  const ask = partAsked(exchange);
  const key = uploads.keyOf(exchange.asker, share, path);
  const run = { run: ask.headers['nethood-run'], signal: exchange.signal };
  const written = await uploads.alone(key, run, (signal) =>
    tree.spots.hold(path, (spot) => new PartReception(reception, { key, spot, ask }).run(exchange, signal)),
  );
  answerJson(exchange, { path: written.entry.path });
}

/** A folder of the share into which something is put; the caller closes it. @throws as for who reads: where a link is in the way, there is none */
export function openFolder({ spots }: WritableLocalTree, path: WirePath): Promise<GuardedFolder> {
  return spots.open(pathComponents(path)).catch((error: unknown) => {
    throw readError(error, `folder ${quotedPath(path)}`);
  });
}

export function answerJson({ response }: HttpExchange, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(body);
}

interface PartAsk {
  readonly headers: PartHeaders;
  /** Else the file comes as it is. */
  readonly blocks: boolean;
}

/** @throws `bad-request`, `too-large` */
function partAsked({ request }: HttpExchange): PartAsk {
  const { data: headers } = PartHeaders.safeParse(request.headers);
  const blocks = request.headers['content-type'] === blocksType;
  if (headers === undefined || !(blocks ? isOfBlocks(headers) : isPlain(headers)))
    throw new NethoodError('bad-request', 'The headers of a file that is put make no sense.');
  if (!blocks || headers['nethood-size'] <= largestSparse) return { headers, blocks };
  throw new NethoodError('too-large', 'No file with holes is taken that is so large.');
}

function isPlain({ 'nethood-size': size, 'nethood-offset': offset, 'content-length': length }: PartHeaders): boolean {
  return offset <= size && length === size - offset + digestBytes;
}

function isOfBlocks({ 'nethood-size': size, 'nethood-offset': offset, ...rest }: PartHeaders): boolean {
  return rest['nethood-allocated'] !== undefined && (offset === size || (offset < size && offset % blockBytes === 0));
}

interface Taking {
  readonly part: PartFile;
  readonly claim: RoomClaim;
  readonly told: ToldBytes;
  readonly signal: AbortSignal;
}

/** It is to be sent again, from where it is still good. */
function damaged(what: string): NethoodError {
  return new NethoodError('interrupted', `${what} was damaged on its way.`);
}

class PartReception {
  readonly #reception: Reception;
  readonly #key: string;
  readonly #spot: Spot;
  readonly #headers: PartHeaders;
  readonly #blocks: boolean;

  constructor(reception: Reception, { key, spot, ask }: { key: string; spot: Spot; ask: PartAsk }) {
    this.#reception = reception;
    this.#key = key;
    this.#spot = spot;
    this.#headers = ask.headers;
    this.#blocks = ask.blocks;
  }

  async run(exchange: HttpExchange, signal: AbortSignal): Promise<WrittenFile> {
    const { uploads, tree } = this.#reception;
    try {
      const there = this.#keeps ? undefined : await tree.writer.target(this.#spot, {});
      const { 'nethood-size': size, 'nethood-offset': offset } = this.#headers;
      using claim = await tree.room.claim(this.#spot.folder, size, signal, this.#onDisk);
      claim.taking(offset);
      using told = new ToldBytes(exchange, uploads.clock);
      const broken = new AbortController();
      const failed = (error: Error): void => broken.abort(error);
      const file = await uploads.open(this.#key, this.#spot, { offset, told, failed, sparse: this.#blocks });
      await using part = file;
      await chmod(this.#part, await modeFor(this.#part, there));
      const taking = { part, claim, told, signal: AbortSignal.any([signal, broken.signal]) };
      await this.#take(exchange.request, taking);
      told.allTaken();
      using _ = this.#tellSlowly(exchange);
      await part.finish(this.#headers['nethood-modified']);
      const written = await this.#give(signal);
      claim.settle(Number(there?.size ?? 0));
      await uploads.drop(this.#key, this.#spot);
      return written;
    } catch (error) {
      const told = partError(error, this.#spot.what);
      // On a full disk what is there is in the way; what may not be there at all is of no use.
      if (!signal.aborted && !hasCode(told, 'interrupted', 'timeout', 'changed'))
        await uploads.drop(this.#key, this.#spot);
      throw told;
    }
  }

  get #part(): Buffer {
    return this.#reception.uploads.partOf(this.#key, this.#spot);
  }

  get #keeps(): boolean {
    return this.#headers['nethood-keep'] === '1';
  }

  /** What is there of it has its room already; holes need none. */
  get #onDisk(): number {
    const { 'nethood-size': size, 'nethood-offset': offset, 'nethood-allocated': allocated } = this.#headers;
    return Math.min(size - offset, (this.#blocks ? allocated : undefined) ?? size);
  }

  async #take(request: IncomingMessage, { part, claim, told, signal }: Taking): Promise<void> {
    const body = new PartBody({ part, headers: this.#headers, blocks: this.#blocks, claim });
    const { what } = this.#spot;
    const pace = (bytes: number): Promise<unknown> => told.pacing(this.#reception.uploads.limit.pace(bytes, signal));
    try {
      await pourBody(request, pacedSink(body, this.#reception.uploads.limit, pace), {
        size: this.#headers['content-length'],
        taking: () => undefined,
        signal,
        what,
      });
    } catch (error) {
      // As much as possible is kept for the next try; where that fails too, `error` is what is told.
      await (this.#blocks ? part.settleBlocks() : part.settle()).catch(() => undefined);
      throw hasCode(error, 'damaged') ? damaged(what) : error;
    }
    if (body.intact) return;
    await removePart(this.#part);
    throw damaged(what);
  }

  #give(signal: AbortSignal): Promise<WrittenFile> {
    const { writer } = this.#reception.tree;
    const version = { size: this.#headers['nethood-size'], modified: this.#headers['nethood-modified'] };
    if (this.#keeps) return giveKept(writer, { part: this.#part, spot: this.#spot, version }, signal);
    return writer.give(this.#part, this.#spot, { signal });
  }

  #tellSlowly({ response }: HttpExchange): Disposable {
    const { clock } = this.#reception.uploads;
    const later = (): Disposable =>
      clock.timer(tellEveryMs, () => {
        response.writeProcessing();
        timer = later();
      });
    let timer = later();
    return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
  }
}

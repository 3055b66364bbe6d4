/** What a neighbour puts into a share of ours: one large file, of which the part is kept where it breaks off. */
import type { Hash } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { ShareId } from '../../protocol/ids.ts';
import { pathComponents, type WirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { quotedPath, readError } from './file-errors.ts';
import type { WrittenFile } from './file-tree.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import { giveKept } from './kept-name.ts';
import { partError, type Spot } from './local-spot.ts';
import { modeFor } from './local-writer.ts';
import type { PartFile } from './part-file.ts';
import { pacedSink, pourBody } from './pour-body.ts';
import { digestBytes, heldBlock, newDigest, PartHeaders, RunHeaders } from './put-format.ts';
import { closeAtOnce, openFd, openFlags, readFd } from './raw-files.ts';
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
  const headers = partHeaders(exchange);
  const key = uploads.keyOf(exchange.asker, share, path);
  const run = { run: headers['nethood-run'], signal: exchange.signal };
  const written = await uploads.alone(key, run, (signal) =>
    tree.spots.hold(path, (spot) => new PartReception(reception, { key, spot, headers }).run(exchange, signal)),
  );
  answerJson(exchange, { path: written.entry.path });
}

/** `POST …/held/<path>`: of the part, if there is one, a digest for each block of it. */
export async function tellHeld({ uploads, tree, share, path }: Reception, exchange: HttpExchange): Promise<void> {
  const { request, response } = exchange;
  const headers = RunHeaders.safeParse(request.headers);
  if (!headers.success) throw new NethoodError('bad-request', 'It is not said which run of a put asks.');
  const key = uploads.keyOf(exchange.asker, share, path);
  const run = { run: headers.data['nethood-run'], signal: exchange.signal };
  await uploads.alone(key, run, (signal) =>
    tree.spots.hold(path, async (spot) => {
      const held = await uploads.held(key, spot);
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'nethood-held': held });
      if (held > 0)
        for await (const digest of digestsOf(uploads.partOf(key, spot), held, signal)) response.write(digest);
      response.end();
    }),
  );
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

function partHeaders({ request }: HttpExchange): PartHeaders {
  const { data: headers } = PartHeaders.safeParse(request.headers);
  const left = (headers?.['nethood-size'] ?? 0) - (headers?.['nethood-offset'] ?? 0);
  if (headers !== undefined && left >= 0 && headers['content-length'] === left + digestBytes) return headers;
  throw new NethoodError('bad-request', 'The headers of a file that is put make no sense.');
}

class PartReception {
  readonly #reception: Reception;
  readonly #key: string;
  readonly #spot: Spot;
  readonly #headers: PartHeaders;

  constructor(reception: Reception, { key, spot, headers }: { key: string; spot: Spot; headers: PartHeaders }) {
    this.#reception = reception;
    this.#key = key;
    this.#spot = spot;
    this.#headers = headers;
  }

  async run(exchange: HttpExchange, signal: AbortSignal): Promise<WrittenFile> {
    const { uploads, tree } = this.#reception;
    try {
      const there = this.#keeps ? undefined : await tree.writer.target(this.#spot, {});
      // What is there of it has its room already.
      const wanted = this.#headers['nethood-size'] - this.#headers['nethood-offset'];
      using claim = await tree.room.claim(this.#spot.folder, wanted, signal);
      const broken = new AbortController();
      const file = await uploads.open(this.#key, this.#spot, {
        offset: this.#headers['nethood-offset'],
        written: new ToldBytes(exchange).written,
        failed: (error) => broken.abort(error),
      });
      await using part = file;
      await chmod(this.#part, await modeFor(this.#part, there));
      await this.#take(part, exchange, { claim, signal: AbortSignal.any([signal, broken.signal]) });
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

  async #take(
    part: PartFile,
    { request }: HttpExchange,
    { claim, signal }: { claim: RoomClaim; signal: AbortSignal },
  ): Promise<void> {
    const left = this.#headers['content-length'] - digestBytes;
    const body = new DigestedBody(part, left, claim);
    const { what } = this.#spot;
    try {
      await pourBody(request, pacedSink(body, this.#reception.uploads.limit, signal), {
        size: this.#headers['content-length'],
        taking: () => undefined,
        signal,
        what,
      });
    } catch (error) {
      // As much as possible is kept for the next try; where that fails too, `error` is what is told.
      await part.settle().catch(() => undefined);
      throw error;
    }
    if (body.intact) return;
    await removePart(this.#part);
    throw new NethoodError('interrupted', `${what} was damaged on its way.`);
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

/** Hands on the bytes of the file; what follows them must be their digest. */
class DigestedBody {
  readonly #part: PartFile;
  readonly #claim: RoomClaim;
  readonly #digest: Hash = newDigest();
  #left: number;
  #tail = Buffer.alloc(0);

  constructor(part: PartFile, bytes: number, claim: RoomClaim) {
    this.#part = part;
    this.#left = bytes;
    this.#claim = claim;
  }

  get full(): boolean {
    return this.#part.full;
  }

  get intact(): boolean {
    return this.#left === 0 && this.#tail.equals(this.#digest.digest());
  }

  room(): Promise<void> {
    return this.#part.room();
  }

  add(bytes: Buffer): void {
    const file = bytes.subarray(0, this.#left);
    if (file.length > 0) {
      this.#claim.taking(file.length);
      this.#left -= file.length;
      this.#digest.update(file);
      this.#part.add(file);
    }
    if (file.length < bytes.length) this.#tail = Buffer.concat([this.#tail, bytes.subarray(file.length)]);
  }
}

async function* digestsOf(part: Buffer, held: number, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const fd = await openFd(part, openFlags.read);
  try {
    const buffer = Buffer.allocUnsafeSlow(Math.min(heldBlock, held));
    for (let at = 0; at < held;) {
      signal.throwIfAborted();
      const wanted = Math.min(heldBlock, held - at);
      const filled = await readBlock(fd, buffer.subarray(0, wanted), at);
      if (!filled) return;
      yield newDigest().update(buffer.subarray(0, wanted)).digest();
      at += wanted;
    }
  } finally {
    closeAtOnce(fd);
  }
}

/** False where the file has become shorter. */
async function readBlock(fd: number, buffer: Buffer, position: number): Promise<boolean> {
  for (let at = 0; at < buffer.length;) {
    const { bytesRead } = await readFd(fd, buffer, at, buffer.length - at, position + at);
    if (bytesRead === 0) return false;
    at += bytesRead;
  }
  return true;
}

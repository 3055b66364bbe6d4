/** What a neighbour puts into a share of ours: many small files in one body, each whole and safe before it is named. */
import { Readable } from 'node:stream';
import { hasCode, NethoodError, toNethoodError } from '../../protocol/errors.ts';
import { parentPath, pathComponents, type WirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { type ArchivedFile, archiveLimits, readArchive } from './archive-format.ts';
import { BatchWriter, type Written } from './batch-writer.ts';
import { quotedPath } from './file-errors.ts';
import { FolderCache } from './folder-cache.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import { writeKept } from './kept-name.ts';
import type { FoldedNames } from './name-twins.ts';
import { checkPortable } from './new-name.ts';
import { framesType, readFrames } from './put-frames.ts';
import { type ArchiveAnswer, toldOfFile } from './put-format.ts';
import { answerJson, openFolder, type Reception } from './receive-part.ts';
import type { RoomClaim } from './share-room.ts';
import { ToldBytes } from './told-bytes.ts';

/** Held open at the same time. */
const mostFolders = 128;

/** `POST …/archive-in/<path>` */
export async function receiveArchive(reception: Reception, exchange: HttpExchange): Promise<void> {
  // Told when the staging folder is gone too: its going changes the time of the folder, which is set next.
  answerJson(exchange, await received(reception, exchange));
}

async function received(reception: Reception, exchange: HttpExchange): Promise<ArchiveAnswer> {
  const { request, signal } = exchange;
  const { uploads, tree, path } = reception;
  const components = pathComponents(path);
  const folder = await openFolder(tree, path);
  try {
    using claim = await tree.room.claim(folder, undefined, signal);
    await using staging = await uploads.staging(folder, (name) => tree.spots.open([...components, name]));
    await using writer = new BatchWriter(staging.path, uploads.batchThread);
    const keep = request.headers['nethood-keep'] === '1';
    using told = new ToldBytes(exchange, uploads.clock);
    await using archive = new ArchiveReception(reception, { writer, claim, keep, signal, told });
    const read = request.headers['content-type'] === framesType ? readFrames : readArchive;
    for await (const item of read(request)) {
      if (!('content' in item)) continue;
      await archive.take(item);
      await told.pacing(uploads.limit.pace(item.content.length, signal));
    }
    told.allTaken();
    const answer = await archive.end();
    claim.settle(0);
    return answer;
  } finally {
    folder.close();
  }
}

interface ArchiveDeps {
  readonly writer: BatchWriter;
  readonly claim: RoomClaim;
  readonly keep: boolean;
  readonly told: ToldBytes;
  readonly signal: AbortSignal;
}

class ArchiveReception implements AsyncDisposable {
  readonly #reception: Reception;
  readonly #deps: ArchiveDeps;
  readonly #folders: FolderCache;
  /** Of each folder that something went into: the names that are taken; undefined where they are too many. */
  readonly #taken = new Map<WirePath, FoldedNames | undefined>();
  /** Folders that are held until the files in them have their names. */
  readonly #holds = new Map<WirePath, { readonly letGo: () => void; readonly held: Promise<void> }>();
  #files = 0;
  readonly #failed: ArchiveAnswer['failed'] = [];
  #error: NethoodError | undefined;

  constructor(reception: Reception, deps: ArchiveDeps) {
    this.#reception = reception;
    this.#deps = deps;
    this.#folders = new FolderCache((path) => openFolder(reception.tree, path));
  }

  /** @throws what stands in the way of all of them */
  async take({ path, content, modified, damaged }: ArchivedFile): Promise<void> {
    const told = this.#told(this.#files++, content.length);
    if (this.#files > archiveLimits.files) throw new NethoodError('too-large', 'Too many files came at once.');
    const { path: folder } = this.#reception;
    const file = { path: (folder === '' ? path : `${folder}/${path}`) as WirePath, content, modified };
    try {
      if (damaged === true) throw new NethoodError('damaged', `${quotedPath(path)} came other than it was sent.`);
      await this.#folders.use(parentPath(file.path), (held) => this.#put(file, held, told));
    } catch (error) {
      told(toNethoodError(error));
    }
    this.#check();
  }

  /** All is safe, the names too. */
  async end(): Promise<ArchiveAnswer> {
    await this.#flush();
    this.#check();
    for (const path of this.#taken.keys()) await this.#folders.use(path, (folder) => folder.sync());
    return { taken: this.#files - this.#failed.length, failed: this.#failed };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flush();
    await this.#folders[Symbol.asyncDispose]();
  }

  async #put(file: ArchivedFile, folder: GuardedFolder, told: Written): Promise<void> {
    const { path, content, modified } = file;
    const name = Buffer.from(pathComponents(path).at(-1) ?? new Uint8Array());
    checkPortable(name, `"${path}"`);
    const taken = await this.#takenIn(parentPath(path), folder);
    if (taken === undefined || taken.has(name)) {
      await this.#putAlone(file);
      told(undefined);
      return;
    }
    taken.add(name);
    const { writer, claim } = this.#deps;
    claim.taking(content.length);
    this.#hold(parentPath(path));
    writer.add({ place: { folder: folder.path, name }, content, modified }, told);
    if (this.#holds.size >= mostFolders) await this.#flush();
    else if (writer.full) await writer.room();
  }

  /** By a function of its own: what waits for the disk must not hold the memory that the content came in. */
  #told(at: number, bytes: number): Written {
    const { told } = this.#deps;
    told.taken(bytes + toldOfFile);
    return (error) => {
      if (error !== undefined) this.#missed(at, error);
      told.written(bytes + toldOfFile);
    };
  }

  #hold(path: WirePath): void {
    if (this.#holds.has(path)) return;
    let letGo = nothing;
    const until = new Promise<void>((resolve) => (letGo = resolve));
    this.#holds.set(path, { letGo, held: this.#folders.use(path, () => until) });
  }

  /** All that was taken has its name, and no folder is held for it. */
  async #flush(): Promise<void> {
    await this.#deps.writer.flush();
    const holds = [...this.#holds.values()];
    this.#holds.clear();
    for (const { letGo } of holds) letGo();
    await Promise.all(holds.map(({ held }) => held));
  }

  /** What takes the place of another, or must not, is looked at file by file; those before it have their names by then. */
  async #putAlone({ path, content, modified }: ArchivedFile): Promise<void> {
    const { tree } = this.#reception;
    const { keep, signal } = this.#deps;
    await this.#flush();
    if (keep) await writeKept(tree, path, { content, modified, signal });
    else await tree.write(path, { size: content.length, modified, body: Readable.from([content]), signal });
  }

  async #takenIn(path: WirePath, folder: GuardedFolder): Promise<FoldedNames | undefined> {
    if (!this.#taken.has(path)) this.#taken.set(path, await this.#reception.tree.twins.namesOf(folder));
    return this.#taken.get(path);
  }

  #missed(at: number, error: NethoodError): void {
    if (isOfOneFile(error)) this.#failed.push({ at, code: error.code });
    else this.#error ??= error;
  }

  #check(): void {
    if (this.#error !== undefined) throw this.#error;
  }
}

function nothing(): void {
  // Until it is known what.
}

/** What stands in the way of one file only; the others still come. */
function isOfOneFile(error: NethoodError): boolean {
  return hasCode(
    error,
    'not-found',
    'not-a-file',
    'not-a-folder',
    'exists',
    'bad-path',
    'not-permitted',
    'write-failed',
  );
}

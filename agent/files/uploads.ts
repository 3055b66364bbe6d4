/**
 * Parts of large files that neighbours put into our shares: each beside its place, with a record in `state/uploads/`
 * that is saved before it is made, so that none lies about unknown; a day after the last byte both are removed.
 */
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { NethoodError } from '../../protocol/errors.ts';
import type { ShareId } from '../../protocol/ids.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { randomId } from '../base/random-id.ts';
import { Scope } from '../base/scope.ts';
import type { Asker } from '../trust/access.ts';
import type { BatchThread } from './batch-writer.ts';
import { hasErrno } from './file-errors.ts';
import type { GuardedFolder } from './guarded-folder.ts';
import { identityOf } from './file-version.ts';
import { KeptThread } from './kept-thread.ts';
import { joinLocal, pathToText } from './local-path.ts';
import type { Spot } from './local-spot.ts';
import { PartFile, type PartOptions } from './part-file.ts';
import { identityHash, partName } from './part-name.ts';
import { RateLimit } from './rate-limit.ts';
import { removeStaging } from './staging.ts';
import { removePart, TransferRecords } from './transfer-records.ts';

const cleanEveryMs = 60 * 60 * 1000;

export interface UploadsDeps {
  /** `uploads/` is made in it. */
  readonly stateFolder: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The user's; default: none. */
  readonly limit?: RateLimit;
}

export interface OpenUpload extends Pick<PartOptions, 'sparse' | 'told' | 'failed'> {
  readonly offset: number;
}

interface Running {
  readonly run: string;
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

export async function createUploads(deps: UploadsDeps): Promise<Uploads> {
  const uploads = new Uploads(deps);
  // Nobody goes on with the batches that a killed agent had begun.
  await uploads.clean({ folders: true });
  return uploads;
}

export class Uploads implements AsyncDisposable {
  readonly clock: Clock;
  readonly limit: RateLimit;
  /** That writes small files. */
  readonly batchThread: BatchThread;
  readonly #scope = new Scope();
  readonly #records: TransferRecords;
  readonly #log: Log;
  readonly #running = new Map<string, Running>();
  #timer: Disposable | undefined;

  constructor({ stateFolder, clock, log, limit = RateLimit.none(clock) }: UploadsDeps) {
    this.clock = clock;
    this.limit = limit;
    this.#log = log;
    this.batchThread = this.#scope.use(new KeptThread('batch-thread', clock));
    this.#records = new TransferRecords(join(stateFolder, 'uploads'), clock, log);
  }

  /** Removes what nobody went on with for a day, now and every hour. */
  async clean({ folders = false } = {}): Promise<void> {
    await this.#records.removeOld({ inUse: (key) => this.#running.has(key), folders });
    this.#timer = this.clock.timer(cleanEveryMs, () =>
      this.#scope.run(
        () => this.clean(),
        (error) => this.#log.error({ error: String(error) }, 'old uploads could not be removed'),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    await this.#scope[Symbol.asyncDispose]();
  }

  keyOf(asker: Asker, share: ShareId, path: WirePath): string {
    return identityHash('upload', asker.kind === 'device' ? asker.id : asker.kind, share, path);
  }

  /**
   * One at a time has a part. The same run of a put that comes again has lost its connection, which is ended.
   * @throws `busy` where another puts a file there
   */
  async alone<T>(
    key: string,
    { run, signal }: { run: string; signal: AbortSignal },
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    for (let last = this.#running.get(key); last !== undefined; last = this.#running.get(key)) {
      if (last.run !== run)
        throw new NethoodError('busy', 'Another file is being put there just now.', { retryAfterMs: 1000 });
      last.stop.abort(new NethoodError('interrupted', 'The same file is being put again.'));
      await last.ended;
    }
    const stop = new AbortController();
    const result = work(AbortSignal.any([signal, stop.signal])).finally(() => this.#running.delete(key));
    const ended = result.then(
      () => undefined,
      () => undefined,
    );
    this.#running.set(key, { run, stop, ended });
    return result;
  }

  partOf(key: string, { folder }: Spot): Buffer {
    return folder.at(Buffer.from(partName(key)));
  }

  /** Bytes of the part, whatever they are worth; 0 where there is none of ours. */
  async held(key: string, spot: Spot): Promise<number> {
    const identity = await this.#records.uploadIdentity(key);
    if (identity === undefined) return 0;
    const stat = await lstat(this.partOf(key, spot), { bigint: true }).catch(missing);
    // With a second name it would be changed under that one too.
    const ours = stat?.isFile() === true && stat.nlink === 1n && identityOf(stat) === identity;
    return ours ? Number(stat.size) : 0;
  }

  /** The part, cut to `offset`. @throws `changed` where it has fewer bytes */
  async open(key: string, spot: Spot, { offset, ...options }: OpenUpload): Promise<PartFile> {
    const part = this.partOf(key, spot);
    if (offset === 0) {
      await this.drop(key, spot);
      await this.#save(key, spot, '');
      const file = await PartFile.create(part, options);
      await this.#save(key, spot, await file.identity());
      return file;
    }
    const identity = await this.#records.uploadIdentity(key);
    if (identity === undefined || (await this.held(key, spot)) < offset)
      throw new NethoodError('changed', `Of ${spot.what} there are fewer bytes than that.`);
    await this.#save(key, spot, identity);
    return PartFile.reopen(part, { identity, length: offset }, options);
  }

  /** The part has its name, or is no longer wanted. */
  async drop(key: string, spot: Spot): Promise<void> {
    await removePart(this.partOf(key, spot));
    await this.#records.remove(key);
  }

  /** A folder of ours for files that have no names yet, in a folder of a share, by a path that leads nowhere else. */
  async staging(
    folder: GuardedFolder,
    open: (name: Buffer) => Promise<GuardedFolder>,
  ): Promise<AsyncDisposable & { readonly path: Buffer }> {
    const key = identityHash('staging', randomId());
    const name = Buffer.from(partName(key));
    const path = joinLocal(await realpath(folder.path, { encoding: 'buffer' }), name);
    const staging = pathToText(path);
    await this.#records.save(key, { kind: 'folder', folder: staging, name: staging, staging });
    const remove = async (): Promise<void> => {
      await removeStaging(path, () => false);
      await this.#records.remove(key);
    };
    try {
      await mkdir(folder.at(name), 0o700);
      const held = await open(name);
      const dispose = async (): Promise<void> => {
        held.close();
        await remove();
      };
      return { path: held.path, [Symbol.asyncDispose]: dispose };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  async #save(key: string, { folder }: Spot, identity: string): Promise<void> {
    // By its true path: the descriptor that it is reached by is gone with this request.
    const path = joinLocal(await realpath(folder.path, { encoding: 'buffer' }), Buffer.from(partName(key)));
    await this.#records.save(key, { kind: 'upload', path: pathToText(path), identity });
  }
}

function missing(error: unknown): undefined {
  if (hasErrno(error, 'ENOENT')) return undefined;
  throw error;
}

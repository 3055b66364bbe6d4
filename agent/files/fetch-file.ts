/**
 * Fetches one file into a partial file and gives it its name. Resumes from the length that a checkpoint has made safe
 * (fdatasync, then the record, every 64 MiB or 5 s), never from the length the file happens to have: after a crash its
 * tail may be torn. The version is asked for by ETag, and a file that changed is fetched from its beginning.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, statfs } from 'node:fs/promises';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { GetContext } from './get-context.ts';
import { hasErrno } from './file-errors.ts';
import { answeredFile, type AnsweredFile } from './file-version-http.ts';
import { sealFolder } from './local-folder.ts';
import { type LocalPath, pathToText, shownPath } from './local-path.ts';
import { identityOf, PartFile } from './part-file.ts';
import { askPeer, peerName } from './peer-http.ts';
import { type Place, publish } from './publish.ts';
import { receiveBody } from './receive-body.ts';
import { fileUrl } from './remote-tree.ts';
import { persistently } from './retry.ts';
import { type PartRecord, removePart } from './transfer-records.ts';

const checkpointBytes = 64 << 20;
const checkpointMs = 5_000;
/** Times that a file may change under our hands before we give it up. */
const mostChanges = 3;

export interface FileFetch {
  readonly path: WirePath;
  readonly place: Place;
  readonly part: LocalPath;
  /** Of the record. */
  readonly key: string;
}

interface Attempt {
  readonly answer: AnsweredFile;
  readonly file: PartFile;
  readonly signal: AbortSignal;
}

/** Kept when the file is whole under its final name, which is given. */
export async function fetchFile(context: GetContext, fetch: FileFetch, signal: AbortSignal): Promise<LocalPath> {
  const fetcher = new FileFetcher(context, fetch);
  try {
    const answer = await persistently(context.retry, signal, (contact) => fetcher.attempt(contact));
    const path = await publish(fetch.part, fetch.place, answer);
    await sealFolder(fetch.place.folder);
    await context.records.remove(fetch.key);
    return path;
  } catch (error) {
    // On a full disk what is there is in the way; what changed is of no use.
    if (hasCode(error, 'no-space', 'changed', 'not-found')) await fetcher.drop();
    throw error;
  }
}

class FileFetcher {
  readonly #context: GetContext;
  readonly #fetch: FileFetch;
  #changes = 0;
  /** Bytes of this file that the progress counts, and those of them that an earlier run had left. */
  #counted = 0;
  #resumed: number | undefined;

  constructor(context: GetContext, fetch: FileFetch) {
    this.#context = context;
    this.#fetch = fetch;
  }

  /** @throws what `persistently` tries again, and what it does not */
  async attempt(signal: AbortSignal): Promise<AnsweredFile> {
    for (;;) {
      const record = await this.#usableRecord();
      try {
        return await this.#once(record, signal);
      } catch (error) {
        const another = hasCode(error, 'changed', 'range') && record !== undefined;
        if (!another || ++this.#changes > mostChanges) throw error;
        await this.drop();
      }
    }
  }

  async drop(): Promise<void> {
    if (this.#counted > 0) this.#count(0);
    await removePart(this.#fetch.part);
    await this.#context.records.remove(this.#fetch.key);
  }

  async #usableRecord(): Promise<PartRecord | undefined> {
    const record = await this.#context.records.part(this.#fetch.key);
    const stat = await lstat(this.#fetch.part, { bigint: true }).catch(missing);
    if (record !== undefined && stat !== undefined && isPartOf(record, stat)) return record;
    if (stat !== undefined || record !== undefined) await this.drop();
    return undefined;
  }

  async #once(record: PartRecord | undefined, signal: AbortSignal): Promise<AnsweredFile> {
    const peer = this.#context.peer;
    // Of a part that is whole the last byte is asked for again: that tells whether it is still the version.
    const start = record === undefined ? 0 : Math.min(record.safe, record.size - 1);
    const response = await askPeer(peer, {
      method: 'GET',
      path: fileUrl(this.#context.share, this.#fetch.path),
      headers: record === undefined ? {} : { range: `bytes=${start}-`, 'if-match': record.etag },
      signal,
    });
    try {
      const answer = answeredFile(response, peerName(peer));
      if (answer.start !== start || (record !== undefined && answer.etag !== record.etag))
        throw new NethoodError('changed', `${this.#context.source} is no longer the version that was begun.`);
      await this.#checkSpace(answer.length);
      await using file = await this.#openPart(answer, record);
      this.#count(start);
      this.#context.began();
      await this.#receive({ answer, file, signal }, response);
      if (file.length !== answer.size) throw new NethoodError('interrupted', `${peerName(peer)} sent too little.`);
      await file.finish(answer.modified);
      return answer;
    } finally {
      response.destroy();
    }
  }

  async #openPart(answer: AnsweredFile, record: PartRecord | undefined): Promise<PartFile> {
    const { part } = this.#fetch;
    if (record !== undefined) return PartFile.reopen(part, answer.start);
    // The record comes first, so that a part without one cannot be; its identity follows.
    await this.#save(answer, { safe: 0, identity: '' });
    return PartFile.create(part);
  }

  async #receive({ answer, file, signal }: Attempt, response: Parameters<typeof receiveBody>[0]): Promise<void> {
    const { clock } = this.#context;
    const identity = await file.identity();
    let last = { length: file.length, at: clock.now() };
    let checkpoint: Promise<void> | undefined;
    const save = async (): Promise<void> => this.#save(answer, { safe: await file.checkpoint(), identity });
    const received = (bytes: number): void => {
      this.#counted += bytes;
      this.#context.progress.received(bytes);
      const due = file.length - last.length >= checkpointBytes || clock.now() - last.at >= checkpointMs;
      if (!due || checkpoint !== undefined) return;
      last = { length: file.length, at: clock.now() };
      // One that fails is told by the next write or by `finish`; until then less is safe, which is no harm.
      checkpoint = save()
        .catch(() => undefined)
        .finally(() => (checkpoint = undefined));
    };
    const name = peerName(this.#context.peer);
    try {
      await receiveBody(response, file, { clock, signal, name, received });
    } catch (error) {
      await checkpoint;
      // As much as possible is kept for the next try. Where that fails too, less is kept: `error` is what is told.
      await file
        .settle()
        .then(save)
        .catch(() => undefined);
      throw error;
    }
    await checkpoint;
  }

  async #save(answer: AnsweredFile, { safe, identity }: { safe: number; identity: string }): Promise<void> {
    const { etag, size, modified } = answer;
    const path = pathToText(this.#fetch.part);
    await this.#context.records.save(this.#fetch.key, { kind: 'part', path, etag, size, modified, safe, identity });
  }

  /** Sets how many bytes of this file count as done; those of the first try were there before. */
  #count(bytes: number): void {
    const resumed = Math.min(this.#resumed ?? bytes, bytes);
    this.#context.progress.add({ bytes: bytes - this.#counted, resumedFrom: resumed - (this.#resumed ?? 0) });
    this.#counted = bytes;
    this.#resumed = resumed;
  }

  async #checkSpace(needed: number): Promise<void> {
    const { folder } = this.#fetch.place;
    const { bavail, bsize } = await statfs(folder, { bigint: true });
    if (bavail * bsize < BigInt(needed))
      throw new NethoodError('no-space', `${shownPath(folder)} has too little space: ${needed} bytes are needed.`);
  }
}

/** The very file that the record tells of, with all that was safe, and without a second name: that one would be changed too. */
function isPartOf({ safe, size, identity }: PartRecord, stat: BigIntStats): boolean {
  const same = stat.isFile() && stat.nlink === 1n && identity === identityOf(stat);
  return same && safe > 0 && safe <= size && stat.size >= BigInt(safe);
}

function missing(error: unknown): undefined {
  if (hasErrno(error, 'ENOENT')) return undefined;
  throw error;
}

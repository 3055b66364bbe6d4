/**
 * Fetches one file into a partial file and gives it its name. It comes in blocks with digests, each held to its own
 * before it is written; a try after a break goes on from the last whole block, a run after another from as far as the
 * part can be read and is what its `DigestLog` says: never from the length that it happens to have. The version is asked
 * for by ETag, and a file that changed is fetched from its beginning.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, statfs } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { blockBytes } from './block-digest.ts';
import { blocksType } from './block-frames.ts';
import { verifiedLength } from './digest-log.ts';
import { fillPart } from './fill-part.ts';
import type { GetContext } from './get-context.ts';
import { hasErrno } from './file-errors.ts';
import { identityOf } from './file-version.ts';
import { answeredFile, type AnsweredFile } from './file-version-http.ts';
import { sealFolder } from './local-folder.ts';
import { joinLocal, type LocalPath, pathToText, shownPath } from './local-path.ts';
import { askPeer, peerName } from './peer-http.ts';
import { type Place, publish } from './publish.ts';
import { fileUrl } from './remote-tree.ts';
import { persistently } from './retry.ts';
import { type PartRecord, removePart } from './transfer-records.ts';

/** Times that a file may change under our hands, or come damaged, before we give it up. */
const mostFaults = 3;

export interface FileFetch {
  readonly path: WirePath;
  readonly place: Place;
  readonly part: LocalPath;
  /** Of the record. */
  readonly key: string;
}

/** What is there of an earlier try. */
interface Held {
  readonly record: PartRecord;
  /** Bytes that are good. */
  readonly length: number;
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
    if (hasCode(error, 'no-space', 'changed', 'not-found', 'damaged')) await fetcher.drop();
    throw error;
  }
}

class FileFetcher {
  readonly #context: GetContext;
  readonly #fetch: FileFetch;
  #faults = 0;
  /** Good bytes of the part, as this run knows; undefined before it has looked. */
  #good: number | undefined;
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
      const held = await this.#held(signal);
      try {
        return await this.#once(held, signal);
      } catch (error) {
        const outdated = hasCode(error, 'changed', 'range') && held !== undefined;
        if (!outdated && !hasCode(error, 'damaged')) throw error;
        if (++this.#faults > mostFaults) throw error;
        if (outdated) await this.drop();
      }
    }
  }

  async drop(): Promise<void> {
    if (this.#counted > 0) this.#count(0);
    this.#good = 0;
    await removePart(this.#fetch.part);
    await this.#context.records.remove(this.#fetch.key);
  }

  async #held(signal: AbortSignal): Promise<Held | undefined> {
    const record = await this.#context.records.part(this.#fetch.key);
    const stat = await lstat(this.#fetch.part, { bigint: true }).catch(missing);
    if (record !== undefined && stat !== undefined && isPartOf(record, stat)) {
      this.#good ??= await this.#verified(record, signal);
      if (this.#good > 0) return { record, length: this.#good };
    }
    if (stat !== undefined || record !== undefined) await this.drop();
    return undefined;
  }

  async #verified({ identity, size }: PartRecord, signal: AbortSignal): Promise<number> {
    const { part, key } = this.#fetch;
    const log = this.#context.records.digestsOf(key);
    return verifiedLength({ path: part, identity, log, size }, signal);
  }

  async #once(held: Held | undefined, signal: AbortSignal): Promise<AnsweredFile> {
    const { peer, source } = this.#context;
    const start = held === undefined ? 0 : startAfter(held);
    const version = held === undefined ? {} : { range: `bytes=${start}-`, 'if-match': held.record.etag };
    const response = await askPeer(peer, {
      method: 'GET',
      path: fileUrl(this.#context.share, this.#fetch.path),
      headers: { accept: blocksType, ...version },
      signal,
    });
    try {
      const answer = answeredFile(response, peerName(peer));
      if (answer.start !== start || (held !== undefined && answer.etag !== held.record.etag))
        throw new NethoodError('changed', `${source} is no longer the version that was begun.`);
      await this.#checkSpace(Math.min(answer.size - start, answer.allocated ?? answer.size));
      await this.#fill(answer, response, { record: held?.record, signal });
      return answer;
    } finally {
      response.destroy();
    }
  }

  async #fill(
    answer: AnsweredFile,
    response: IncomingMessage,
    { record, signal }: { record: PartRecord | undefined; signal: AbortSignal },
  ): Promise<void> {
    const { part, place, key } = this.#fetch;
    const { records, progress } = this.#context;
    // The record comes first, so that a part without one cannot be; its identity follows.
    if (record === undefined) await this.#save(answer, '');
    this.#count(answer.start);
    this.#context.began();
    await fillPart(this.#context, {
      answer,
      response,
      part,
      shown: shownPath(joinLocal(place.folder, place.name)),
      identity: record?.identity,
      log: records.digestsOf(key),
      save: (identity) => this.#save(answer, identity),
      received: (bytes) => {
        this.#counted += bytes;
        progress.received(bytes);
      },
      good: (length) => (this.#good = length),
      signal,
    });
  }

  async #save({ etag, size, modified }: AnsweredFile, identity: string): Promise<void> {
    const path = pathToText(this.#fetch.part);
    await this.#context.records.save(this.#fetch.key, { kind: 'part', path, etag, size, modified, identity });
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
      throw new NethoodError(
        'no-space',
        `${shownPath(folder)} has too little space for ${this.#context.source}: ${megabytes(needed)} are needed.`,
      );
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}

/** The very file that the record tells of, and without a second name: that one would be changed too. */
function isPartOf({ identity }: PartRecord, stat: BigIntStats): boolean {
  return stat.isFile() && stat.nlink === 1n && identity === identityOf(stat);
}

/** Of a part that is whole the last block is asked for again: that tells whether it is still the version. */
function startAfter({ record, length }: Held): number {
  return Math.min(length, Math.floor((record.size - 1) / blockBytes) * blockBytes);
}

function missing(error: unknown): undefined {
  if (hasErrno(error, 'ENOENT')) return undefined;
  throw error;
}

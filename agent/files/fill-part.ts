/** Receives what a neighbour answers into a partial file: block by block, each held to its digest, and onto the disk now and then. */
import type { IncomingMessage } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import type { Clock } from '../base/clock.ts';
import { blockBytes } from './block-digest.ts';
import { BlockReader } from './block-reader.ts';
import { DigestLog } from './digest-log.ts';
import { writeError } from './file-errors.ts';
import type { AnsweredFile } from './file-version-http.ts';
import type { GetContext } from './get-context.ts';
import type { LocalPath } from './local-path.ts';
import { PartFile } from './part-file.ts';
import { peerName } from './peer-http.ts';
import { type BodySink, receiveBody } from './receive-body.ts';

/** So much may be in memory alone, or the last fsync would have it all to wait for. */
const syncBytes = 64 << 20;
const syncMs = 5_000;

export interface Filling {
  readonly answer: AnsweredFile;
  readonly response: IncomingMessage;
  readonly part: LocalPath;
  /** What it will be, for messages. */
  readonly shown: string;
  /** Of the part that is gone on with; undefined for a new one. */
  readonly identity: string | undefined;
  /** Path of its `DigestLog`. */
  readonly log: string;
  /** Keeps the record of the part. */
  readonly save: (identity: string) => Promise<void>;
  readonly received: (bytes: number) => void;
  /** How much of the part is good; told when it is opened, and when its filling failed. */
  readonly good: (length: number) => void;
  readonly signal: AbortSignal;
}

/** Kept when the whole file is in the part, synced, with its time. */
export async function fillPart(context: GetContext, filling: Filling): Promise<void> {
  const { answer, good } = filling;
  await using log = await openLog(filling);
  await using part = await openPart(filling, log);
  good(answer.start);
  const identity = await part.identity();
  await filling.save(identity);
  await using syncing = new Syncing(part, context.clock, () => filling.save(identity));
  try {
    await pour(context, filling, { part, look: () => syncing.look() });
    if (part.length !== answer.size)
      throw new NethoodError('interrupted', `${peerName(context.peer)} sent too little.`);
  } catch (error) {
    // Where that fails too nothing is kept but what the log says; `error` is what is told.
    await part.settleBlocks().then(good, () => undefined);
    throw error;
  }
  await part.finish(answer.modified);
}

async function openLog({ answer, log }: Filling): Promise<DigestLog> {
  return DigestLog.open(log, answer.start / blockBytes).catch((error: unknown) => {
    throw writeError(error, "the transfer's record");
  });
}

function openPart({ answer, part, shown, identity }: Filling, log: DigestLog): Promise<PartFile> {
  const options = { shown, log, sparse: answer.allocated !== undefined };
  if (identity === undefined) return PartFile.create(part, options);
  return PartFile.reopen(part, { identity, length: answer.start }, options);
}

async function pour(
  { clock, limit, peer, progress }: GetContext,
  { answer, response, received, signal }: Filling,
  { part, look }: { part: PartFile; look: () => void },
): Promise<void> {
  const { size, length, blocks, allocated } = answer;
  const name = peerName(peer);
  const heard = progress.limit.heard.bind(progress.limit);
  const sink: BodySink = blocks ? new BlockReader({ part, size, sparse: allocated !== undefined, name, heard }) : part;
  await receiveBody(response, sink, {
    length,
    limit,
    clock,
    signal,
    name,
    received: (bytes) => {
      received(bytes);
      look();
    },
    waited: (what, ms) => progress.limit.waited(what, ms),
  });
}

/** Has the disk write in the background; the record is kept young with it. */
class Syncing implements AsyncDisposable {
  readonly #part: PartFile;
  readonly #clock: Clock;
  readonly #save: () => Promise<void>;
  #last: { length: number; at: number };
  #running: Promise<void> | undefined;

  constructor(part: PartFile, clock: Clock, save: () => Promise<void>) {
    this.#part = part;
    this.#clock = clock;
    this.#save = save;
    this.#last = { length: part.length, at: clock.now() };
  }

  look(): void {
    const now = { length: this.#part.length, at: this.#clock.now() };
    const due = now.length - this.#last.length >= syncBytes || now.at - this.#last.at >= syncMs;
    if (!due || this.#running !== undefined) return;
    this.#last = now;
    this.#running = this.#part
      .sync()
      .then(this.#save)
      // One that fails is told by the next write, or by `finish`.
      .catch(() => undefined)
      .finally(() => (this.#running = undefined));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running;
  }
}

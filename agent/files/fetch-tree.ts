/**
 * Fetches a folder that is not here yet as one stream, without a list of its files first: see `tree-frames`. Where the
 * stream breaks or is not whole, the plan (`fetch-plan`) goes on, and finds what has come.
 */
import { statfs } from 'node:fs/promises';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { pathComponents, pathFromComponents } from '../../protocol/wire-path.ts';
import { archiveLimits } from './archive-format.ts';
import { digestOf } from './block-digest.ts';
import type { BatchWriter } from './batch-writer.ts';
import { isUnholdable, type Job, type SeenFolder } from './fetch-plan.ts';
import type { GetContext } from './get-context.ts';
import { isSafeName, LocalNames } from './local-name.ts';
import { joinLocal, type LocalPath, shownPath } from './local-path.ts';
import { askPeer, connectionError, peerName } from './peer-http.ts';
import type { Place } from './publish.ts';
import { type BodySink, receiveBody } from './receive-body.ts';
import { bytesOfDepth, type Frame, frameKinds, FrameReader } from './tree-frames.ts';
import type { WorkQueue } from './work-queue.ts';

/** As many names as a wire path may have. */
const deepest = 1024;
/** Large files told of, and not yet taken by those who fetch them. */
const mostQueueing = 100;

interface OpenFolder {
  readonly components: readonly Uint8Array[];
  readonly local: LocalPath;
  readonly names: LocalNames;
}

export class TreeFetch implements BodySink {
  /** All that were made, each before those in it. */
  readonly folders: SeenFolder[];
  /** Whether all came that can come. */
  whole = false;
  /** Bytes of contents. */
  length = 0;
  ended = false;
  readonly #context: GetContext;
  readonly #writer: BatchWriter;
  readonly #queue: WorkQueue<Job>;
  readonly #root: LocalPath;
  readonly #frames = new FrameReader(archiveLimits.file);
  /** From the outermost to the one whose entries come now. */
  readonly #open: OpenFolder[];
  readonly #queueing = new Set<Promise<void>>();
  #signal = new AbortController().signal;
  #error: NethoodError | undefined;

  constructor(
    context: GetContext,
    root: SeenFolder,
    { writer, queue }: { writer: BatchWriter; queue: WorkQueue<Job> },
  ) {
    this.#context = context;
    this.#writer = writer;
    this.#queue = queue;
    this.#root = root.local;
    this.folders = [root];
    this.#open = [{ components: [], local: root.local, names: new LocalNames(process.platform) }];
  }

  /** Ends the queue. Does not fail where the plan can go on. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#receive(AbortSignal.any([signal, this.#context.retry.lost()]));
    } catch (error) {
      this.whole = false;
      signal.throwIfAborted();
      if (!hasCode(error, 'interrupted', 'unreachable', 'timeout', 'busy', 'unsupported', 'internal')) throw error;
    }
    this.#queue.end();
  }

  get full(): boolean {
    return this.#writer.full || this.#queueing.size >= mostQueueing;
  }

  async room(): Promise<void> {
    if (this.#writer.full) await this.#writer.room();
    while (this.#queueing.size >= mostQueueing) await Promise.race(this.#queueing);
  }

  add(bytes: Buffer): void {
    for (const frame of this.#frames.add(bytes)) {
      if (this.ended) throw new NethoodError('bad-message', 'The neighbour sent more after the end of a folder.');
      if (frame.kind === frameKinds.end) this.#end(frame);
      else if (frame.kind === frameKinds.totals) this.#total(frame);
      else this.#take(frame);
    }
    this.#check();
  }

  async #receive(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const { peer, share, path, clock, limit, progress } = this.#context;
    const response = await askPeer(peer, { method: 'POST', path: `/files/${share}/tree/${path}`, signal });
    this.#context.began();
    try {
      await receiveBody(response, this, {
        length: undefined,
        limit,
        clock,
        signal,
        name: peerName(peer),
        received: (bytes) => progress.received(bytes),
        waited: (what, ms) => progress.limit.waited(what, ms),
      });
      if (!this.ended) throw connectionError(undefined, peerName(peer));
    } finally {
      response.destroy();
      await this.#writer.flush();
      await Promise.all(this.#queueing);
    }
    this.#check();
  }

  #end({ depth, size }: Frame): void {
    this.ended = true;
    this.#context.progress.add({ skipped: size });
    this.whole = depth === 1;
  }

  #total({ size, modified: files, depth }: Frame): void {
    this.#context.progress.totals(files, size);
    void this.#checkSpace(size - depth * bytesOfDepth);
  }

  /** Before the disk is full. */
  async #checkSpace(size: number): Promise<void> {
    const { progress, source } = this.#context;
    // Where it cannot be told, the writing will tell.
    const disk = await statfs(this.#root, { bigint: true }).catch(() => undefined);
    if (disk === undefined || BigInt(size - progress.counts.bytes) <= disk.bavail * disk.bsize) return;
    this.#error ??= new NethoodError('no-space', `${shownPath(this.#root)} has too little space for ${source}.`);
  }

  #take(frame: Frame): void {
    const { kind, depth, name } = frame;
    if (this.#open.length > depth + 1) this.#open.length = depth + 1;
    const folder = this.#open.at(-1);
    const lost = folder === undefined || this.#open.length <= depth || depth > deepest;
    if (lost || !isSafeName(name, 'linux'))
      throw new NethoodError('bad-message', 'The neighbour sent a file before its folder, or without a name.');
    const place = { folder: folder.local, name: folder.names.take(name) };
    if (kind === frameKinds.file && digestOf(frame.content) === frame.digest) this.#takeFile(frame, place);
    else if (kind === frameKinds.folder) this.#takeFolder(frame, folder, place);
    // One that came other than it was sent gets its tries alone.
    else this.#takeAlone(frame, folder, place);
  }

  #takeFolder({ name, modified }: Frame, { components }: OpenFolder, place: Place): void {
    const local = joinLocal(place.folder, place.name);
    this.#writer.makeFolder(local, (error) => {
      // The plan knows what to do where a name is taken, or cannot be had here.
      if (error !== undefined) this.#error ??= new NethoodError('unsupported', error.message, { cause: error });
    });
    this.#open.push({ components: [...components, Buffer.from(name)], local, names: new LocalNames(process.platform) });
    this.folders.push({ local, modified });
  }

  #takeFile({ content, modified }: Frame, place: Place): void {
    this.length += content.length;
    this.#writer.add({ place, content, modified }, (error) => {
      if (error === undefined) this.#context.progress.add({ files: 1 });
      else if (isUnholdable(error)) this.#context.progress.add({ skipped: 1 });
      else this.#error ??= error;
    });
  }

  #takeAlone({ name, size }: Frame, { components }: OpenFolder, place: Place): void {
    const path = pathFromComponents([...pathComponents(this.#context.path), ...components, name]);
    // Its folder is made by then, which may wait in a batch.
    const queueing = this.#writer
      .flush()
      .then(() => this.#queue.put({ kind: 'alone', file: { path, place, size } }, this.#signal))
      // Nobody is there any more to take it: the reason is told to all.
      .catch(() => undefined)
      .finally(() => this.#queueing.delete(queueing));
    this.#queueing.add(queueing);
  }

  #check(): void {
    if (this.#error !== undefined) throw this.#error;
  }
}

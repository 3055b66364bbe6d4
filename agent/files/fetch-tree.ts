/**
 * Fetches a folder that is not here yet as one stream, without a list of its files first: see `tree-frames`. Where the
 * stream breaks or is not whole, the plan (`fetch-plan`) goes on, and finds what has come.
 */
import { statfs } from 'node:fs/promises';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { pathComponents, pathFromComponents } from '../../protocol/wire-path.ts';
import { sleep } from '../base/clock.ts';
import { archiveLimits } from './archive-format.ts';
import type { BatchWriter } from './batch-writer.ts';
import { isUnholdable, type Job, type SeenFolder } from './fetch-plan.ts';
import type { GetContext } from './get-context.ts';
import { makeFolder } from './local-folder.ts';
import { isSafeName, LocalNames } from './local-name.ts';
import { type LocalPath, shownPath } from './local-path.ts';
import { askPeer, connectionError, peerName } from './peer-http.ts';
import type { Place } from './publish.ts';
import { type Frame, frameKinds, FrameReader } from './tree-frames.ts';
import type { WorkQueue } from './work-queue.ts';

/** A transfer that is over sooner needs no totals, and is not made slower by counting. */
const countAfterMs = 500;
/** As many names as a wire path may have. */
const deepest = 1024;

interface OpenFolder {
  readonly components: readonly Uint8Array[];
  /** Undefined where it could not be made here: then nothing in it can. */
  readonly local: LocalPath | undefined;
  readonly names: LocalNames;
}

export class TreeFetch {
  /** All that were made, each before those in it. */
  readonly folders: SeenFolder[];
  /** Whether all came that can come. */
  whole = false;
  readonly #context: GetContext;
  readonly #writer: BatchWriter;
  readonly #queue: WorkQueue<Job>;
  /** From the outermost to the one whose entries come now. */
  readonly #open: OpenFolder[];
  #ended = false;
  #error: NethoodError | undefined;

  constructor(
    context: GetContext,
    root: SeenFolder,
    { writer, queue }: { writer: BatchWriter; queue: WorkQueue<Job> },
  ) {
    this.#context = context;
    this.#writer = writer;
    this.#queue = queue;
    this.folders = [root];
    this.#open = [{ components: [], local: root.local, names: new LocalNames(process.platform) }];
  }

  /** Ends the queue. Does not fail where only the connection does. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#receive(AbortSignal.any([signal, this.#context.retry.lost()]));
    } catch (error) {
      signal.throwIfAborted();
      if (!hasCode(error, 'interrupted', 'unreachable', 'timeout', 'busy', 'unsupported')) throw error;
    }
    this.#queue.end();
  }

  async #receive(signal: AbortSignal): Promise<void> {
    const { peer, share, path } = this.#context;
    const response = await askPeer(peer, { method: 'POST', path: `/files/${share}/tree/${path}`, signal });
    this.#context.began();
    const reader = new FrameReader(archiveLimits.file);
    try {
      for await (const bytes of response as AsyncIterable<Buffer>) await this.#takeAll(reader.add(bytes), signal);
      if (!this.whole) throw connectionError(undefined, peerName(peer));
    } catch (error) {
      this.whole = false;
      signal.throwIfAborted();
      if (response.complete && !(error instanceof NethoodError)) throw error;
      throw connectionError(error, peerName(peer));
    } finally {
      response.destroy();
      await this.#writer.flush();
    }
    this.#check();
  }

  async #takeAll(frames: Iterable<Frame>, signal: AbortSignal): Promise<void> {
    let received = 0;
    for (const frame of frames) {
      if (this.#ended) throw new NethoodError('bad-message', 'The neighbour sent more after the end of a folder.');
      received += frame.content.length;
      if (frame.kind === frameKinds.end) this.#end(frame);
      else await this.#take(frame, signal);
    }
    this.#context.progress.received(received);
    await this.#slow(received, signal);
    this.#check();
  }

  /** No faster than the disk, nor than the user wants. */
  async #slow(received: number, signal: AbortSignal): Promise<void> {
    const { clock, limit, progress } = this.#context;
    if (this.#writer.full) {
      const before = clock.now();
      await this.#writer.room();
      progress.limit.waited('disk', clock.now() - before);
    }
    if (limit.active) progress.limit.waited('setting', await limit.pace(received, signal));
  }

  #end({ depth, size }: Frame): void {
    this.#ended = true;
    this.#context.progress.add({ skipped: size });
    this.whole = depth === 1;
  }

  async #take(frame: Frame, signal: AbortSignal): Promise<void> {
    this.#open.length = Math.min(this.#open.length, frame.depth + 1);
    const folder = this.#open.at(-1);
    const lost = folder === undefined || this.#open.length <= frame.depth || frame.depth > deepest;
    if (lost || !isSafeName(frame.name, 'linux'))
      throw new NethoodError('bad-message', 'The neighbour sent a file before its folder, or without a name.');
    const name = Buffer.from(frame.name);
    const components = [...folder.components, name];
    if (folder.local === undefined) {
      if (frame.kind === frameKinds.folder) this.#open.push({ components, local: undefined, names: folder.names });
      this.#context.progress.add({ skipped: 1 });
      return;
    }
    const place = { folder: folder.local, name: folder.names.take(name) };
    if (frame.kind === frameKinds.folder) await this.#takeFolder(frame, place, components);
    else if (frame.kind === frameKinds.file) this.#takeFile(frame, place);
    else {
      const path = pathFromComponents([...pathComponents(this.#context.path), ...components]);
      await this.#queue.put({ kind: 'alone', file: { path, place, size: frame.size } }, signal);
    }
  }

  async #takeFolder({ modified }: Frame, place: Place, components: readonly Uint8Array[]): Promise<void> {
    const made = await makeFolder(place).catch((error: unknown) => {
      if (!isUnholdable(error)) throw error;
      this.#context.progress.add({ skipped: 1 });
    });
    this.#open.push({ components, local: made?.path, names: new LocalNames(process.platform) });
    if (made !== undefined) this.folders.push({ local: made.path, modified });
  }

  #takeFile({ content, modified }: Frame, place: Place): void {
    this.#writer.add({ place, content, modified }, (error) => {
      if (error === undefined) this.#context.progress.add({ files: 1 });
      else if (isUnholdable(error)) this.#context.progress.add({ skipped: 1 });
      else this.#error ??= error;
    });
  }

  #check(): void {
    if (this.#error !== undefined) throw this.#error;
  }
}

/** After a while, while the stream runs. @throws `no-space` where not all can come */
export async function tellTotals(context: GetContext, local: LocalPath, signal: AbortSignal): Promise<void> {
  try {
    await sleep(context.clock, countAfterMs, signal);
    const { files, bytes } = await countedTree(context, signal);
    context.progress.totals(files, bytes);
    const { bavail, bsize } = await statfs(local, { bigint: true });
    if (BigInt(bytes - context.progress.counts.bytes) > bavail * bsize)
      throw new NethoodError('no-space', `${shownPath(local)} has too little space for ${context.source}.`);
  } catch (error) {
    // Without totals less is shown, and nothing else: what is wrong shows in the stream as well.
    if (!signal.aborted && hasCode(error, 'no-space')) throw error;
  }
}

async function countedTree({ tree, path }: GetContext, signal: AbortSignal): Promise<{ files: number; bytes: number }> {
  const sum = { files: 0, bytes: 0 };
  let cursor: string | undefined;
  do {
    const page = await tree.walk(path, cursor, signal);
    for (const { kind, size } of page.entries) {
      if (kind !== 'file') continue;
      sum.files++;
      sum.bytes += size;
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return sum;
}

/** Puts many small files as one tar. Of what a broken connection did not bring, only that is sent again. */
import { type ErrorCode, NethoodError } from '../../protocol/errors.ts';
import { type PeerEntry, peerLimits } from '../../protocol/peer.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { type ArchivedFile, type MissingFile, packArchive } from './archive-format.ts';
import { jsonOf, peerName } from './peer-http.ts';
import { askToTell, knowsFrames, paced, type PutContext } from './put-context.ts';
import { framesType, packFrames } from './put-frames.ts';
import { ArchiveAnswer, putUrl, toldOfFile } from './put-format.ts';
import { filesOf } from './read-files.ts';
import { persistently } from './retry.ts';
import { sendToPeer } from './send-to-peer.ts';
import { offerVerified } from './verify-there.ts';

export interface FailedPut {
  readonly entry: PeerEntry;
  readonly code: ErrorCode;
}

export interface BatchPut {
  /** Their paths are relative to the folder that is sent, and so are those there. */
  readonly entries: readonly PeerEntry[];
  /** The folder in the share. */
  readonly to: WirePath;
}

/** Gives the files that were not put, and why. */
export async function putBatch(context: PutContext, batch: BatchPut, signal: AbortSignal): Promise<FailedPut[]> {
  const run = new BatchRun(context, batch);
  await persistently(context.retry, signal, (contact) => run.attempt(contact));
  return run.failed;
}

class BatchRun {
  readonly failed: FailedPut[] = [];
  readonly #context: PutContext;
  readonly #to: WirePath;
  readonly #left: Map<WirePath, PeerEntry>;
  #again = false;

  constructor(context: PutContext, { entries, to }: BatchPut) {
    this.#context = context;
    this.#to = to;
    this.#left = new Map(entries.map((entry) => [entry.path, entry]));
  }

  async attempt(signal: AbortSignal): Promise<void> {
    if (this.#again) await this.#leaveOutWhatIsThere(signal);
    this.#again = true;
    if (this.#left.size === 0) return;
    const sent: PeerEntry[] = [];
    try {
      await this.#send(sent, signal);
    } catch (error) {
      this.#context.progress.add({ bytes: -bytesOf(sent) });
      throw error;
    }
  }

  async #send(sent: PeerEntry[], signal: AbortSignal): Promise<void> {
    const { peer, share, keep, source, batchThread, progress } = this.#context;
    const frames = knowsFrames(this.#context);
    const pack = frames ? packFrames : packArchive;
    const response = await sendToPeer(peer, {
      path: putUrl(share, 'archive-in', this.#to),
      headers: {
        'content-type': frames ? framesType : 'application/x-tar',
        ...askToTell(this.#context),
        ...(keep ? { 'nethood-keep': '1' } : {}),
      },
      send: async (write) => {
        const files = filesOf({ tree: source, thread: batchThread }, [...this.#left.keys()], signal);
        const send = paced(this.#context, write, signal);
        let counted = 0;
        for await (const bytes of pack(this.#noted(files, sent))) {
          // Those that were noted until now are in what was packed until now.
          const all = bytesOf(sent) + sent.length * toldOfFile;
          await progress.limit.waiting('wire', send(bytes, all - counted));
          counted = all;
        }
      },
      heard: (load) => progress.heard(load),
      signal,
    });
    const answer = ArchiveAnswer.safeParse(await jsonOf(response, peerName(peer)));
    if (!answer.success || answer.data.taken + answer.data.failed.length !== sent.length)
      throw new NethoodError('bad-message', `${peerName(peer)} did not say which files it has taken.`);
    this.#context.began();
    const failed = new Set<PeerEntry>();
    for (const { at, code } of answer.data.failed) {
      const entry = sent[at];
      if (entry !== undefined) failed.add(entry);
      this.#fail(entry?.path, code);
    }
    this.#context.progress.add({ bytes: -bytesOf(failed), files: sent.length - failed.size });
    for (const { path } of sent) this.#left.delete(path);
  }

  /** Which are sent, and which could not be read. */
  async *#noted(
    files: AsyncIterable<ArchivedFile | MissingFile>,
    sent: PeerEntry[],
  ): AsyncGenerator<ArchivedFile | MissingFile, void> {
    for await (const file of files) {
      const entry = this.#left.get(file.path);
      if (entry !== undefined && 'content' in file) {
        sent.push({ ...entry, size: file.content.length });
        this.#context.progress.received(file.content.length);
      } else if (!('content' in file)) this.#fail(file.path, file.code);
      yield file;
    }
  }

  async #leaveOutWhatIsThere(signal: AbortSignal): Promise<void> {
    for (const page of pagesOf([...this.#left.values()])) await this.#offerAgain(page, signal);
  }

  async #offerAgain(entries: readonly PeerEntry[], signal: AbortSignal): Promise<void> {
    const answers = await offerVerified(this.#context, { folder: this.#to, entries }, signal);
    for (const [at, { path, size }] of entries.entries()) {
      const answer = answers[at];
      if (answer?.state === 'here') {
        this.#left.delete(path);
        this.#context.progress.add({ files: 1, bytes: size });
      } else if (answer?.state === 'refused') this.#fail(path, answer.code);
    }
  }

  #fail(path: WirePath | undefined, code: ErrorCode): void {
    const entry = path === undefined ? undefined : this.#left.get(path);
    if (entry === undefined) return;
    this.#left.delete(entry.path);
    this.failed.push({ entry, code });
  }
}

/** As the pages of a walk: each fits into one message. */
function* pagesOf(entries: readonly PeerEntry[]): Generator<PeerEntry[], void> {
  let page: PeerEntry[] = [];
  let text = 0;
  for (const entry of entries) {
    text += entry.path.length;
    if (page.length > 0 && (page.length === peerLimits.page || text > peerLimits.message / 2)) {
      yield page;
      page = [];
      text = entry.path.length;
    }
    page.push(entry);
  }
  if (page.length > 0) yield page;
}

function bytesOf(entries: Iterable<PeerEntry>): number {
  let bytes = 0;
  for (const { size } of entries) bytes += size;
  return bytes;
}

/** What a neighbour puts into a share of ours: many small files in one tar, each whole and safe before it is named. */
import { Readable } from 'node:stream';
import { hasCode, NethoodError, toNethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { type ArchivedFile, archiveLimits, readArchive } from './archive-format.ts';
import type { ArchiveAnswer } from './put-format.ts';
import { writeKept } from './kept-name.ts';
import { answerJson, type Reception } from './receive-part.ts';

/** Files being written at the same time; the next entry of the tar waits for a place. */
const writtenAtOnce = 32;
const bytesAtOnce = 16 << 20;

/** `POST …/archive-in/<path>` */
export async function receiveArchive(reception: Reception, exchange: HttpExchange): Promise<void> {
  const archive = new ArchiveReception(reception, exchange.request.headers['nethood-keep'] === '1');
  try {
    for await (const item of readArchive(exchange.request))
      if ('content' in item) await archive.take(item, exchange.signal);
  } finally {
    await archive.written();
  }
  answerJson(exchange, archive.answer());
}

class ArchiveReception {
  readonly #reception: Reception;
  readonly #keep: boolean;
  readonly #writing = new Set<Promise<void>>();
  #writingBytes = 0;
  #files = 0;
  readonly #failed: ArchiveAnswer['failed'] = [];
  #error: NethoodError | undefined;

  constructor(reception: Reception, keep: boolean) {
    this.#reception = reception;
    this.#keep = keep;
  }

  answer(): ArchiveAnswer {
    this.#check();
    return { taken: this.#files - this.#failed.length, failed: this.#failed };
  }

  /** @throws what stands in the way of all of them */
  async take(file: ArchivedFile, signal: AbortSignal): Promise<void> {
    const at = this.#files++;
    if (this.#files > archiveLimits.files) throw new NethoodError('too-large', 'Too many files came at once.');
    const bytes = file.content.length;
    const write = this.#write(file, signal)
      .catch((error: unknown) => this.#missed(at, toNethoodError(error)))
      .finally(() => {
        this.#writing.delete(write);
        this.#writingBytes -= bytes;
      });
    this.#writing.add(write);
    this.#writingBytes += bytes;
    while (this.#writing.size >= writtenAtOnce || this.#writingBytes >= bytesAtOnce) await Promise.race(this.#writing);
    this.#check();
  }

  async written(): Promise<void> {
    await Promise.all(this.#writing);
  }

  async #write({ path, content, modified }: ArchivedFile, signal: AbortSignal): Promise<void> {
    const { tree, path: folder } = this.#reception;
    const target = (folder === '' ? path : `${folder}/${path}`) as WirePath;
    const version = { size: content.length, modified };
    const body = (): Readable => Readable.from([content]);
    if (this.#keep) await writeKept(tree, target, { version, body, signal });
    else await tree.write(target, { ...version, body: body(), signal });
  }

  #missed(at: number, error: NethoodError): void {
    if (isOfOneFile(error)) this.#failed.push({ at, code: error.code });
    else this.#error ??= error;
  }

  #check(): void {
    if (this.#error !== undefined) throw this.#error;
  }
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

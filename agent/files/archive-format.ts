/**
 * The tar that carries many files (POSIX.1-2001 pax; the one importer of tar-stream).
 *
 * Each entry is one regular file. Its name is the wire path as it was asked for: plain ASCII, so no encoding can
 * change it, and nothing to extract with a foreign tar. The modification time is in the pax record `mtime`, in seconds
 * with three decimals, a CRC-32 of the content in `NETHOOD.crc32`. The last entry is named `%report`, which no wire path can be, and holds JSON:
 *
 *     {"missing": [{"path": "a/b", "code": "not-found" | "changed" | "too-large" | …}]}
 *
 * Every path that was asked for is either an entry or missing; a tar without report was cut off.
 */
import type { Readable } from 'node:stream';
import { extract, type Header, pack, type Pack } from 'tar-stream';
import { z } from 'zod';
import { errorCodes, NethoodError } from '../../protocol/errors.ts';
import { WirePath } from '../../protocol/wire-path.ts';
import { digestOf } from './block-digest.ts';

export const archiveLimits = {
  /** Paths in one request. */
  files: 4096,
  /** Bytes of one request. */
  request: 4 << 20,
  /** Bytes of one file: it is held in memory, so that one that changes meanwhile is not sent at all. */
  file: 8 << 20,
} as const;

const reportName = '%report';
/** Bytes gathered before they are sent: a TLS record each for header, padding and a few bytes of content is slow. */
const gathered = 256 << 10;

export const ArchiveReport = z.object({
  missing: z.array(z.object({ path: WirePath, code: z.enum(errorCodes).catch('internal') })).max(archiveLimits.files),
});
export type ArchiveReport = z.infer<typeof ArchiveReport>;
export type MissingFile = ArchiveReport['missing'][number];

export interface ArchivedFile {
  readonly path: WirePath;
  readonly content: Buffer;
  /** Milliseconds since 1970, whole. */
  readonly modified: number;
  /** It came other than it was sent. */
  readonly damaged?: boolean;
}

const digestRecord = 'NETHOOD.crc32';
const PaxRecords = z.object({
  mtime: z.string().max(32),
  /** Decimal; absent from agents of version 0.1. */
  [digestRecord]: z.string().max(10).optional(),
});

/** The tar of what `files` gives. */
export async function* packArchive(files: AsyncIterable<ArchivedFile | MissingFile>): AsyncGenerator<Buffer, void> {
  const tar = pack();
  const missing: MissingFile[] = [];
  let held: Buffer[] = [];
  let size = 0;
  // Flowing, and drained between the entries: what is held is one file and what was gathered.
  tar.on('data', (bytes) => {
    held.push(bytes as Buffer);
    size += (bytes as Buffer).length;
  });
  for await (const file of files) {
    if (!('content' in file)) missing.push(file);
    else {
      const pax = { mtime: (file.modified / 1000).toFixed(3), [digestRecord]: String(digestOf(file.content)) };
      // Copied, as the memory of each is used again before this has been sent.
      await packed(tar, { name: file.path, mtime: new Date(file.modified), pax }, Buffer.from(file.content));
    }
    if (size >= gathered) {
      yield Buffer.concat(held, size);
      held = [];
      size = 0;
    }
  }
  await packed(tar, { name: reportName }, Buffer.from(JSON.stringify({ missing } satisfies ArchiveReport)));
  const ended = new Promise<void>((resolve) => void tar.on('end', resolve));
  tar.finalize();
  await ended;
  yield Buffer.concat(held, size);
}

function packed(tar: Pack, header: Pick<Header, 'name'> & Partial<Header>, content: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, content, (error) => (error ? reject(error) : resolve()));
  });
}

/** What came in a tar: the files in order, then the report. @throws `bad-message` for anything that is not such a tar, `interrupted` for one that was cut off */
export async function* readArchive(body: Readable): AsyncGenerator<ArchivedFile | ArchiveReport, void> {
  const tar = extract();
  // Errors of the body must end the loop below, which waits for the next entry.
  body.on('error', (error) => tar.destroy(error)).on('close', () => body.readableEnded || tar.destroy(cutOff()));
  body.pipe(tar);
  let reported = false;
  for await (const entry of tar) {
    const { header } = entry;
    const limit = header.name === reportName ? archiveLimits.request * 2 : archiveLimits.file;
    if (reported || header.type !== 'file' || header.size > limit) throw notOurs();
    const content = await contentOf(entry);
    reported = header.name === reportName;
    yield reported ? reportOf(content) : fileOf(header, content);
  }
  if (!reported) throw cutOff();
}

async function contentOf(entry: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const bytes of entry) chunks.push(bytes as Buffer);
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

function fileOf({ name, pax }: Header, content: Buffer): ArchivedFile {
  const path = WirePath.safeParse(name);
  const records = PaxRecords.safeParse(pax);
  const modified = records.success ? Math.round(Number(records.data.mtime) * 1000) : Number.NaN;
  if (!path.success || !Number.isSafeInteger(modified)) throw notOurs();
  return { path: path.data, content, modified, ...(isDamaged(records.data, content) ? { damaged: true } : {}) };
}

function isDamaged(records: z.infer<typeof PaxRecords> | undefined, content: Buffer): boolean {
  const digest = records?.[digestRecord];
  return digest !== undefined && Number(digest) !== digestOf(content);
}

function reportOf(content: Buffer): ArchiveReport {
  try {
    return ArchiveReport.parse(JSON.parse(content.toString()));
  } catch (error) {
    throw notOurs(error);
  }
}

function notOurs(cause?: unknown): NethoodError {
  return new NethoodError('bad-message', 'The neighbour sent an archive that cannot be read.', { cause });
}

function cutOff(): NethoodError {
  return new NethoodError('interrupted', 'The connection broke in the middle of an archive.');
}

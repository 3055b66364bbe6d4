/** How a document becomes a file in the PDF printer's folder: whole, fsynced, and never over another. */
import { createWriteStream } from 'node:fs';
import { link, lstat, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { NethoodError } from '../../protocol/errors.ts';
import type { Document } from '../printing/print-backend.ts';
import type { PageRange } from './pdf-pages.ts';

export interface TakenDocument {
  /** Of the file. */
  readonly format: string;
  /** Undefined where they are not counted. */
  readonly pages: number | undefined;
}

/** What is chosen from is held in memory meanwhile. */
const mostToChooseFrom = 128 * 2 ** 20;

/** Whole and fsynced under the hidden name, raster as PDF, only the pages that are asked for, or nothing at all. @throws `bad-document` and what the disk says */
export async function takeDocument(document: Document, hidden: string, signal: AbortSignal): Promise<TakenDocument> {
  // What knows raster and the inside of PDF is loaded by the first who needs it: many PCs never print into files.
  const { rasterKinds, rasterToPdf } = await import('./raster-to-pdf.ts');
  const incoming = `${hidden}-new`;
  const file = createWriteStream(incoming, { mode: 0o644, flush: true });
  const kind = rasterKinds.get(document.format);
  let pages = document.format === 'image/jpeg' ? 1 : undefined;
  try {
    if (kind === undefined) await pipeline(document.open(), file, { signal });
    else {
      const toPdf = (source: AsyncIterable<Buffer>) =>
        rasterToPdf(source, { kind, onPage: (count) => (pages = count) });
      await pipeline(document.open(), toPdf, file, { signal });
    }
    const ranges = pageRanges(document);
    if (ranges.length > 0) pages = await keepPages(incoming, document.format, ranges);
    await rename(incoming, hidden);
  } catch (error) {
    await rm(incoming, { force: true });
    signal.throwIfAborted();
    throw error;
  }
  return { format: kind === undefined ? document.format : 'application/pdf', pages };
}

function pageRanges({ template }: Document): PageRange[] {
  const values = template.get('page-ranges') ?? [];
  return values.flatMap((value) => (value.tag === 'rangeOfInteger' ? [value] : []));
}

/** How many are left in the file. @throws NethoodError `bad-document` */
async function keepPages(path: string, format: string, ranges: readonly PageRange[]): Promise<number> {
  if (format === 'image/jpeg') {
    if (ranges.some(({ lower }) => lower === 1)) return 1;
    throw new NethoodError('bad-document', 'A picture has one page, and it is not among those that are asked for.');
  }
  if (format === 'text/plain') throw new NethoodError('bad-document', 'A text that is kept as text has no pages.');
  if ((await stat(path)).size > mostToChooseFrom)
    throw new NethoodError('bad-document', 'The document is too large for taking pages out of it.');
  const { selectPages } = await import('./pdf-pages.ts');
  const { pdf, pages } = selectPages(await readFile(path), ranges);
  await writeFile(path, pdf, { flush: true });
  return pages;
}

/** `link` never overwrites. Where the file system has no links (FAT), a rename to a name that looks free. */
export async function giveName(folder: string, hidden: string, names: Iterable<string>): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    try {
      await link(hidden, path);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') continue;
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS' && code !== 'EOPNOTSUPP') throw error;
    }
    if ((await lstat(path).catch(missing)) === undefined) return rename(hidden, path);
  }
}

export function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** @throws what the folder's error means; the document's own error stays what it is */
export function folderError(error: unknown, folder: string): never {
  if (!(error instanceof Error) || !('code' in error) || error instanceof NethoodError) throw error;
  const full = error.code === 'ENOSPC' || error.code === 'EDQUOT';
  if (full) throw new NethoodError('no-space', `The disk of ${folder} is full.`, { cause: error });
  throw new NethoodError('unavailable', `The folder ${folder} cannot be written: ${error.message}.`, { cause: error });
}

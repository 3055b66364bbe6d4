/** PWG or Apple raster in, PDF out, both as streams: a line, a block of lines and the compressor's window are all that is held. */
import { pipeline } from 'node:stream/promises';
import { createDeflate } from 'node:zlib';
import { filteredLine, PdfWriter, repeatedLine } from './pdf-writer.ts';
import { RasterDecoder, type RasterEvent } from './raster-decoder.ts';
import { appleRaster, pwgRaster, type RasterKind } from './raster-header.ts';
import { rasterLimits, type RasterLimits, type RasterPage } from './raster-page.ts';

export const rasterKinds: ReadonlyMap<string, RasterKind> = new Map([
  ['image/pwg-raster', pwgRaster],
  ['image/urf', appleRaster],
]);

export interface RasterToPdf {
  readonly kind: RasterKind;
  readonly limits?: RasterLimits;
  /** Told how many pages are whole so far. */
  readonly onPage?: (pages: number) => void;
}

type RasterEvents = AsyncGenerator<RasterEvent, void, undefined>;

const blockBytes = 256 * 1024;
/** Printed pages are mostly paper: higher levels cost more time than they save bytes. */
const level = 3;

/** @throws NethoodError `bad-document` */
export async function* rasterToPdf(
  source: AsyncIterable<Buffer>,
  { kind, limits = rasterLimits, onPage }: RasterToPdf,
): AsyncGenerator<Buffer, void, undefined> {
  const pdf = new PdfWriter();
  yield pdf.begin();
  const events = eventsOf(source, new RasterDecoder(kind, limits));
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) break;
    if (value.type !== 'page') continue;
    yield pdf.beginPage(value.page);
    for await (const piece of compressed(blocks(events, value.page))) yield pdf.image(piece);
    yield pdf.endPage();
    onPage?.(pdf.pages);
  }
  yield pdf.end();
}

async function* eventsOf(source: AsyncIterable<Buffer>, decoder: RasterDecoder): RasterEvents {
  for await (const piece of source) yield* decoder.write(piece);
  decoder.end();
}

/** The lines of one page. A line that is there many times is kept once. */
async function* blocks(events: RasterEvents, page: RasterPage): AsyncGenerator<Buffer, void, undefined> {
  const repeated = repeatedLine(page);
  let block: Buffer[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await events.next();
    if (done === true || value.type !== 'line') break;
    for (let time = 0; time < value.times; time++) {
      const line = time === 0 ? filteredLine(value.bytes) : repeated;
      block.push(line);
      size += line.length;
      if (size < blockBytes) continue;
      yield Buffer.concat(block, size);
      block = [];
      size = 0;
    }
  }
  yield Buffer.concat(block, size);
}

async function* compressed(plain: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  const deflate = createDeflate({ level });
  const fed = pipeline(plain, deflate);
  // What fails there destroys `deflate` with it, which is thrown below.
  fed.catch(() => undefined);
  for await (const piece of deflate as AsyncIterable<Buffer>) yield piece;
  await fed;
}

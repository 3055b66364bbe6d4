import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { bytesPerLine, rasterLimits, type RasterPage } from '../../agent/platform/raster-page.ts';
import { rasterKinds, rasterToPdf, type RasterToPdf } from '../../agent/platform/raster-to-pdf.ts';
import { heldMiB } from '../fuzz/heap.ts';
import { count, seededRandom } from '../office/counts.ts';
import { until } from '../office/until.ts';
import { readPdf } from './pdf-read.ts';
import { a4, encodeRaster, pwgHeader, type RasterFormat, type TestPage } from './raster-encode.ts';

interface Converted {
  readonly pdf: Buffer;
  /** What `onPage` told. */
  readonly pages: number[];
}

type Pieces = Iterable<Buffer> | AsyncIterable<Buffer>;

async function convert(format: RasterFormat, pieces: Pieces): Promise<Converted> {
  const pages: number[] = [];
  const parts: Buffer[] = [];
  for await (const part of converting(format, pieces, { onPage: (page) => pages.push(page) })) parts.push(part);
  return { pdf: Buffer.concat(parts), pages };
}

function converting(
  format: RasterFormat,
  pieces: Pieces,
  options: Omit<RasterToPdf, 'kind'> = {},
): AsyncIterable<Buffer> {
  const kind = rasterKinds.get(format);
  if (kind === undefined) throw new Error(`${format} is no raster`);
  return rasterToPdf(Readable.from(pieces) as AsyncIterable<Buffer>, { ...options, kind });
}

async function lengthOf(parts: AsyncIterable<Buffer>): Promise<number> {
  let length = 0;
  for await (const part of parts) length += part.length;
  return length;
}

function drawn(change: Partial<RasterPage>, seed = 1): TestPage {
  const page: RasterPage = { ...a4, width: 90, height: 40, ...change };
  const random = seededRandom(seed);
  const line = (): Buffer => {
    const bytes = Buffer.alloc(bytesPerLine(page));
    for (let at = 0; at < bytes.length; at++) bytes[at] = random() * 256;
    return bytes;
  };
  const [first, second] = [line(), line()];
  return { page, lines: Array.from({ length: page.height }, (_, at) => (at % 9 === 0 ? second : first)) };
}

test('every page becomes one image of its size, in its colours, under one table of objects', async () => {
  const pages = [
    drawn({ space: 'gray', resolution: { x: 300, y: 600 } }),
    drawn({ space: 'rgb', bitsPerColor: 16 }, 2),
    drawn({ space: 'black', bitsPerColor: 1 }, 3),
    drawn({ space: 'cmyk', mirrored: { x: true, y: true } }, 4),
    drawn({ space: 'adobe-rgb' }, 5),
  ];
  const { pdf, pages: told } = await convert('image/pwg-raster', [encodeRaster('image/pwg-raster', pages)]);
  const read = readPdf(pdf);
  expect(told).toEqual([1, 2, 3, 4, 5]);
  expect(read.map(({ width, height }) => [width, height])).toEqual([
    [21.6, 4.8],
    ...pages.slice(1).map(() => [43.2, 19.2]),
  ]);
  for (const [at, { lines }] of pages.entries()) expect(read[at]?.lines).toEqual(lines);
  expect(read.map(({ image }) => /\/ColorSpace (\/\w+|\[\/\w+)/.exec(image)?.[1])).toEqual([
    '/DeviceGray',
    '/DeviceRGB',
    '/DeviceGray',
    '/DeviceCMYK',
    '[/CalRGB',
  ]);
  // Ink is 1 in black, light is 1 in PDF's gray.
  expect(read.map(({ image }) => image.includes('/Decode [1 0]'))).toEqual([false, false, true, false, false]);
  expect(read.map(({ drawing }) => drawing.split(' cm')[0])).toEqual([
    '21.6 0 0 4.8 0 0',
    '43.2 0 0 19.2 0 0',
    '43.2 0 0 19.2 0 0',
    '-43.2 0 0 -19.2 43.2 19.2',
    '43.2 0 0 19.2 0 0',
  ]);
});

test('a page in hundreds of pieces is the same PDF', async () => {
  const bytes = encodeRaster('image/urf', [drawn({}), drawn({}, 2)]);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, at) => bytes.subarray(at * 7, at * 7 + 7));
  const [whole, cut] = [await convert('image/urf', [bytes]), await convert('image/urf', pieces)];
  expect(cut.pdf.equals(whole.pdf)).toBe(true);
});

test.each([
  ['within a page', (bytes: Buffer) => bytes.subarray(0, -1)],
  ['before any page', (bytes: Buffer) => bytes.subarray(0, 12)],
  ['with more than its pages', (bytes: Buffer) => Buffer.concat([bytes, Buffer.from('more')])],
  ['as another format', (bytes: Buffer) => Buffer.concat([Buffer.from('%PDF-1.7'), bytes])],
])('a document that ends %s is refused', async (_, change) => {
  const bytes = encodeRaster('image/urf', [drawn({})]);
  await expect(convert('image/urf', [change(bytes)])).rejects.toMatchObject({ code: 'bad-document' });
});

test('what the source fails with comes through, in the middle of a page too', async () => {
  const bytes = encodeRaster('image/urf', [drawn({ height: 4_000 })]);
  const failing = async function* (): AsyncGenerator<Buffer> {
    yield bytes.subarray(0, bytes.length / 2);
    await Promise.resolve();
    throw new Error('the disk failed');
  };
  await expect(convert('image/urf', failing())).rejects.toThrow('the disk failed');
});

/** 200 by 200 inches of nothing at a byte a pixel: 256 lines in four bytes, and after all of them the stream goes on. */
function* bomb(pages: number): Generator<Buffer> {
  const side = 30_000;
  const page: RasterPage = { ...a4, width: side, height: side, space: 'gray' };
  yield Buffer.from('RaS2');
  const line = Buffer.from([255, 0, 7, 0x80]);
  const rest = Buffer.from([(side % 256) - 1, 0, 7, 0x80]);
  for (let number = 0; number < pages; number++) {
    yield pwgHeader(page);
    for (let at = 0; at + 256 <= side; at += 256) yield line;
    yield rest;
  }
}

test('a bomb of gigabytes in kilobytes stays kilobytes, in memory and as PDF', async () => {
  const pages = count(1, 8);
  const unpackedMiB = (pages * 30_000 * 30_000) / 2 ** 20;
  const before = heldMiB();
  const rssBefore = process.memoryUsage().rss;
  let most = rssBefore;
  const sampling = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
  const start = performance.now();
  const length = await lengthOf(converting('image/pwg-raster', bomb(pages))).finally(() => clearInterval(sampling));
  const seconds = (performance.now() - start) / 1_000;
  const moreMiB = (most - rssBefore) / 2 ** 20;
  process.stdout.write(
    `${unpackedMiB.toFixed(0)} MiB unpacked in ${seconds.toFixed(1)} s, ${moreMiB.toFixed(0)} MiB more memory at most\n`,
  );
  expect(length).toBeLessThan((unpackedMiB * 2 ** 20) / 150);
  expect(moreMiB).toBeLessThan(120);
  // What the compressor's threads still have is given back a moment later.
  let held = 0;
  await until(() => (held = heldMiB() - before) < 8, { what: () => `${held} MiB to be given back`, withinMs: 10_000 });
}, 60_000);

test('a bomb beyond the limits is refused before it goes off', async () => {
  const limits = { ...rasterLimits, bytes: count(2 ** 30, rasterLimits.bytes) };
  const start = performance.now();
  const exploding = lengthOf(converting('image/pwg-raster', bomb(100), { limits }));
  await expect(exploding).rejects.toMatchObject({ code: 'bad-document' });
  process.stdout.write(`refused after ${((performance.now() - start) / 1_000).toFixed(1)} s\n`);
}, 600_000);

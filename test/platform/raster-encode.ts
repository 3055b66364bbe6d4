/** PWG and Apple raster as a client writes it: repeated lines and pixels counted, the rest as it is. */
import { bytesPerLine, bytesPerUnit, colorsOf, type RasterPage } from '../../agent/platform/raster-page.ts';

export interface TestPage {
  readonly page: RasterPage;
  /** One buffer a line. */
  readonly lines: readonly Buffer[];
}

export type RasterFormat = 'image/pwg-raster' | 'image/urf';

export const a4: RasterPage = {
  width: 1240,
  height: 1754,
  resolution: { x: 150, y: 150 },
  space: 'rgb',
  bitsPerColor: 8,
  mirrored: { x: false, y: false },
};

export function encodeRaster(format: RasterFormat, pages: readonly TestPage[]): Buffer {
  const [begin, header] =
    format === 'image/urf' ? [urfBegin(pages.length), urfHeader] : [Buffer.from('RaS2'), pwgHeader];
  return Buffer.concat([begin, ...pages.flatMap(({ page, lines }) => [header(page), ...packed(page, lines)])]);
}

function urfBegin(pages: number): Buffer {
  const begin = Buffer.from('UNIRAST\0\0\0\0\0');
  begin.writeUInt32BE(pages, 8);
  return begin;
}

const urfSpaces = { gray: 0, rgb: 1, 'adobe-rgb': 3, cmyk: 6, black: 4 };
const pwgSpaces = { rgb: 19, black: 3, cmyk: 6, gray: 18, 'adobe-rgb': 20 };

export function urfHeader(page: RasterPage): Buffer {
  const header = Buffer.alloc(32);
  header[0] = page.bitsPerColor * colorsOf(page);
  header[1] = urfSpaces[page.space];
  header[2] = 1;
  header[3] = 4;
  header.writeUInt32BE(page.width, 12);
  header.writeUInt32BE(page.height, 16);
  header.writeUInt32BE(page.resolution.x, 20);
  return header;
}

export function pwgHeader(page: RasterPage): Buffer {
  const header = Buffer.alloc(1_796);
  header.write('PwgRaster');
  const fields: readonly [number, number][] = [
    [276, page.resolution.x],
    [280, page.resolution.y],
    [340, 1],
    [372, page.width],
    [376, page.height],
    [384, page.bitsPerColor],
    [388, page.bitsPerColor * colorsOf(page)],
    [392, bytesPerLine(page)],
    [400, pwgSpaces[page.space]],
    [420, colorsOf(page)],
  ];
  for (const [at, value] of fields) header.writeUInt32BE(value, at);
  header.writeInt32BE(page.mirrored.x ? -1 : 1, 456);
  header.writeInt32BE(page.mirrored.y ? -1 : 1, 460);
  return header;
}

function* packed(page: RasterPage, lines: readonly Buffer[]): Generator<Buffer> {
  for (let at = 0; at < lines.length;) {
    const line = lines[at] ?? Buffer.alloc(0);
    let times = 1;
    while (times < 256 && lines[at + times]?.equals(line) === true) times++;
    yield Buffer.from([times - 1]);
    yield* packedLine(line, bytesPerUnit(page));
    at += times;
  }
}

function* packedLine(line: Buffer, unitBytes: number): Generator<Buffer> {
  const units = line.length / unitBytes;
  const unit = (at: number): Buffer => line.subarray(at * unitBytes, (at + 1) * unitBytes);
  const same = (at: number): boolean => at + 1 < units && unit(at).equals(unit(at + 1));
  for (let at = 0; at < units;) {
    let end = at + 1;
    const repeated = same(at);
    while (end < units && end - at < 128 && (repeated ? same(end - 1) : !same(end))) end++;
    const count = end - at;
    // A single unit is no literal: 257 less 1 is a byte too many.
    const single = repeated || count === 1;
    yield Buffer.from([single ? count - 1 : 257 - count]);
    yield single ? unit(at) : line.subarray(at * unitBytes, end * unitBytes);
    at = end;
  }
}

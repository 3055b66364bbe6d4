import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RasterDecoder } from '../../agent/platform/raster-decoder.ts';
import { bytesPerLine, rasterLimits, type RasterLimits, type RasterPage } from '../../agent/platform/raster-page.ts';
import { rasterKinds } from '../../agent/platform/raster-to-pdf.ts';
import { hasCode } from '../../protocol/errors.ts';
import { count, seededRandom } from '../office/counts.ts';
import { a4, encodeRaster, pwgHeader, urfHeader, type RasterFormat, type TestPage } from './raster-encode.ts';

interface Decoded {
  readonly pages: TestPage[];
  /** Of all pages, unpacked. */
  readonly bytes: number;
}

function decoderOf(format: RasterFormat, limits: RasterLimits = rasterLimits): RasterDecoder {
  const kind = rasterKinds.get(format);
  if (kind === undefined) throw new Error(`${format} is no raster`);
  return new RasterDecoder(kind, limits);
}

/** @param keep whether the lines are kept, or only counted */
function decode(format: RasterFormat, pieces: readonly Buffer[], keep = true): Decoded {
  const decoder = decoderOf(format);
  const pages: { page: RasterPage; lines: Buffer[] }[] = [];
  let bytes = 0;
  for (const piece of pieces)
    for (const event of decoder.write(piece)) {
      if (event.type === 'page') pages.push({ page: event.page, lines: [] });
      if (event.type !== 'line') continue;
      bytes += event.bytes.length * event.times;
      if (keep) pages.at(-1)?.lines.push(...Array.from({ length: event.times }, () => Buffer.from(event.bytes)));
    }
  decoder.end();
  return { pages, bytes };
}

function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let at = 0;
  for (const length of [...lengths, bytes.length]) {
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

const layouts: Readonly<Record<RasterFormat, readonly Pick<RasterPage, 'space' | 'bitsPerColor'>[]>> = {
  'image/pwg-raster': [
    { space: 'black', bitsPerColor: 1 },
    { space: 'gray', bitsPerColor: 8 },
    { space: 'gray', bitsPerColor: 16 },
    { space: 'rgb', bitsPerColor: 8 },
    { space: 'rgb', bitsPerColor: 16 },
    { space: 'adobe-rgb', bitsPerColor: 8 },
    { space: 'cmyk', bitsPerColor: 8 },
  ],
  'image/urf': [
    { space: 'gray', bitsPerColor: 8 },
    { space: 'rgb', bitsPerColor: 8 },
    { space: 'adobe-rgb', bitsPerColor: 16 },
    { space: 'cmyk', bitsPerColor: 8 },
  ],
};

/** Lines of few different bytes, some of them several times: what packs, and what does not. */
const anyPage = (format: RasterFormat): fc.Arbitrary<TestPage> =>
  fc
    .record({
      layout: fc.constantFrom(...layouts[format]),
      width: fc.integer({ min: 1, max: 300 }),
      lines: fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.nat({ max: 3 }), fc.nat()), {
        minLength: 1,
        maxLength: 6,
      }),
      mirrored: fc.record({ x: fc.boolean(), y: fc.boolean() }),
    })
    .map(({ layout, width, lines, mirrored }) => {
      const flat = { x: false, y: false };
      const page = { ...a4, ...layout, width, height: 1, mirrored: format === 'image/urf' ? flat : mirrored };
      const drawn = lines.flatMap(([times, kind, seed]) => {
        const random = seededRandom(seed);
        const line = Buffer.alloc(bytesPerLine(page), 255);
        for (let at = 0; at < line.length; at++) line[at] = 255 - Math.floor(random() * (1 << kind));
        return Array.from({ length: times }, () => line);
      });
      return { page: { ...page, height: drawn.length }, lines: drawn };
    });

describe.each(['image/pwg-raster', 'image/urf'] as const)('%s', (format) => {
  test('comes out as it was drawn, however it is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(anyPage(format), { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat({ max: 2_000 }), { maxLength: 40 }),
        (pages, cuts) => {
          const { pages: decoded } = decode(format, cut(encodeRaster(format, pages), cuts));
          expect(decoded.map(({ page }) => page)).toEqual(pages.map(({ page }) => page));
          for (const [at, { lines }] of pages.entries()) {
            const drawn = Buffer.concat(lines);
            expect(Buffer.concat(decoded[at]?.lines ?? []).equals(drawn)).toBe(true);
          }
        },
      ),
      { numRuns: count(150, 1_500) },
    );
  });

  test('is refused cut off at any byte but between pages', () => {
    const page: RasterPage = { ...a4, width: 5, height: 3 };
    const line = Buffer.from('aaabbbcccdddeee');
    const one = { page, lines: [line, line, Buffer.alloc(15, 'x')] };
    const whole = encodeRaster(format, [one, one]);
    const first = encodeRaster(format, [one]).length;
    for (let length = 0; length < whole.length; length++)
      if (length === first) expect(decode(format, [whole.subarray(0, length)]).pages).toHaveLength(1);
      else expect(() => decode(format, [whole.subarray(0, length)])).toThrow(refusal);
  });

  test('of mutated bytes is taken or refused, and never longer than its header says', () => {
    const pages = fc.sample(anyPage(format), { numRuns: 12, seed: 5_102 });
    const corpus = pages.map((page) => encodeRaster(format, [page, page]));
    const random = seededRandom(5_102);
    const below = (limit: number): number => Math.floor(random() * limit);
    const outcome = { taken: 0, refused: 0 };
    for (let run = 0; run < count(4_000, 100_000); run++) {
      const bytes = Buffer.from(corpus[run % corpus.length] ?? Buffer.alloc(0));
      for (let changes = 1 + below(3); changes > 0; changes--) {
        // Half of them in the headers.
        const at = below(2) === 0 ? below(Math.min(600, bytes.length)) : below(bytes.length);
        bytes[at] = below(2) === 0 ? below(256) : ([0, 1, 0x7f, 0x80, 0x81, 0xff][below(6)] ?? 0);
      }
      try {
        const decoded = decode(format, cut(bytes, [below(bytes.length)]), false);
        const promised = decoded.pages.reduce((sum, { page }) => sum + bytesPerLine(page) * page.height, 0);
        expect(decoded.bytes).toBe(promised);
        outcome.taken++;
      } catch (error) {
        if (!hasCode(error, 'bad-document')) throw error;
        outcome.refused++;
      }
    }
    expect(Math.min(outcome.taken, outcome.refused)).toBeGreaterThan(50);
  });
});

const refusal = expect.objectContaining({ code: 'bad-document' }) as Error;
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A header with one field changed. */
function pwgWith(at: number, value: number): Buffer {
  const header = pwgHeader(a4);
  header.set(u32(value), at);
  return Buffer.concat([Buffer.from('RaS2'), header]);
}

function urfWith(at: number, value: Buffer): Buffer {
  const header = urfHeader(a4);
  header.set(value, at);
  return Buffer.concat([Buffer.from('UNIRAST\0\0\0\0\u0001'), header]);
}

describe('refused at the header, before anything is unpacked:', () => {
  test.each([
    ['2^31 lines', pwgWith(376, 2 ** 31)],
    ['2^32 - 1 lines', pwgWith(376, 2 ** 32 - 1)],
    ['2^31 pixels a line', pwgWith(372, 2 ** 31)],
    ['no lines', pwgWith(376, 0)],
    ['no pixels a line', pwgWith(372, 0)],
    ['no resolution', pwgWith(276, 0)],
    ['a resolution of 100,000 dpi', pwgWith(276, 100_000)],
    ['a page of 201 inches', pwgWith(376, 150 * 201)],
    ['lines longer than its pixels', pwgWith(392, 4_000_000_000)],
    ['shorter lines', pwgWith(392, 3_717)],
    ['7 bits a colour', pwgWith(384, 7)],
    ['25 bits a pixel', pwgWith(388, 25)],
    ['planes instead of pixels', pwgWith(396, 2)],
    ['an unknown colour space', pwgWith(400, 62)],
    ["CUPS' own raster", pwgWith(0, 0x4d65_6469)],
  ])('PWG Raster with %s', (_, bytes) => {
    expect(() => decode('image/pwg-raster', [bytes])).toThrow(refusal);
    expect(() => decode('image/pwg-raster', [bytes])).not.toThrow(/breaks off/);
  });

  test.each([
    ['2^31 lines', urfWith(16, u32(2 ** 31))],
    ['2^31 pixels a line', urfWith(12, u32(2 ** 31))],
    ['no resolution', urfWith(20, u32(0))],
    ['a resolution of 2^32 - 1', urfWith(20, u32(2 ** 32 - 1))],
    ['7 bits a pixel', urfWith(0, Buffer.from([7]))],
    ['1 bit a pixel', urfWith(0, Buffer.from([1, 0]))],
    ['no bits', urfWith(0, Buffer.from([0]))],
    ['CIE Lab', urfWith(1, Buffer.from([2]))],
  ])('Apple raster with %s', (_, bytes) => {
    expect(() => decode('image/urf', [bytes])).toThrow(refusal);
    expect(() => decode('image/urf', [bytes])).not.toThrow(/breaks off/);
  });

  test('a document whose pages are together too many, or too long', () => {
    const blank = { page: { ...a4, width: 10, height: 1 }, lines: [Buffer.alloc(30)] };
    const bytes = encodeRaster('image/pwg-raster', [blank, blank, blank]);
    for (const limits of [{ pages: 2 }, { bytes: 89 }, { pageBytes: 29 }])
      expect(() => {
        for (const _ of decoderOf('image/pwg-raster', { ...rasterLimits, ...limits }).write(bytes));
      }).toThrow(refusal);
    expect(decode('image/pwg-raster', [bytes]).pages).toHaveLength(3);
  });
});

describe('a bad line is refused:', () => {
  const small = { ...a4, width: 4, height: 2, space: 'gray' } as const;
  const start = Buffer.concat([Buffer.from('RaS2'), pwgHeader(small)]);
  test.each([
    ['more repetitions than lines are left', [2]],
    ['a run of one pixel too many', [0, 4, 255]],
    ['pixels beyond the line', [0, 257 - 5, 1, 2, 3, 4, 5]],
    ['a second run that goes beyond it', [0, 2, 255, 1, 255]],
  ])('%s', (_, bytes) => {
    expect(() => decode('image/pwg-raster', [start, Buffer.from(bytes)])).toThrow(/more lines|longer than/);
  });

  test('but paper to the end of the line is understood', () => {
    const { pages } = decode('image/pwg-raster', [start, Buffer.from([1, 0, 7, 0x80])]);
    expect(pages[0]?.lines).toEqual([Buffer.from([7, 255, 255, 255]), Buffer.from([7, 255, 255, 255])]);
  });
});

/** A page of PWG or Apple raster, whichever header it came with, and the limits that every page is held to. */
import { NethoodError } from '../../protocol/errors.ts';

/** Colour spaces that both formats share. `black` counts ink: its 0 is paper. */
export type RasterSpace = 'gray' | 'rgb' | 'adobe-rgb' | 'cmyk' | 'black';

export interface RasterPage {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Pixels an inch. */
  readonly resolution: { readonly x: number; readonly y: number };
  readonly space: RasterSpace;
  readonly bitsPerColor: 1 | 8 | 16;
  /** PWG 5102.4 section 4.3.3: the sender mirrored the bitmap for the back of a sheet. */
  readonly mirrored: { readonly x: boolean; readonly y: boolean };
}

export interface RasterLimits {
  readonly pages: number;
  /** Of one side of a page. */
  readonly inches: number;
  readonly resolution: number;
  /** Unpacked, of one page and of all pages: a few bytes can stand for 256 lines. */
  readonly pageBytes: number;
  readonly bytes: number;
}

/** PDF ends at 200 inches. A4 in colour at 600 dpi is 104 MB: more than 300 such pages. */
export const rasterLimits: RasterLimits = {
  pages: 5_000,
  inches: 200,
  resolution: 2_400,
  pageBytes: 2 ** 31,
  bytes: 2 ** 35,
};

const colors: Readonly<Record<RasterSpace, number>> = { gray: 1, rgb: 3, 'adobe-rgb': 3, cmyk: 4, black: 1 };

export function colorsOf({ space }: Pick<RasterPage, 'space'>): number {
  return colors[space];
}

export function bytesPerLine({ width, space, bitsPerColor }: RasterPage): number {
  return Math.ceil((width * colors[space] * bitsPerColor) / 8);
}

/** What is packed as one: a pixel, or eight of one bit each. */
export function bytesPerUnit({ space, bitsPerColor }: RasterPage): number {
  return Math.ceil((colors[space] * bitsPerColor) / 8);
}

/** The byte of unprinted paper. */
export function paperByte({ space }: RasterPage): number {
  return space === 'cmyk' || space === 'black' ? 0x00 : 0xff;
}

/** @throws NethoodError `bad-document` */
export function checkPage(page: RasterPage, limits: RasterLimits): void {
  const { x, y } = page.resolution;
  if (x < 1 || y < 1 || x > limits.resolution || y > limits.resolution)
    throw badRaster(`a page has a resolution of ${x} by ${y} dpi`);
  if (page.width < 1 || page.height < 1) throw badRaster('a page has no pixels');
  if (page.width > x * limits.inches || page.height > y * limits.inches)
    throw badRaster(`a page is larger than ${limits.inches} inches`);
  if (bytesPerLine(page) * page.height > limits.pageBytes) throw badRaster('a page has too many pixels');
}

export function badRaster(why: string): NethoodError {
  return new NethoodError('bad-document', `The raster document cannot be printed: ${why}.`);
}

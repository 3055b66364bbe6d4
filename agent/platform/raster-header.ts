/** The headers of pages: 1,796 bytes in PWG Raster (PWG 5102.4 section 4.3), 32 in Apple raster (as CUPS reads it). */
import { badRaster, bytesPerLine, colorsOf, type RasterPage, type RasterSpace } from './raster-page.ts';

export interface RasterKind {
  /** At the begin of the document. */
  readonly magic: Buffer;
  /** Of the document's own header, magic included. */
  readonly fileHeaderBytes: number;
  readonly pageHeaderBytes: number;
  /** @throws NethoodError `bad-document` */
  readPage(header: Buffer): RasterPage;
}

/** PWG 5102.4 table 9. */
const pwgSpaces: ReadonlyMap<number, RasterSpace> = new Map<number, RasterSpace>([
  [1, 'rgb'],
  [3, 'black'],
  [6, 'cmyk'],
  [18, 'gray'],
  [19, 'rgb'],
  [20, 'adobe-rgb'],
]);

/** Byte offsets in the header of a page. */
const pwgAt = {
  resolutionX: 276,
  resolutionY: 280,
  width: 372,
  height: 376,
  bitsPerColor: 384,
  bitsPerPixel: 388,
  bytesPerLine: 392,
  colorOrder: 396,
  colorSpace: 400,
  crossFeedTransform: 456,
  feedTransform: 460,
} as const;

/** Every page calls itself by it, in 64 bytes; CUPS' own raster, which has the same magic, does not. */
const pwgName = Buffer.from('PwgRaster\0');

export const pwgRaster: RasterKind = {
  magic: Buffer.from('RaS2'),
  fileHeaderBytes: 4,
  pageHeaderBytes: 1_796,
  readPage(header) {
    if (!header.subarray(0, pwgName.length).equals(pwgName)) throw badRaster('a page does not begin with PwgRaster');
    const field = (name: keyof typeof pwgAt): number => header.readUInt32BE(pwgAt[name]);
    const page: RasterPage = {
      width: field('width'),
      height: field('height'),
      resolution: { x: field('resolutionX'), y: field('resolutionY') },
      space: spaceOf(pwgSpaces, field('colorSpace')),
      bitsPerColor: bitsOf(field('bitsPerColor')),
      mirrored: { x: mirrored(header, pwgAt.crossFeedTransform), y: mirrored(header, pwgAt.feedTransform) },
    };
    if (page.bitsPerColor === 1 && page.space !== 'black' && page.space !== 'gray')
      throw badRaster('colours have 1 bit each');
    if (field('bitsPerPixel') !== page.bitsPerColor * colorsOf(page) || field('colorOrder') !== 0)
      throw badRaster('its pixels are laid out in a way that PWG Raster does not know');
    if (field('bytesPerLine') !== bytesPerLine(page)) throw badRaster('the length of a line is wrong');
    return page;
  },
};

function mirrored(header: Buffer, at: number): boolean {
  return header.readInt32BE(at) === -1;
}

/** Gray, sRGB, Adobe RGB, and the device's own gray, RGB and CMYK. 2 is CIE Lab, which no printer asks for. */
const urfSpaces: ReadonlyMap<number, RasterSpace> = new Map<number, RasterSpace>([
  [0, 'gray'],
  [1, 'rgb'],
  [3, 'adobe-rgb'],
  [4, 'gray'],
  [5, 'rgb'],
  [6, 'cmyk'],
]);

export const appleRaster: RasterKind = {
  magic: Buffer.from('UNIRAST\0'),
  // The number of pages follows the magic. Writers of streams do not know it and say 0, so nobody can rely on it.
  fileHeaderBytes: 12,
  pageHeaderBytes: 32,
  readPage(header) {
    const space = spaceOf(urfSpaces, header.readUInt8(1));
    const dpi = header.readUInt32BE(20);
    const page: RasterPage = {
      width: header.readUInt32BE(12),
      height: header.readUInt32BE(16),
      resolution: { x: dpi, y: dpi },
      space,
      bitsPerColor: bitsOf(header.readUInt8(0) / colorsOf({ space })),
      mirrored: { x: false, y: false },
    };
    if (page.bitsPerColor === 1) throw badRaster('colours have 1 bit each');
    return page;
  },
};

function spaceOf(spaces: ReadonlyMap<number, RasterSpace>, code: number): RasterSpace {
  const space = spaces.get(code);
  if (space === undefined) throw badRaster(`its colour space ${code} is unknown`);
  return space;
}

function bitsOf(bits: number): RasterPage['bitsPerColor'] {
  if (bits !== 1 && bits !== 8 && bits !== 16) throw badRaster(`colours have ${bits} bits each`);
  return bits;
}

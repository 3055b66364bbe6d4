/**
 * Bitmaps as an ICO file for Windows: ICONDIR, one ICONDIRENTRY each, then each picture as a BITMAPINFOHEADER with
 * 32-bit BGRA rows from the bottom up and an empty AND mask. (PNG inside an ICO is not read at small sizes by all.)
 */
import type { Bitmap } from './drawing.ts';

const dirBytes = 6;
const entryBytes = 16;
const headerBytes = 40;

export function encodeIco(bitmaps: readonly Bitmap[]): Buffer {
  const dir = Buffer.alloc(dirBytes);
  dir.writeUInt16LE(1, 2);
  dir.writeUInt16LE(bitmaps.length, 4);
  const pictures = bitmaps.map(encodePicture);
  let offset = dirBytes + entryBytes * bitmaps.length;
  const entries = bitmaps.map(({ size }, at) => {
    const bytes = pictures[at]?.length ?? 0;
    const entry = Buffer.alloc(entryBytes);
    entry.set([size, size], 0);
    entry.writeUInt16LE(1, 4);
    entry.writeUInt16LE(32, 6);
    entry.writeUInt32LE(bytes, 8);
    entry.writeUInt32LE(offset, 12);
    offset += bytes;
    return entry;
  });
  return Buffer.concat([dir, ...entries, ...pictures]);
}

function encodePicture({ size, pixels }: Bitmap): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32LE(headerBytes, 0);
  header.writeInt32LE(size, 4);
  // Colour rows and mask rows together.
  header.writeInt32LE(size * 2, 8);
  header.writeUInt16LE(1, 12);
  header.writeUInt16LE(32, 14);
  const colours = Buffer.alloc(size * size * 4);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      const from = ((size - 1 - row) * size + column) * 4;
      const [red = 0, green = 0, blue = 0, alpha = 0] = pixels.subarray(from, from + 4);
      colours.set([blue, green, red, alpha], (row * size + column) * 4);
    }
  const maskRowBytes = Math.ceil(size / 32) * 4;
  return Buffer.concat([header, colours, Buffer.alloc(maskRowBytes * size)]);
}

import { inflateSync, crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { drawIcon } from '../../tray/icon/drawing.ts';
import { encodeIco } from '../../tray/icon/ico.ts';
import { makeIcons } from '../../tray/icon/icons.ts';
import { encodePng } from '../../tray/icon/png.ts';

const states = ['normal', 'paused', 'busy', 'disconnected'] as const;

test.each(states)('the icon "%s" is a PNG that decodes to what was drawn', (state) => {
  const drawn = drawIcon(state, 24);
  const png = encodePng(drawn);
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const length = png.readUInt32BE(at);
    const body = png.subarray(at + 4, at + 8 + length);
    expect(png.readUInt32BE(at + 8 + length)).toBe(crc32(body));
    chunks.set(body.toString('latin1', 0, 4), body.subarray(4));
  }
  expect(Array.from(chunks.keys())).toEqual(['IHDR', 'IDAT', 'IEND']);
  const rows = inflateSync(chunks.get('IDAT') ?? Buffer.alloc(0));
  const pixels = Array.from({ length: 24 }, (_, row) => rows.subarray(row * 97 + 1, (row + 1) * 97));
  expect(Buffer.concat(pixels).equals(drawn.pixels)).toBe(true);
});

test('an ICO holds each size where its directory says, bottom row first', () => {
  const bitmaps = [drawIcon('normal', 16), drawIcon('normal', 32)];
  const ico = encodeIco(bitmaps);
  expect(ico.readUInt16LE(4)).toBe(2);
  for (const [at, { size, pixels }] of bitmaps.entries()) {
    const entry = ico.subarray(6 + at * 16, 22 + at * 16);
    const picture = ico.subarray(entry.readUInt32LE(12), entry.readUInt32LE(12) + entry.readUInt32LE(8));
    expect([entry[0], picture.readInt32LE(4), picture.readInt32LE(8)]).toEqual([size, size, size * 2]);
    const lastRow = pixels.subarray((size - 1) * size * 4);
    const [red, green, blue, alpha] = lastRow.subarray((size / 2) * 4);
    expect(Array.from(picture.subarray(40 + (size / 2) * 4).subarray(0, 4))).toEqual([blue, green, red, alpha]);
  }
});

test('the states look different from each other, and all have clear corners', () => {
  const pictures = states.map((state) => Buffer.from(drawIcon(state, 24).pixels));
  expect(new Set(pictures.map((picture) => picture.toString('hex'))).size).toBe(states.length);
  for (const picture of pictures) expect([picture[3], picture[23 * 4 + 3]]).toEqual([0, 0]);
});

test('Windows gets ICO, all others PNG', () => {
  expect(Buffer.from(makeIcons('linux').normal, 'base64').toString('latin1', 1, 4)).toBe('PNG');
  expect(Buffer.from(makeIcons('win32').normal, 'base64').readUInt16LE(2)).toBe(1);
});

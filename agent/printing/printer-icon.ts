/** The picture of a printer for print dialogs (`printer-icons`, PWG 5100.13 section 5.6.24): drawn here, as PNG of any size. */
import { crc32, deflateSync } from 'node:zlib';

/** PWG 5100.13: small, usual, large. */
export const iconSizes = [48, 128, 512] as const;

type Colour = readonly [red: number, green: number, blue: number];
interface Box {
  /** Left, top, right, bottom, in 48ths. */
  readonly edges: readonly [number, number, number, number];
  readonly colour: Colour;
}

const dark: Colour = [58, 64, 74];
const body: Colour = [92, 102, 118];
const paper: Colour = [250, 250, 250];
const ink: Colour = [150, 158, 170];
const light: Colour = [82, 196, 110];

/** From back to front: sheet above, body, slot, sheet that comes out with its lines, lamp. */
const drawing: readonly Box[] = [
  { edges: [13, 4, 35, 20], colour: ink },
  { edges: [14, 5, 34, 20], colour: paper },
  { edges: [5, 17, 43, 37], colour: dark },
  { edges: [6, 18, 42, 36], colour: body },
  { edges: [11, 27, 37, 31], colour: dark },
  { edges: [13, 29, 35, 44], colour: ink },
  { edges: [14, 29, 34, 43], colour: paper },
  { edges: [17, 33, 31, 34], colour: ink },
  { edges: [17, 36, 31, 37], colour: ink },
  { edges: [17, 39, 26, 40], colour: ink },
  { edges: [37, 21, 40, 24], colour: light },
];

/** Below the address of the printer. */
export function iconPath(size: number): string {
  return `icon-${size}.png`;
}

const made = new Map<number, Buffer>();

export function printerIcon(size: (typeof iconSizes)[number]): Buffer {
  const png = made.get(size) ?? encode(size);
  made.set(size, png);
  return png;
}

function encode(size: number): Buffer {
  const row = size * 4 + 1;
  const pixels = Buffer.alloc(row * size);
  for (const { edges, colour } of drawing) {
    const [left, top, right, bottom] = edges.map((edge) => Math.round((edge * size) / 48));
    for (let y = top ?? 0; y < (bottom ?? 0); y++)
      for (let x = left ?? 0; x < (right ?? 0); x++) pixels.set([...colour, 255], y * row + 1 + x * 4);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  // Depth 8, truecolour with alpha; compression, filter and interlace 0 (ISO/IEC 15948 section 11.2.2).
  header.set([8, 6], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(named.length + 8);
  framed.writeUInt32BE(data.length, 0);
  framed.set(named, 4);
  framed.writeUInt32BE(crc32(named), named.length + 4);
  return framed;
}

/** Pages as pixels: what ghostscript draws of a document, and what poppler draws of a PDF. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** Three bytes each. */
  readonly rgb: Buffer;
}

export async function ghostscript(device: string, source: string, target: string, ...options: string[]): Promise<void> {
  await run('gs', [
    '-q',
    '-dBATCH',
    '-dNOPAUSE',
    '-dSAFER',
    `-sDEVICE=${device}`,
    ...options,
    `-sOutputFile=${target}`,
    source,
  ]);
}

/** @param options of the device: `-r150` */
export function drawnByGhostscript(source: string, ...options: string[]): Promise<Pixels[]> {
  return inFolder((folder) => ghostscript('ppmraw', source, join(folder, 'page-%03d.ppm'), ...options));
}

export function drawnByPoppler(pdf: string, dpi: number): Promise<Pixels[]> {
  return inFolder((folder) => run('pdftoppm', ['-r', String(dpi), pdf, join(folder, 'page')]));
}

/** The pictures in a PDF as they are, nothing drawn. */
export function picturesIn(pdf: string): Promise<Pixels[]> {
  return inFolder((folder) => run('pdfimages', [pdf, join(folder, 'picture')]));
}

/** The part of them of which a colour differs by more than the tolerance; 1 where not even the sizes agree. */
export function difference(one: Pixels, other: Pixels, tolerance: number): number {
  if (one.width !== other.width || one.height !== other.height) return 1;
  let different = 0;
  for (let at = 0; at < one.rgb.length; at += 3) {
    const far = (channel: number): boolean =>
      Math.abs((one.rgb[at + channel] ?? 0) - (other.rgb[at + channel] ?? 0)) > tolerance;
    if (far(0) || far(1) || far(2)) different++;
  }
  return different / (one.width * one.height);
}

async function inFolder(draw: (folder: string) => Promise<unknown>): Promise<Pixels[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nh-pixels-'));
  try {
    await draw(folder);
    const names = (await readdir(folder)).toSorted();
    return await Promise.all(names.map(async (name) => readPnm(await readFile(join(folder, name)))));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Colours of a byte each (P6), or bits of ink (P4). */
function readPnm(bytes: Buffer): Pixels {
  const header = /^P([46])\s+(?:#.*\n)?(\d+)\s+(\d+)\s(?:255\s)?/.exec(bytes.toString('latin1', 0, 200));
  if (header === null) throw new Error('That is no picture that can be read');
  const [width, height] = [Number(header[2]), Number(header[3])];
  const pixels = bytes.subarray(header[0].length);
  return { width, height, rgb: header[1] === '6' ? pixels : fromInk(pixels, width, height) };
}

function fromInk(bits: Buffer, width: number, height: number): Buffer {
  const rgb = Buffer.alloc(width * height * 3, 255);
  const lineBytes = Math.ceil(width / 8);
  for (let at = 0; at < width * height; at++) {
    const x = at % width;
    const byte = bits[Math.floor(at / width) * lineBytes + (x >> 3)] ?? 0;
    if ((byte & (0x80 >> (x & 7))) !== 0) rgb.fill(0, at * 3, at * 3 + 3);
  }
  return rgb;
}

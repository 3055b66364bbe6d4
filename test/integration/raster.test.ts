// needs: cups
/** Raster as real programs write it – ghostscript and CUPS' own filter – through the PDF printer, and drawn again. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { openPdfPrinter, pdfQueue } from '../../agent/platform/pdf-printer.ts';
import { sniffFormat } from '../../agent/printing/document-format.ts';
import type { BackendJob, PrintBackend } from '../../agent/printing/print-backend.ts';
import { documentOf } from '../conformance/print-backend.ts';
import {
  difference,
  drawnByGhostscript,
  drawnByPoppler,
  ghostscript,
  picturesIn,
  type Pixels,
} from '../office/pixels.ts';

const run = promisify(execFile);
const never = new AbortController().signal;
const dpi = 150;

/** Text, colours, and a fine line at each edge: what is mirrored, moved or cut off shows. */
const source = `%!PS
<</PageSize[612 792]>>setpagedevice
/Helvetica findfont 24 scalefont setfont 72 720 moveto (Pages of raster) show
1 0 0 setrgbcolor 100 100 200 150 rectfill 0 0 1 setrgbcolor 320 300 100 100 rectfill
0 setgray 2 2 608 788 rectstroke showpage
/Helvetica findfont 18 scalefont setfont 72 500 moveto (The second) show
0 1 0 setrgbcolor 10 10 30 30 rectfill showpage
`;

let folder: string;
let printer: PrintBackend;
let drawn: Pixels[];
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nh-raster-'));
  await writeFile(path('source.ps'), source);
  drawn = await drawnByGhostscript(path('source.ps'), `-r${dpi}`);
  printer = await openPdfPrinter({ folder: path('files'), stateFolder: path('state'), clock: systemClock });
});

afterAll(async () => {
  await printer?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

function cupsOptions(colorSpace: number, bits: number, colors: number): string[] {
  return [
    `-r${dpi}`,
    `-dcupsColorSpace=${colorSpace}`,
    `-dcupsBitsPerColor=${bits}`,
    `-dcupsBitsPerPixel=${bits * colors}`,
  ];
}

interface Printed {
  readonly job: BackendJob;
  readonly pdf: string;
}

async function printed(name: string, bytes: Buffer): Promise<Printed> {
  const format = sniffFormat(bytes);
  if (format === undefined) throw new Error('This is no document');
  const job = await printer.submit(pdfQueue, documentOf({ document: { bytes, format } }, name), never);
  return { job, pdf: path(`files/${name}.pdf`) };
}

interface Expected {
  readonly pages: readonly Pixels[];
  /** Of a colour; 255 asks only for the pages. */
  readonly tolerance: number;
}

async function sameAs({ pages: expected, tolerance }: Expected, { job, pdf }: Printed): Promise<void> {
  expect(job).toMatchObject({ state: 'completed', pagesCompleted: 2 });
  const { stdout } = await run('pdfinfo', [pdf]);
  expect(stdout).toMatch(/Pages: +2\n/);
  // 1275 by 1650 pixels at 150 dpi.
  expect(stdout).toMatch(/Page size: +612 x 792 pts \(letter\)\n/);
  const [pictures, pages] = [await picturesIn(pdf), await drawnByPoppler(pdf, dpi)];
  expect(pages).toHaveLength(expected.length);
  for (const [at, page] of expected.entries()) {
    expect(worst(pictures[at], page, tolerance)).toBeLessThan(0.000_1);
    // Poppler spreads an edge over two pixels.
    expect(worst(pages[at], page, tolerance)).toBeLessThan(0.01);
  }
}

function worst(one: Pixels | undefined, other: Pixels, tolerance: number): number {
  return one === undefined ? 1 : difference(one, other, tolerance);
}

describe("ghostscript's PWG Raster becomes a PDF with the same pages:", () => {
  test.each([
    ['srgb_8', 19, 8, 3],
    ['srgb_16', 19, 16, 3],
    ['adobe-rgb_8', 20, 8, 3],
    ['rgb_8', 1, 8, 3],
    ['cmyk_8', 6, 8, 4],
  ])('%s', async (type, colorSpace, bits, colors) => {
    await ghostscript('pwgraster', path('source.ps'), path(`${type}.pwg`), ...cupsOptions(colorSpace, bits, colors));
    const bytes = await readFile(path(`${type}.pwg`));
    await sameAs({ pages: drawn, tolerance: tolerances[colors] ?? 255 }, await printed(type, bytes));
  });
});

/** By number of colours: a gray of a colour is another than that colour, and inks are not lights. */
const tolerances: Readonly<Record<number, number>> = { 1: 255, 3: 8, 4: 128 };

describe('gray PWG Raster', () => {
  test.each([
    ['sgray_8', 18, 8],
    ['sgray_16', 18, 16],
    ['black_8', 3, 8],
    ['black_1', 3, 1],
  ])('in %s becomes the same pages, where the source has no colour', async (type, colorSpace, bits) => {
    await writeFile(path('gray.ps'), source.replaceAll(/[01] [01] [01] setrgbcolor/g, '0 setgray'));
    const gray = await drawnByGhostscript(path('gray.ps'), `-r${dpi}`);
    await ghostscript('pwgraster', path('gray.ps'), path(`gray-${type}.pwg`), ...cupsOptions(colorSpace, bits, 1));
    const bytes = await readFile(path(`gray-${type}.pwg`));
    await sameAs({ pages: gray, tolerance: 8 }, await printed(`gray-${type}`, bytes));
  });
});

describe('Apple raster becomes a PDF with the same pages:', () => {
  test.each([
    ['gray', 18, 1],
    ['sRGB', 19, 3],
  ])("ghostscript's in %s", async (name, colorSpace, colors) => {
    await ghostscript('urf', path('source.ps'), path(`${name}.urf`), ...cupsOptions(colorSpace, 8, colors));
    const bytes = await readFile(path(`${name}.urf`));
    await sameAs({ pages: drawn, tolerance: tolerances[colors] ?? 255 }, await printed(name, bytes));
  });

  test.each([
    ['image/urf', 'urf'],
    ['image/pwg-raster', 'pwg'],
  ])("CUPS' own filter's %s", async (format, extension) => {
    await ghostscript('cups', path('source.ps'), path('source.ras'), ...cupsOptions(19, 8, 3));
    const filter = '/usr/lib/cups/filter/rastertopwg';
    const env = { ...process.env, FINAL_CONTENT_TYPE: format };
    const { stdout } = await run(filter, ['1', 'anna', 'title', '1', '', path('source.ras')], {
      env,
      encoding: 'buffer',
      maxBuffer: 2 ** 24,
    });
    await sameAs({ pages: drawn, tolerance: 8 }, await printed(`cups-${extension}`, stdout));
  });
});

import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { documentNames } from '../../agent/platform/pdf-names.ts';
import { openPdfPrinter, pdfQueue } from '../../agent/platform/pdf-printer.ts';
import type { Document, PrintBackend } from '../../agent/printing/print-backend.ts';
import { documentOf, newUuid, testPrintBackend } from '../conformance/print-backend.ts';
import { readPdf } from './pdf-read.ts';
import { a4, encodeRaster, type RasterFormat } from './raster-encode.ts';

const bytes = Buffer.from('%PDF-1.4\nnothing much\n');
const never = new AbortController().signal;

let home: string;
let printer: PrintBackend;
const folder = () => join(home, 'files');
const open = () => openPdfPrinter({ folder: folder(), stateFolder: join(home, 'state'), clock: systemClock });
const pdf = (name: string): Document => documentOf({ document: { bytes, format: 'application/pdf' } }, name);

const raster = (name: string, format: RasterFormat, content: Buffer): Document =>
  documentOf({ document: { bytes: content, format } }, name);

const hidden = (document: Document) => join(folder(), `.${document.uuid.slice('urn:uuid:'.length)}.nethood-part`);
const restart = async (): Promise<void> => {
  await printer[Symbol.asyncDispose]();
  printer = await open();
};
const first = (name: string) => documentNames(name, 'application/pdf').next().value;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'nh-pdf-'));
  printer = await open();
});
afterEach(async () => {
  await printer[Symbol.asyncDispose]();
  await rm(home, { recursive: true, force: true });
});

testPrintBackend('The PDF printer', async () => {
  const own = await mkdtemp(join(tmpdir(), 'nh-pdf-'));
  const files = join(own, 'files');
  return {
    backend: await openPdfPrinter({ folder: files, stateFolder: join(own, 'state'), clock: systemClock }),
    queue: pdfQueue,
    document: { bytes, format: 'application/pdf' },
    printed: async () => (await readdir(files)).length,
    [Symbol.asyncDispose]: () => rm(own, { recursive: true, force: true }),
  };
});

describe('a document on the PDF printer', () => {
  test('becomes a file of its name, byte for byte, and never overwrites another', async () => {
    for (const name of ['Report', 'Report.pdf', 'report']) await printer.submit(pdfQueue, pdf(name), never);
    expect((await readdir(folder())).toSorted()).toEqual(['Report (2).pdf', 'Report.pdf', 'report.pdf']);
    expect(await readFile(join(folder(), 'Report.pdf'))).toEqual(bytes);
  });

  test('of another format has the extension of its own kind', async () => {
    await printer.submit(pdfQueue, { ...pdf('photo.png'), format: 'image/jpeg' }, never);
    await printer.submit(pdfQueue, { ...pdf('notes'), format: 'text/plain' }, never);
    expect((await readdir(folder())).toSorted()).toEqual(['notes.txt', 'photo.png.jpg']);
  });

  test.each(['image/pwg-raster', 'image/urf'] as const)('of %s becomes PDF, its pages counted', async (format) => {
    const page = { page: { ...a4, width: 2, height: 3 }, lines: [0, 1, 2].map((byte) => Buffer.alloc(6, byte)) };
    const document = raster('Photo', format, encodeRaster(format, [page, page]));
    const counted = { state: 'completed', pagesCompleted: 2, pagesTotal: 2 };
    expect(await printer.submit(pdfQueue, document, never)).toMatchObject(counted);
    expect(await readdir(folder())).toEqual(['Photo.pdf']);
    const pages = readPdf(await readFile(join(folder(), 'Photo.pdf')));
    expect(pages.map(({ lines }) => lines)).toEqual([page.lines, page.lines]);
    await restart();
    expect(await printer.find(pdfQueue, document.uuid, never)).toMatchObject(counted);
  });

  test('of raster that cannot be printed leaves nothing behind', async () => {
    const page = { page: { ...a4, width: 2, height: 3 }, lines: [0, 1, 2].map((byte) => Buffer.alloc(6, byte)) };
    const whole = encodeRaster('image/urf', [page]);
    const document = raster('Photo', 'image/urf', whole.subarray(0, -1));
    await expect(printer.submit(pdfQueue, document, never)).rejects.toMatchObject({ code: 'bad-document' });
    expect(await readdir(folder())).toEqual([]);
    expect(await printer.find(pdfQueue, document.uuid, never)).toBeUndefined();
  });

  test('has no name at all before it is whole', async () => {
    const stream = new Readable({ read: () => undefined });
    const submitted = printer.submit(pdfQueue, { ...pdf('half'), open: () => stream }, never);
    stream.push(bytes.subarray(0, 4));
    await expect.poll(() => readdir(folder()).catch(() => [])).toHaveLength(1);
    expect((await readdir(folder()))[0]).toMatch(/^\..*nethood-part-new$/);
    stream.push(null);
    await submitted;
    expect(await readdir(folder())).toEqual(['half.pdf']);
  });
});

describe('after a crash the PDF printer', () => {
  test('knows what it delivered, even when the user has taken the file away', async () => {
    const document = pdf('Report');
    await printer.submit(pdfQueue, document, never);
    await rm(join(folder(), 'Report.pdf'));
    await restart();
    expect(await printer.find(pdfQueue, document.uuid, never)).toMatchObject({ state: 'completed' });
  });

  test('knows that a document with two names arrived, and removes the hidden one', async () => {
    const document = pdf('Report');
    await printer.submit(pdfQueue, document, never);
    await link(join(folder(), 'Report.pdf'), hidden(document));
    await restart();
    expect(await printer.find(pdfQueue, document.uuid, never)).toMatchObject({ state: 'completed' });
    expect(await readdir(folder())).toEqual(['Report.pdf']);
  });

  test('knows that a document with only its hidden name did not arrive, and takes it again', async () => {
    const document = pdf('Report');
    await printer.submit(pdfQueue, document, never);
    await rm(join(folder(), 'Report.pdf'));
    await writeFile(hidden(document), bytes);
    await restart();
    expect(await printer.find(pdfQueue, document.uuid, never)).toBeUndefined();
    await printer.submit(pdfQueue, document, never);
    expect(await readdir(folder())).toEqual(['Report.pdf']);
  });

  test('knows nothing of a document that had not begun to arrive', async () => {
    await mkdir(folder());
    const document = pdf('Report');
    await writeFile(`${hidden(document)}-new`, bytes.subarray(0, 4));
    await restart();
    expect(await printer.find(pdfQueue, document.uuid, never)).toBeUndefined();
    expect(await printer.find(pdfQueue, newUuid(), never)).toBeUndefined();
  });
});

describe('a name for a document', () => {
  test.each([
    ['../../etc/passwd', '_.._etc_passwd.pdf'],
    ['C:\\temp\\x', 'C__temp_x.pdf'],
    ['.hidden', 'hidden.pdf'],
    ['', 'Document.pdf'],
    ['...', 'Document.pdf'],
    ['con', '_con.pdf'],
    ['Lpt1.txt', '_Lpt1.txt.pdf'],
    ['line\nbreak\u001b[2J', 'line_break_[2J.pdf'],
    ['\u202egpj.exe', '_gpj.exe.pdf'],
    ['Ärger.PDF', 'Ärger.pdf'],
  ])('%j becomes %j', (name, expected) => {
    expect(first(name)).toBe(expected);
  });

  test('is for every job name one that all systems take, and others follow it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 150 }), (name) => {
        const names = documentNames(name, 'application/pdf');
        const [one, two] = [names.next().value, names.next().value];
        expect(one).toMatch(/^[^./\\:*?"<>|\p{Cc}][^/\\:*?"<>|\p{Cc}]*\.pdf$/u);
        expect(Buffer.byteLength(two)).toBeLessThanOrEqual(140);
        expect(one).not.toBe(two);
      }),
    );
  });
});

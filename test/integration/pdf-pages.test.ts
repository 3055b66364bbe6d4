// needs: cups
/** Pages taken out of PDFs of both layouts, read back by poppler; what is damaged or made to cost is refused soon. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { selectPages } from '../../agent/platform/pdf-pages.ts';
import { openPdfPrinter, pdfQueue } from '../../agent/platform/pdf-printer.ts';
import { attributes, range } from '../../agent/printing/ipp-attributes.ts';
import { newJobUuid } from '../../agent/printing/job.ts';
import { hasCode } from '../../protocol/errors.ts';
import { count, seededRandom } from '../office/counts.ts';

const run = promisify(execFile);
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'nh-pages-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Source {
  readonly body: string;
  readonly stream?: string;
}

/** Four pages, in a tree of two levels that hands down size and font; a link leads from page 2 to page 1. */
const objects: readonly Source[] = [
  { body: '<</Type/Catalog/Pages 2 0 R/Outlines 14 0 R>>' },
  { body: '<</Type/Pages/Count 4/MediaBox[0 0 300 400]/Resources<</Font<</F 13 0 R>>>>/Kids[3 0 R 4 0 R]>>' },
  { body: '<</Type/Pages/Parent 2 0 R/Count 2/Kids[5 0 R 6 0 R]>>' },
  { body: '<</Type/Pages/Parent 2 0 R/Count 2/Rotate 90/Kids[7 0 R 8 0 R]>>' },
  ...[1, 2, 3, 4].map((page) => ({
    body: `<</Type/Page/Parent ${page < 3 ? 3 : 4} 0 R/Contents ${8 + page} 0 R${page === 2 ? '/Annots[15 0 R]' : ''}>>`,
  })),
  ...['one', 'two', 'three', 'four'].map((word) => ({
    body: '<<',
    stream: `BT /F 24 Tf 50 200 Td (Page \\(${word}\\)) Tj ET`,
  })),
  { body: '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>' },
  { body: '<</Type/Outlines/Title(Of the secret page)/First 5 0 R>>' },
  { body: '<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Border[0 0 0]/Dest[5 0 R /Fit]/P 6 0 R>>' },
];

function written({ body, stream }: Source, num: number): string {
  const content = stream === undefined ? body : `${body}/Length ${stream.length}>>\nstream\n${stream}\nendstream`;
  return `${num} 0 obj\n${content}\nendobj\n`;
}

/** As writers before PDF 1.5. */
function withTable(): Buffer {
  let text = '%PDF-1.4\n';
  const offsets = objects.map((object, at) => {
    const offset = text.length;
    text += written(object, at + 1);
    return offset;
  });
  const rows = offsets.map(tableRow).join('');
  const start = text.length;
  text += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}`;
  return Buffer.from(`${text}trailer\n<</Size 16/Root 1 0 R>>\nstartxref\n${start}\n%%EOF\n`, 'latin1');
}

/** As writers since: objects packed together, the table a packed stream with PNG's predictor, junk before the header. */
function withStreams(): Buffer {
  const parts: Buffer[] = [Buffer.from('%PDF-1.5\n')];
  const length = () => parts.reduce((sum, part) => sum + part.length, 0);
  const places = new Map<number, [number, number, number]>();
  const plain = objects.flatMap((object, at) => (object.stream === undefined ? [{ ...object, num: at + 1 }] : []));
  for (const [at, object] of objects.entries()) {
    if (object.stream === undefined) continue;
    places.set(at + 1, [1, length(), 0]);
    parts.push(Buffer.from(written(object, at + 1)));
  }
  const bodies = plain.map(({ body }) => body).join('\n');
  let offset = 0;
  const heads = plain.map(({ num, body }, index) => {
    places.set(num, [2, 16, index]);
    const head = `${num} ${offset}`;
    offset += body.length + 1;
    return head;
  });
  const first = `${heads.join(' ')} `;
  const packed = deflateSync(Buffer.from(first + bodies));
  places.set(16, [1, length(), 0]);
  const container = `16 0 obj\n<</Type/ObjStm/N ${plain.length}/First ${first.length}/Filter/FlateDecode/Length ${packed.length}>>\nstream\n`;
  parts.push(Buffer.from(container), packed, Buffer.from('\nendstream\nendobj\n'));
  const start = length();
  places.set(17, [1, start, 0]);
  const rows = Array.from({ length: 18 }, (_, num) => {
    const [kind, one, two] = places.get(num) ?? [0, 0, 0];
    return [kind, one >> 8, one & 255, two];
  });
  // PNG's filter 2: the difference to the row above.
  const up = rows.map((row, at) => row.map((byte, column) => (byte - (rows[at - 1]?.[column] ?? 0)) & 255));
  const table = deflateSync(Buffer.from(up.flatMap((row) => [2].concat(row))));
  const head = `17 0 obj\n<</Type/XRef/Size 18/W[1 2 1]/Root 1 0 R/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 4>>/Length ${table.length}>>\nstream\n`;
  parts.push(Buffer.from(head), table, Buffer.from(`\nendstream\nendobj\nstartxref\n${start}\n%%EOF\n`));
  return Buffer.concat([Buffer.from('\n\n'), ...parts]);
}

async function textOf(pdf: Buffer): Promise<string[]> {
  const path = join(folder, 'read.pdf');
  await writeFile(path, pdf);
  const { stdout, stderr } = await run('pdftotext', [path, '-']);
  expect(stderr).toBe('');
  return stdout
    .split('\f')
    .slice(0, -1)
    .map((page) => page.trim());
}

const tableRow = (offset: number) => `${String(offset).padStart(10, '0')} 00000 n \n`;
const sheetNamed = (word: string) =>
  `/Times-Roman findfont 20 scalefont setfont 72 500 moveto (Sheet ${word}) show showpage\n`;
const linked = (pdf: Buffer, lower: number) => selectPages(pdf, [{ lower, upper: 2 }]).pdf.toString('latin1');

const layouts = [
  ['a table', withTable],
  ['object streams', withStreams],
] as const;

describe.each(layouts)('pages of a PDF with %s', (_, make) => {
  test.each([
    [[[2, 2]], ['Page (two)']],
    [
      [
        [1, 1],
        [3, 9],
      ],
      ['Page (one)', 'Page (three)', 'Page (four)'],
    ],
    [[[1, 4]], ['Page (one)', 'Page (two)', 'Page (three)', 'Page (four)']],
  ])('%j are %j', async (ranges, wanted) => {
    const { pdf, pages } = selectPages(
      make(),
      ranges.map(([lower = 0, upper = 0]) => ({ lower, upper })),
    );
    expect(pages).toBe(wanted.length);
    expect(await textOf(pdf)).toEqual(wanted);
  });

  test('keep their links, but for those to pages that are left out', () => {
    const whole = make();
    expect(linked(whole, 1)).toMatch(/\/Dest \[3 0 R \/Fit\]/);
    expect(linked(whole, 2)).toContain('/Subtype /Link');
    expect(linked(whole, 2)).not.toContain('/Dest');
  });

  test('are all that is in the file: no trace of others, nor of what leads to them', () => {
    const text = selectPages(make(), [{ lower: 2, upper: 2 }]).pdf.toString('latin1');
    expect(text).toContain('two');
    for (const trace of ['one', 'three', 'four', 'secret']) expect(text, trace).not.toContain(trace);
  });

  test('have what they have from above', async () => {
    const path = join(folder, 'sizes.pdf');
    await writeFile(path, selectPages(make(), [{ lower: 3, upper: 3 }]).pdf);
    const { stdout } = await run('pdfinfo', [path]);
    expect(stdout).toMatch(/Page size: +300 x 400 pts/);
    expect(stdout).toMatch(/Page rot: +90/);
  });

  test('beyond the last are none', () => {
    expect(() => selectPages(make(), [{ lower: 5, upper: 9 }])).toThrow('it has 4 pages');
  });

  test('of a selection can be selected from again', async () => {
    const once = selectPages(make(), [{ lower: 2, upper: 4 }]).pdf;
    expect(await textOf(selectPages(once, [{ lower: 2, upper: 2 }]).pdf)).toEqual(['Page (three)']);
  });

  test('of a damaged file are refused or taken, soon, and nothing else happens', () => {
    const random = seededRandom();
    const whole = make();
    let refused = 0;
    let slowest = 0;
    for (let round = 0; round < count(800, 100_000); round++) {
      const bytes = Buffer.from(whole);
      for (let change = 0; change <= random() * 3; change++)
        bytes.writeUInt8(Math.floor(random() * 256), Math.floor(random() * bytes.length));
      const began = performance.now();
      try {
        selectPages(bytes.subarray(0, random() < 0.9 ? undefined : Math.floor(random() * bytes.length)), [
          { lower: 1, upper: 2 },
        ]);
      } catch (error) {
        if (!hasCode(error, 'bad-document')) throw error;
        refused++;
      }
      slowest = Math.max(slowest, performance.now() - began);
    }
    console.log(`${refused} damaged PDFs were refused, the slowest took ${slowest.toFixed(1)} ms`);
    expect(refused).toBeGreaterThan(0);
  });
});

test('pages of what ghostscript writes', async () => {
  const source = join(folder, 'gs.ps');
  const target = join(folder, 'gs.pdf');
  await writeFile(source, `%!PS\n${['a', 'b', 'c'].map(sheetNamed).join('')}`);
  await run('gs', ['-q', '-dBATCH', '-dNOPAUSE', '-dSAFER', '-sDEVICE=pdfwrite', `-sOutputFile=${target}`, source]);
  const { pdf } = selectPages(await readFile(target), [{ lower: 2, upper: 3 }]);
  expect(await textOf(pdf)).toEqual(['Sheet b', 'Sheet c']);
});

describe('the PDF printer', () => {
  const signal = new AbortController().signal;

  async function printed(format: string, bytes: Buffer): Promise<{ pages: number | undefined; file: Buffer }> {
    const home = await mkdtemp(join(folder, 'printer-'));
    const files = join(home, 'files');
    await using printer = await openPdfPrinter({ folder: files, stateFolder: join(home, 'state'), clock: systemClock });
    const { pagesCompleted } = await printer.submit(
      pdfQueue,
      {
        uuid: newJobUuid(),
        name: 'Part',
        user: 'dora',
        format,
        bytes: bytes.length,
        template: attributes({ 'page-ranges': range(2, 3) }),
        open: () => Readable.from([bytes]),
      },
      signal,
    );
    const [name = ''] = await readdir(files);
    return { pages: pagesCompleted, file: await readFile(join(files, name)) };
  }

  test('keeps only the pages that are asked for', async () => {
    const { pages, file } = await printed('application/pdf', withStreams());
    expect(pages).toBe(2);
    expect(await textOf(file)).toEqual(['Page (two)', 'Page (three)']);
  });

  test('refuses them of what has none', async () => {
    await expect(printed('text/plain', Buffer.from('words'))).rejects.toThrow('has no pages');
    await expect(printed('image/jpeg', Buffer.from('\xff\xd8\xff', 'latin1'))).rejects.toThrow('one page');
  });
});

test('a file that names itself again and again costs no more than its size', () => {
  const inner = Array.from(
    { length: 2000 },
    (_, at) => `${at + 10} 0 obj\n<</Length 90000000/X ${at + 11} 0 R>>\nstream\n`,
  );
  let text = '%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Kids[3 0 R]>>\nendobj\n';
  text += '3 0 obj\n<</Type/Page/X 10 0 R>>\nendobj\n';
  const starts = [9, text.indexOf('2 0 obj'), text.indexOf('3 0 obj')];
  const offsets = inner.map((object) => {
    const offset = text.length;
    text += object;
    return offset;
  });
  text += `${'x'.repeat(2 ** 20)}\nendstream\nendobj\n`;
  const xref = text.length;
  text += `xref\n1 3\n${starts.map(tableRow).join('')}10 2000\n${offsets.map(tableRow).join('')}trailer\n<</Root 1 0 R>>\nstartxref\n${xref}\n`;
  expect(() => selectPages(Buffer.from(text), [{ lower: 1, upper: 1 }])).toThrow('overlap');
});

test('an encrypted file is refused', () => {
  const locked = Buffer.from(withTable().toString('latin1').replace('/Size 16', '/Size 16/Encrypt 9 0 R'), 'latin1');
  expect(() => selectPages(locked, [{ lower: 1, upper: 1 }])).toThrow('it is encrypted');
});

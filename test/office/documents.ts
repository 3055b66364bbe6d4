/** Documents and files for tests. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { open, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A real PDF of A4 pages, made by ghostscript. */
export async function makePdf(path: string, text: string, pages = 1): Promise<void> {
  const page = `/Helvetica findfont 24 scalefont setfont 72 720 moveto (${text.replaceAll(/[^\w ]/g, '')}) show showpage\n`;
  const source = `${path}.ps`;
  await writeFile(source, `%!PS\n<</PageSize[595 842]>>setpagedevice\n${page.repeat(pages)}`);
  await promisify(execFile)('gs', [
    '-q',
    '-dBATCH',
    '-dNOPAUSE',
    '-dSAFER',
    '-sDEVICE=pdfwrite',
    `-sOutputFile=${path}`,
    source,
  ]);
}

/** Incompressible, and different in every MiB; made of one random block, so that a GiB takes seconds. */
export async function writeRandomFile(path: string, bytes: number): Promise<void> {
  const block = randomBytes(1 << 20);
  const file = await open(path, 'w');
  try {
    for (let at = 0; at < bytes; at += block.length) {
      block.writeBigUInt64LE(BigInt(at), 0);
      await file.write(block, 0, Math.min(block.length, bytes - at));
    }
  } finally {
    await file.close();
  }
}

/** A PDF of one empty page, with so many bytes of comment; made without any program. */
export function onePagePdf(padding = 0): Buffer {
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>',
  ];
  let text = `%PDF-1.4\n%${'x'.repeat(padding)}\n`;
  const offsets = objects.map((object, at) => {
    const offset = text.length;
    text += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const begin = text.length;
  text += `xref\n0 4\n0000000000 65535 f \n${table}trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n${begin}\n%%EOF\n`;
  return Buffer.from(text);
}

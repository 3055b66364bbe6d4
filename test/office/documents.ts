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

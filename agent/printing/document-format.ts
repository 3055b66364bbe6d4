/** What a document is, by its first bytes. What it claims to be counts only where both agree. */
import { NethoodError } from '../../protocol/errors.ts';

/** First bytes that are looked at. */
export const sniffBytes = 1024;

/** The formats that nethood passes on, best first. Everything else is for the destination's driver, which a neighbour does not have. */
export const documentFormats = [
  'application/pdf',
  'image/jpeg',
  'image/pwg-raster',
  'image/urf',
  'text/plain',
] as const;
export type DocumentFormat = (typeof documentFormats)[number];

/** RFC 8011 section 5.4.22: the printer looks for itself. */
export const anyFormat = 'application/octet-stream';

/**
 * White space as PDF has it (ISO 32000-1 section 7.2.2) and a byte order mark may come first, nothing else and not much:
 * Acrobat takes a header anywhere in the first 1,024 bytes, and whatever stands before it there is for another reader.
 */
const pdf = /^(?:\xef\xbb\xbf)?[\0\t\n\f\r ]{0,32}%PDF-[1-9]\.\d/;
/** Start of image, then the first byte of a marker that begins a segment. */
const jpeg = /^\xff\xd8\xff[\xc0-\xfe]/;
/** PWG 5102.4 section 4.1: big-endian, and its first page says so: CUPS' own raster has the same first word. */
const pwgRaster = 'RaS2PwgRaster\0';
const appleRaster = 'UNIRAST\0';
/** Languages of printers that are made of letters. A text printer would spell them out, page by page; a raw one obeys. */
const commands = /^(?:\xef\xbb\xbf)?\s*(?:%!|@PJL)/;
const utf16Mark = /^(?:\xff\xfe|\xfe\xff)/;

/** Undefined: none of ours. */
export function sniffFormat(head: Buffer): DocumentFormat | undefined {
  const start = head.subarray(0, sniffBytes);
  const text = start.toString('latin1');
  if (pdf.test(text)) return 'application/pdf';
  if (jpeg.test(text)) return 'image/jpeg';
  if (text.startsWith(pwgRaster)) return 'image/pwg-raster';
  if (text.startsWith(appleRaster)) return 'image/urf';
  return isText(start, text) ? 'text/plain' : undefined;
}

/**
 * UTF-8, or eight bits of an older charset; of control characters those of a typewriter. UTF-16 is no text to a print
 * system: its NULs are refused as such, and what has none by its mark.
 */
function isText(head: Buffer, text: string): boolean {
  if (head.length === 0 || commands.test(text) || utf16Mark.test(text)) return false;
  if (!head.every((byte) => (byte >= 0x20 ? byte !== 0x7f : byte >= 0x08 && byte <= 0x0d))) return false;
  // U+009B is ESC [ in one character. As bytes of Windows' charsets, which are no UTF-8, these are quotation marks.
  return !/[\x80-\x9f]/.test(head.toString());
}

/** `text/plain; charset=utf-8` -> `text/plain` */
export function bareFormat(claim: string): string {
  return (claim.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/**
 * The format of a document whose sender claims one (undefined or octet-stream: none).
 * @throws NethoodError `bad-document`
 */
export function checkFormat(head: Buffer, claim: string | undefined, accepted: readonly string[]): DocumentFormat {
  const sniffed = sniffFormat(head);
  const claimed = claim === undefined ? anyFormat : bareFormat(claim);
  if (claimed !== anyFormat && claimed !== sniffed)
    throw new NethoodError('bad-document', `The document is not ${claimed}, as it claims.`);
  if (sniffed === undefined)
    throw new NethoodError(
      'bad-document',
      'The document is of none of the known formats (PDF, JPEG, PWG or Apple raster, text).',
    );
  if (!accepted.includes(sniffed)) throw new NethoodError('bad-document', `The printer does not take ${sniffed}.`);
  return sniffed;
}

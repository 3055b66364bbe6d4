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

/** Undefined: none of ours. */
export function sniffFormat(head: Buffer): DocumentFormat | undefined {
  const start = head.subarray(0, sniffBytes);
  if (/^(\xef\xbb\xbf)?[\s\0]*%PDF-/.test(start.toString('latin1'))) return 'application/pdf';
  if (start.length >= 3 && start[0] === 0xff && start[1] === 0xd8 && start[2] === 0xff) return 'image/jpeg';
  const magic = start.toString('latin1', 0, 8);
  // PWG 5102.4 section 4.1 writes big-endian `RaS2`; Apple raster begins with its name and a NUL.
  if (magic.startsWith('RaS2')) return 'image/pwg-raster';
  if (magic === 'UNIRAST\0') return 'image/urf';
  return isText(start) ? 'text/plain' : undefined;
}

/** No control characters but those of a typewriter, and no PostScript, which a text printer would spell out page by page. */
function isText(head: Buffer): boolean {
  if (head.length === 0 || head.subarray(0, 2).toString('latin1') === '%!') return false;
  return head.every((byte) => (byte >= 0x20 ? byte !== 0x7f : byte >= 0x08 && byte <= 0x0d));
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

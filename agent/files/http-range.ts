/** One byte range of RFC 9110 section 14. Pure. */
import type { ByteRange } from './file-tree.ts';

/**
 * The part of a file of `size` bytes that a Range header asks for; undefined where the whole file is to be sent: no
 * header, another unit, or several ranges (14.2 lets a server ignore them); `unsatisfiable` for what lies outside the
 * file or fits no syntax.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | undefined | 'unsatisfiable' {
  const text = /^bytes=([^,]*)$/.exec(header ?? '')?.[1]?.trim();
  if (text === undefined) return undefined;
  const suffix = /^-(\d{1,16})$/.exec(text);
  if (suffix !== null) return within(size - Number(suffix[1]), size, size);
  const [, first, last] = /^(\d{1,16})-(\d{0,16})$/.exec(text) ?? [];
  if (first === undefined) return 'unsatisfiable';
  return within(Number(first), last === '' ? size : Number(last) + 1, size);
}

/**
 * The same where the size is not known: the end may lie beyond that of the file. `unsatisfiable` also for what only the
 * size can tell.
 */
export function parseRangeOfAny(header: string | undefined): ByteRange | undefined | 'unsatisfiable' {
  return /^bytes=\s*-/.test(header ?? '') ? 'unsatisfiable' : parseRange(header, Number.MAX_SAFE_INTEGER);
}

function within(start: number, end: number, size: number): ByteRange | 'unsatisfiable' {
  const range = { start: Math.max(0, start), end: Math.min(end, size) };
  return range.start < range.end ? range : 'unsatisfiable';
}

/** `bytes 0-499/1234`, as a 206 names its part; null where it cannot be read. */
export function parseContentRange(header: string | undefined): { start: number; end: number; size: number } | null {
  const [, first, last, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(header ?? '') ?? [];
  if (first === undefined) return null;
  return { start: Number(first), end: Number(last) + 1, size: Number(size) };
}

/** What a neighbour says about the version of a file in the headers of its answer. */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import { blockBytes } from './block-digest.ts';
import { blocksType, framedLength, largestSparse } from './block-frames.ts';
import { parseContentRange } from './http-range.ts';

const Length = z.coerce.number().int().min(0);
const Headers = z.object({
  /** Strong only (RFC 9110 8.8.3): the same text, the same bytes. */
  etag: z.string().regex(/^"[\x21\x23-\x7e]{1,256}"$/),
  /** Absent of blocks with holes. */
  'content-length': Length.optional(),
  /** Milliseconds; ours. */
  'nethood-modified': z.coerce.number().int(),
  /** Of the whole file, where the body is blocks. */
  'nethood-size': Length.optional(),
  /** Bytes that it takes at its owner, where it has holes. */
  'nethood-allocated': Length.optional(),
});
type Headers = z.infer<typeof Headers>;

export interface AnsweredFile {
  readonly etag: string;
  readonly modified: number;
  /** Of the whole file. */
  readonly size: number;
  /** The first byte of the file that the body has. */
  readonly start: number;
  /** Bytes in the body; undefined where only its end will tell. */
  readonly length: number | undefined;
  /** The body is blocks with heads (`block-frames.ts`). */
  readonly blocks: boolean;
  /** Bytes that the file takes where it has holes, which are to stay holes; else undefined. */
  readonly allocated: number | undefined;
}

/** @throws `bad-message` where they make no sense */
export function answeredFile(response: IncomingMessage, name: string): AnsweredFile {
  const headers = Headers.safeParse(response.headers);
  const range = response.statusCode === 206 ? parseContentRange(response.headers['content-range']) : undefined;
  if (!headers.success || range === null || (response.statusCode !== 200 && range === undefined)) throw senseless(name);
  const blocks = response.headers['content-type'] === blocksType;
  const answer = blocks ? framed(headers.data, range) : plain(headers.data, range);
  if (answer === undefined) throw senseless(name);
  return { etag: headers.data.etag, modified: headers.data['nethood-modified'], ...answer };
}

interface Range {
  readonly start: number;
  readonly end: number;
  readonly size: number;
}

type Body = Omit<AnsweredFile, 'etag' | 'modified'>;

function plain({ 'content-length': length }: Headers, range: Range | undefined): Body | undefined {
  if (length === undefined) return undefined;
  const { start, end, size } = range ?? { start: 0, end: length, size: length };
  if (end - start !== length || end > size) return undefined;
  return { size, start, length, blocks: false, allocated: undefined };
}

function framed(headers: Headers, range: Range | undefined): Body | undefined {
  const { 'nethood-size': size, 'content-length': length, 'nethood-allocated': allocated } = headers;
  if (size === undefined) return undefined;
  const { start, end } = range ?? { start: 0, end: size };
  if (start % blockBytes !== 0 || end !== size || (range?.size ?? size) !== size) return undefined;
  if (!fits(length, { start, end, allocated })) return undefined;
  return { size, start, length, blocks: true, allocated };
}

/** A body with holes says what the file takes, one without how long it is itself. */
function fits(
  length: number | undefined,
  { allocated, ...range }: { start: number; end: number; allocated: number | undefined },
): boolean {
  if (length === undefined) return allocated !== undefined && range.end <= largestSparse;
  return allocated === undefined && length === framedLength(range);
}

function senseless(name: string): NethoodError {
  return new NethoodError('bad-message', `${name} answered a request for a file with headers that make no sense.`);
}

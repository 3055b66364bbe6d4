/** What a neighbour says about the version of a file in the headers of its answer. */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import { parseContentRange } from './http-range.ts';

const Length = z.coerce.number().int().min(0);
const Headers = z.object({
  /** Strong only (RFC 9110 8.8.3): the same text, the same bytes. */
  etag: z.string().regex(/^"[\x21\x23-\x7e]{1,256}"$/),
  'content-length': Length,
  /** Milliseconds; ours. */
  'nethood-modified': z.coerce.number().int(),
});

export interface AnsweredFile {
  readonly etag: string;
  readonly modified: number;
  /** Of the whole file. */
  readonly size: number;
  /** The first byte of the body. */
  readonly start: number;
  /** Bytes in the body. */
  readonly length: number;
}

/** @throws `bad-message` where they make no sense */
export function answeredFile(response: IncomingMessage, name: string): AnsweredFile {
  const headers = Headers.safeParse(response.headers);
  const range = response.statusCode === 206 ? parseContentRange(response.headers['content-range']) : undefined;
  if (!headers.success || range === null || (response.statusCode !== 200 && range === undefined)) throw senseless(name);
  const { etag, 'content-length': length, 'nethood-modified': modified } = headers.data;
  if (range === undefined) return { etag, modified, size: length, start: 0, length };
  if (range.end - range.start !== length || range.end > range.size) throw senseless(name);
  return { etag, modified, size: range.size, start: range.start, length };
}

function senseless(name: string): NethoodError {
  return new NethoodError('bad-message', `${name} answered a request for a file with headers that make no sense.`);
}

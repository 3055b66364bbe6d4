/** PUT of one file (RFC 9110 9.3.4): whole or not at all, answered when it is safe under its name. */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import type { WritableTree, WriteOptions } from './file-tree.ts';
import type { PutAnswer } from './put-answer.ts';

/** The other side gives up after a minute of silence; a slow disk may need more to make all safe. */
const signEveryMs = 15_000;

const Headers = z.object({
  'content-length': z.coerce.number().int().min(0).optional(),
  'if-match': z.string().optional(),
  /** Any other version than these: there is no use for it. */
  'if-none-match': z.literal('*').optional(),
  /** A part cannot be put (RFC 9110 14.5). */
  'content-range': z.undefined().optional(),
  /** Milliseconds since 1970. */
  'nethood-modified': z.coerce.number().int().optional(),
});

export async function receiveFile(
  tree: WritableTree,
  path: WirePath,
  { request, response, signal }: HttpExchange,
  clock: Clock,
): Promise<void> {
  const { modified, ...conditions } = wanted(request.headers);
  const signs = signsOfLife(response, clock);
  const writing = tree.write(path, { body: request, modified, ...conditions, signal });
  const answer: PutAnswer = await writing.finally(() => signs[Symbol.dispose]());
  const body = JSON.stringify(answer);
  response.writeHead(answer.created ? 201 : 200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    etag: answer.etag,
  });
  response.end(body);
}

function wanted(headers: IncomingHttpHeaders): Omit<WriteOptions, 'body' | 'signal'> {
  const parsed = Headers.safeParse(headers);
  if (!parsed.success) throw new NethoodError('bad-request', 'The headers of the file make no sense.');
  return {
    size: parsed.data['content-length'],
    modified: parsed.data['nethood-modified'],
    ifMatch: parsed.data['if-match'],
    fresh: parsed.data['if-none-match'] === '*',
  };
}

/** 102 Processing (RFC 2518 10.1) now and then, as long as nothing else is said. */
function signsOfLife(response: ServerResponse, clock: Clock): Disposable {
  const say = (): void => {
    if (!response.headersSent && !response.destroyed) response.writeProcessing();
    timer = clock.timer(signEveryMs, say);
  };
  let timer = clock.timer(signEveryMs, say);
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

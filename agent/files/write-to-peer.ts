/** PUT of one file to a neighbour's share; `receive-file.ts` is the other end. */
import type { OutgoingHttpHeaders } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import type { WriteOptions, WrittenFile } from './file-tree.ts';
import { GatheredBody } from './gathered-body.ts';
import { jsonOf, type PeerHttp, peerName } from './peer-http.ts';
import { brokenBody, wrongLength } from './pour-body.ts';
import { PutAnswer } from './put-answer.ts';
import { sendToPeer, type WriteBytes } from './send-to-peer.ts';

export interface PeerFile {
  readonly url: string;
  /** For messages. */
  readonly what: string;
}

export async function writeToPeer(
  peer: PeerHttp,
  { url, what }: PeerFile,
  options: WriteOptions,
): Promise<WrittenFile> {
  const { size, signal } = options;
  using body = new GatheredBody(options.body, signal);
  const response = await sendToPeer(peer, {
    method: 'PUT',
    path: url,
    headers: headersOf(options),
    send: (write) => pass(body, write, { size, what }),
    signal,
  });
  const answer = PutAnswer.safeParse(await jsonOf(response, peerName(peer)));
  if (answer.success) return answer.data;
  throw new NethoodError('bad-message', `${peerName(peer)} did not say what it wrote.`);
}

async function pass(
  body: GatheredBody,
  write: WriteBytes,
  { size, what }: { size: number | undefined; what: string },
): Promise<void> {
  let taken = 0;
  for (let bytes = await next(body, what); bytes !== undefined; bytes = await next(body, what)) {
    taken += bytes.length;
    if (size !== undefined && taken > size) break;
    await write(bytes);
  }
  // A request that is not ended is broken off, so that no file comes of it there.
  if (size !== undefined && taken !== size) throw wrongLength(what, size, taken);
}

async function next(body: GatheredBody, what: string): Promise<Buffer | undefined> {
  try {
    return await body.next();
  } catch (error) {
    throw brokenBody(error, what);
  }
}

function headersOf({ size, modified, ifMatch, fresh }: WriteOptions): OutgoingHttpHeaders {
  return {
    'content-type': 'application/octet-stream',
    ...(size === undefined ? {} : { 'content-length': size }),
    ...(modified === undefined ? {} : { 'nethood-modified': modified }),
    ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
    ...(fresh === true ? { 'if-none-match': '*' } : {}),
  };
}

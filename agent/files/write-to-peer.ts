/** PUT of one file to a neighbour's share; `receive-file.ts` is the other end. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import type { WriteOptions, WrittenFile } from './file-tree.ts';
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
  const { body, size, signal } = options;
  const response = await sendToPeer(peer, {
    method: 'PUT',
    path: url,
    headers: headersOf(options),
    send: (write) => pass(piecesOf(body, what, signal), write, { size, what }),
    signal,
  });
  const answer = PutAnswer.safeParse(await jsonOf(response));
  if (answer.success) return answer.data;
  throw new NethoodError('bad-message', `${peerName(peer)} did not say what it wrote.`);
}

async function pass(
  pieces: AsyncIterable<Buffer>,
  write: WriteBytes,
  { size, what }: { size: number | undefined; what: string },
): Promise<void> {
  let taken = 0;
  for await (const bytes of pieces) {
    taken += bytes.length;
    if (size !== undefined && taken > size) break;
    await write(bytes);
  }
  // A request that is not ended is broken off, so that no file comes of it there.
  if (size !== undefined && taken !== size) throw wrongLength(what, size, taken);
}

/** What lies behind the body is its owner's: it is neither destroyed nor waited for when nobody wants more of it. */
async function* piecesOf(body: Readable, what: string, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const pieces = body.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const next = await unlessAborted<IteratorResult<Buffer | string, undefined>>(pieces.next(), signal);
      if (next.done === true) return;
      yield typeof next.value === 'string' ? Buffer.from(next.value) : next.value;
    }
  } catch (error) {
    throw brokenBody(error, what);
  }
}

/**
 * With a listener for each wait: one promise that is raced against again and again would hold, until it settles,
 * every piece that came before it.
 */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
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

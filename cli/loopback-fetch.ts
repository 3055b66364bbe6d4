/** `fetch` as far as the control client needs it, on node:http: the global one costs a short command a fifth of its time. */
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import type { ControlFetch, ControlResponse } from '../protocol/control-client.ts';

export const loopbackFetch: ControlFetch = async (url, { method, headers, body, signal }) => {
  const sent = request(url, { method, headers, ...(signal === undefined ? {} : { signal }) });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    // Stays: an agent that answers early may close while we still send, and that is no news then.
    sent.on('error', reject);
  });
  send(sent, body);
  return responseOf(sent, await answer);
};

function send(sent: ClientRequest, body: string | ReadableStream<Uint8Array> | undefined): void {
  if (body === undefined || typeof body === 'string') {
    sent.end(body);
    return;
  }
  const source = Readable.fromWeb(body);
  // A document that cannot be read breaks the request off: it must not look whole.
  source.on('error', (error) => sent.destroy(error));
  sent.on('close', () => source.destroy());
  source.pipe(sent);
}

function responseOf(sent: ClientRequest, message: IncomingMessage): ControlResponse {
  const status = message.statusCode ?? 0;
  return {
    ok: status >= 200 && status < 300,
    status,
    body: message as AsyncIterable<Uint8Array>,
    async text() {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk as Buffer);
      // Whatever of the body is still unsent: nobody wants it any more.
      if (!sent.writableFinished) sent.destroy();
      return Buffer.concat(chunks).toString('utf8');
    },
  };
}

/** HTTP to a neighbour's `/files/`, with its errors turned into ours. */
import { type ClientRequest, type IncomingMessage, request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { ErrorBody } from '../../protocol/control.ts';
import { type ErrorCode, errorTable, NethoodError } from '../../protocol/errors.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { deadlines } from '../../protocol/peer.ts';
import type { Clock } from '../base/clock.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import { connectedHost } from '../peers/peer-address.ts';

export interface PeerHttp {
  readonly neighbours: Pick<Neighbours, 'httpAgent' | 'httpHost' | 'get'>;
  readonly id: DeviceId;
  readonly clock: Clock;
}

export interface PeerHttpRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
  readonly signal: AbortSignal;
}

const longestError = 64 << 10;

/** The response to a request that went well; its body is the caller's, to read or to destroy. @throws NethoodError of the neighbour, or `interrupted`, `timeout` */
export async function askPeer(peer: PeerHttp, ask: PeerHttpRequest): Promise<IncomingMessage> {
  ask.signal.throwIfAborted();
  const response = await responseTo(peer, ask);
  if ((response.statusCode ?? 500) < 400) return response;
  throw await errorOf(response, peerName(peer));
}

export function peerName({ neighbours, id }: PeerHttp): string {
  return neighbours.get(id)?.name ?? 'the neighbour';
}

async function responseTo(peer: PeerHttp, { body, ...ask }: PeerHttpRequest): Promise<IncomingMessage> {
  const request = await requestTo(peer, ask);
  return new Promise((resolve, reject) => {
    const timer = peer.clock.timer(deadlines.request, () =>
      request.destroy(new NethoodError('timeout', `${peerName(peer)} did not answer in time.`)),
    );
    request.once('error', (error) => {
      timer[Symbol.dispose]();
      reject(ask.signal.aborted ? (ask.signal.reason as Error) : connectionError(error, peerName(peer)));
    });
    request.once('response', (response) => {
      timer[Symbol.dispose]();
      resolve(response);
    });
    request.end(body);
  });
}

/** Kept when it has its connection; nothing was sent then, and what becomes of it is the caller's. */
export function requestTo(
  peer: PeerHttp,
  { method, path, headers, signal }: Pick<PeerHttpRequest, 'path' | 'headers' | 'signal'> & { method: string },
): Promise<ClientRequest> {
  const agent = peer.neighbours.httpAgent(peer.id);
  const request = httpRequest({ agent, method, path, signal, setHost: false, headers });
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(signal.aborted ? (signal.reason as Error) : connectionError(error, peerName(peer)));
    // Stays when all is well: an error in the same moment must find a listener.
    request.on('error', fail);
    request.once('socket', (socket) => {
      request.setHeader('host', connectedHost(socket) ?? peer.neighbours.httpHost(peer.id));
      resolve(request);
    });
  });
}

/** Whatever breaks a connection; faults of the code have no place here, as nothing else runs in it. */
export function connectionError(error: unknown, name: string): NethoodError {
  if (error instanceof NethoodError) return error;
  return new NethoodError('interrupted', `The connection to ${name} broke.`, { cause: error });
}

/** What an answer of 400 or more says; its body is read. */
export async function errorOf(response: IncomingMessage, name: string): Promise<NethoodError> {
  const said = ErrorBody.safeParse(await jsonOf(response, name));
  const status = response.statusCode ?? 500;
  const retryAfterMs = Number(response.headers['retry-after'] ?? Number.NaN) * 1000;
  const options = Number.isFinite(retryAfterMs) ? { retryAfterMs } : {};
  if (said.success) return new NethoodError(said.data.error.code, said.data.error.message, options);
  return new NethoodError(codeOfStatus(status), `${name} answered HTTP ${status}.`, options);
}

function codeOfStatus(status: number): ErrorCode {
  const codes: ErrorCode[] = ['not-found', 'not-permitted', 'changed', 'range', 'busy', 'unavailable', 'bad-path'];
  return codes.find((code) => errorTable[code].http === status) ?? 'bad-message';
}

/** The answer's JSON; undefined where it is too long, or none. @throws NethoodError `interrupted` where it breaks off */
export async function jsonOf(response: IncomingMessage, name: string): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const bytes of response as AsyncIterable<Buffer>) {
      size += bytes.length;
      if (size > longestError) return undefined;
      chunks.push(bytes);
    }
  } catch (error) {
    throw connectionError(error, name);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    // Whoever asked says what that means.
    return undefined;
  }
}

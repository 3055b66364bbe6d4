/**
 * IPP requests over HTTP (RFC 8010 section 4): to the print system by its socket or by TCP, to a neighbour by an agent of
 * `node:http` that proves its key. A document is streamed behind the attributes; answers are bounded in bytes and time.
 * No redirect is ever followed: whoever is asked answers, or nobody does.
 */
import { once } from 'node:events';
import { request as httpRequest, type Agent, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NethoodError, type ErrorCode } from '../../protocol/errors.ts';
import { connectedHost } from '../peers/peer-address.ts';
import { firstString, groupOf } from './ipp-attributes.ts';
import { networkLimits, readIppMessage, type IppLimits } from './ipp-decoder.ts';
import { encodeIpp } from './ipp-encoder.ts';
import { errorOfStatus, isSuccessful } from './ipp-status.ts';
import type { IppRequest, IppResponse } from './ipp-values.ts';

type IppTransport =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number }
  /** The agent makes the sockets; `host` is the Host header where a socket does not tell where it leads. */
  | { readonly agent: Agent; readonly host: string };

export interface IppTarget {
  readonly transport: IppTransport;
  /** `/printers/laser`, `/ipp/print/laser` */
  readonly path: string;
  /** Begins the sentence of an error: `The print system`, `The printer "laser" of Anna`. */
  readonly what: string;
  readonly limits?: IppLimits;
  /** The header, where the other side wants to know who asks. */
  readonly authorization?: string;
}

export interface IppRequestOptions {
  readonly signal: AbortSignal;
  /** Opened once somebody is there to take it; read to its end, or destroyed. Its own failure is thrown as it is. */
  readonly document?: () => Readable;
  readonly deadlines?: Partial<IppDeadlines>;
}

/** Milliseconds. */
interface IppDeadlines {
  /** Until a socket is there: dial and TLS. */
  readonly connect: number;
  /** For the whole answer, from the last byte of a request without document. */
  readonly answer: number;
  /** With a document, for a pause within it and for the whole answer: its receiver may have a slow disk to sync. */
  readonly stall: number;
}

const usualDeadlines: IppDeadlines = { connect: 10_000, answer: 15_000, stall: 60_000 };

/**
 * Whatever IPP status is answered; `askIpp` takes only success.
 * @throws NethoodError `unreachable` (nobody there), `interrupted`, `timeout`, `bad-message`, `too-large`, or what an
 * HTTP status other than 200 stands for; the signal's reason when that aborts; the document's own error
 */
export async function ippRequest(
  target: IppTarget,
  request: IppRequest,
  options: IppRequestOptions,
): Promise<IppResponse> {
  const { signal, document } = options;
  signal.throwIfAborted();
  const stop = new AbortController();
  const passOn = (): void => stop.abort(signal.reason);
  signal.addEventListener('abort', passOn, { once: true });
  let http: ClientRequest | undefined;
  let stream: Readable | undefined;
  try {
    http = open(target, { signal: stop.signal, chunked: document !== undefined });
    using _ = deadlines(target, http, { stop, ...usualDeadlines, ...options.deadlines, document });
    const openDocument = document && (() => (stream = opened(document, stop)));
    return await exchange(target, http, encodeIpp(request), openDocument);
  } catch (error) {
    throw stop.signal.aborted ? stop.signal.reason : explained(target, error);
  } finally {
    signal.removeEventListener('abort', passOn);
    http?.destroy();
    stream?.destroy();
  }
}

/** The same, but throws the error that an unsuccessful status stands for. */
export async function askIpp(target: IppTarget, request: IppRequest, options: IppRequestOptions): Promise<IppResponse> {
  const response = await ippRequest(target, request, options);
  if (isSuccessful(response.status)) return response;
  throw errorOfStatus(response.status, target.what, firstString(groupOf(response, 'operation'), 'status-message'));
}

function open(target: IppTarget, { signal, chunked }: { signal: AbortSignal; chunked: boolean }): ClientRequest {
  const { transport, path, authorization } = target;
  const headers: Record<string, string> = { 'Content-Type': 'application/ipp' };
  if (authorization !== undefined) headers['Authorization'] = authorization;
  // Without an agent of the caller's each request has a connection of its own, and nothing stays open behind it.
  const place = 'agent' in transport ? { agent: transport.agent, setHost: false } : { agent: false, ...transport };
  if (chunked) headers['Transfer-Encoding'] = 'chunked';
  const http = httpRequest({ ...place, method: 'POST', path, headers, signal });
  // `once` in `exchange` hears the first; a later one, after the answer came, has nothing to add.
  http.on('error', () => undefined);
  return http;
}

async function exchange(
  target: IppTarget,
  http: ClientRequest,
  head: Buffer,
  document: (() => Readable) | undefined,
): Promise<IppResponse> {
  const answered = once(http, 'response');
  const sent = send(target, http, head, document);
  // An upload that breaks off is told by the answer, or by its absence.
  sent.catch(() => undefined);
  const [answer] = (await answered) as [IncomingMessage];
  const message = await readAnswer(target, answer);
  // A refusal may come early, then the rest need not go. Success counts only for all of the document.
  if (isSuccessful(message.status)) await sent;
  return message;
}

async function send(
  { transport }: IppTarget,
  http: ClientRequest,
  head: Buffer,
  document: (() => Readable) | undefined,
): Promise<void> {
  const [socket] = (await once(http, 'socket')) as [Socket];
  if (socket.connecting) await once(socket, 'connect');
  if ('agent' in transport) http.setHeader('Host', connectedHost(socket) ?? transport.host);
  if (document === undefined) {
    http.end(head);
    return;
  }
  http.write(head);
  await pipeline(document(), http);
}

/** Its own failure ends the exchange, and is what the caller hears. */
function opened(document: () => Readable, stop: AbortController): Readable {
  try {
    return document().once('error', (error) => stop.abort(error));
  } catch (error) {
    stop.abort(error);
    throw error;
  }
}

async function readAnswer(target: IppTarget, answer: IncomingMessage): Promise<IppResponse> {
  if (answer.statusCode !== 200) throw errorOfHttp(target, answer.statusCode ?? 0);
  const type = answer.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/ipp')
    throw new NethoodError('bad-message', `${target.what} answered with ${type ?? 'nothing'} instead of IPP.`);
  const { message, body } = await readIppMessage(answer, 'response', { limits: target.limits ?? networkLimits });
  // Read to the end, so that an agent can use the socket again; data behind an answer is none that we asked for.
  for await (const extra of body) if ((extra as Buffer).length > 0) break;
  return message;
}

interface DeadlineOptions extends IppDeadlines {
  readonly stop: AbortController;
  readonly document: unknown;
}

function deadlines(target: IppTarget, http: ClientRequest, options: DeadlineOptions): Disposable {
  const { stop } = options;
  const exceeded = (what: string) => (): void => stop.abort(new NethoodError('timeout', `${target.what} ${what}.`));
  const patience = options.document !== undefined ? options.stall : options.answer;
  let timer = setTimeout(exceeded('did not take the connection in time'), options.connect);
  http.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', () => clearTimeout(timer));
    else clearTimeout(timer);
  });
  http.setTimeout(patience, exceeded('has been silent for too long'));
  // Silence is not enough: an answer may drip.
  http.once('finish', () => {
    clearTimeout(timer);
    timer = setTimeout(exceeded('did not answer in time'), patience);
  });
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

function errorOfHttp(target: IppTarget, status: number): NethoodError {
  return new NethoodError(codeOfHttp(status), `${target.what} answered HTTP status ${status}.`);
}

function codeOfHttp(status: number): ErrorCode {
  switch (status) {
    case 400:
      return 'bad-request';
    case 401:
    case 403:
      return 'not-permitted';
    case 404:
      return 'not-found';
    case 413:
      return 'too-large';
    case 429:
      return 'busy';
    case 507:
      return 'no-space';
    default:
      return status >= 500 ? 'unavailable' : 'bad-message';
  }
}

const nobodyThere = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EACCES',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

function explained(target: IppTarget, error: unknown): unknown {
  if (error instanceof NethoodError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return code !== undefined && nobodyThere.has(code)
    ? new NethoodError('unreachable', `${target.what} cannot be reached (${code}).`, { cause: error })
    : new NethoodError('interrupted', `${target.what} broke the connection off (${code ?? message}).`, {
        cause: error,
      });
}

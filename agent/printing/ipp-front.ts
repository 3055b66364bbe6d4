/**
 * The IPP front of the peers port, the guests port and the loopback gateway: HTTP in, one operation, HTTP out (RFC 8010 section 4).
 * Ports, TLS, stalled bodies and foreign web pages are the door's affair; who may see which queue is `access`'.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { toNethoodError } from '../../protocol/errors.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import type { Asker } from '../trust/access.ts';
import { failed, noSuchPrinter, refused, responseOf, type IppAnswer } from './ipp-answer.ts';
import { groupOf } from './ipp-attributes.ts';
import { readIppMessage, type IppMessageHeader } from './ipp-decoder.ts';
import { encodeIpp } from './ipp-encoder.ts';
import { ownerOf, type IppExchange, type IppFrontDeps } from './ipp-exchange.ts';
import { getJobs } from './ipp-get-jobs.ts';
import { getJobAttributes } from './ipp-job.ts';
import { cancelJob, cancelMyJobs, closeJob, holdJob, releaseJob } from './ipp-own-jobs.ts';
import { getPrinterAttributes, identifyPrinter } from './ipp-printer.ts';
import { refusalOf, subjectOf } from './ipp-request.ts';
import { createJob, printJob, sendDocument, validateJob } from './ipp-submit.ts';
import { operationName, operations } from './ipp-tables.ts';
import type { IppRequest } from './ipp-values.ts';
import type { FrontAddress } from './printer-attributes.ts';
import { guestPages } from './printer-announcements.ts';
import { answerPage } from './printer-page.ts';
import type { Printer } from './printer.ts';

type PrinterOperation = (exchange: IppExchange, printer: Printer) => IppAnswer | Promise<IppAnswer>;
type JobOperation = (exchange: IppExchange) => IppAnswer | Promise<IppAnswer>;

const printerOperations: ReadonlyMap<number, PrinterOperation> = new Map<number, PrinterOperation>([
  [operations['Print-Job'], printJob],
  [operations['Validate-Job'], validateJob],
  [operations['Create-Job'], createJob],
  [operations['Send-Document'], sendDocument],
  [operations['Get-Printer-Attributes'], getPrinterAttributes],
  [operations['Get-Jobs'], getJobs],
  [operations['Cancel-My-Jobs'], cancelMyJobs],
  [operations['Identify-Printer'], identifyPrinter],
]);
/** These look for the printer themselves: a job's owner may see it where the printer is hidden from him by now. */
const jobOperations: ReadonlyMap<number, JobOperation> = new Map<number, JobOperation>([
  [operations['Get-Job-Attributes'], getJobAttributes],
  [operations['Cancel-Job'], cancelJob],
  [operations['Close-Job'], closeJob],
  [operations['Hold-Job'], holdJob],
  [operations['Release-Job'], releaseJob],
]);

export async function answerIpp(deps: IppFrontDeps, http: HttpExchange): Promise<void> {
  const { request, response } = http;
  if (request.method === 'GET' || request.method === 'HEAD') return answerPage(deps, http);
  if (request.method !== 'POST') {
    response.setHeader('allow', 'GET, HEAD, POST');
    return sayInWords(response, 405, 'Printers are asked by POST.');
  }
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/ipp') return sayInWords(response, 415, 'Printers are asked in application/ipp.');
  await answer(deps, http);
}

function sayInWords(response: ServerResponse, status: number, sentence: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${sentence}\n`);
}

async function answer(deps: IppFrontDeps, http: HttpExchange): Promise<void> {
  let header: IppMessageHeader | undefined;
  let message: IppRequest;
  try {
    const read = await readIppMessage(http.request, 'request', { onHeader: (known) => (header = known) });
    message = read.message;
  } catch (error) {
    if (header === undefined) return sayInWords(http.response, 400, 'That is not a message of IPP.');
    return send(http.response, header, failed(error));
  }
  if (deps.lock?.opens(message.operation) === false) {
    http.response.setHeader('www-authenticate', deps.lock.challenge);
    return sayInWords(http.response, 401, 'This printer is for who installed it.');
  }
  send(http.response, message, await answerTo(deps, http, message));
}

async function answerTo(deps: IppFrontDeps, http: HttpExchange, request: IppRequest): Promise<IppAnswer> {
  try {
    return await operate(deps, http, request);
  } catch (error) {
    if (toNethoodError(error).code === 'internal' && !http.signal.aborted)
      deps.log.error(
        { error, operation: operationName(request.operation) },
        'An IPP operation failed by our own fault.',
      );
    return failed(error);
  }
}

async function operate(deps: IppFrontDeps, http: HttpExchange, request: IppRequest): Promise<IppAnswer> {
  const refusal = refusalOf(request);
  if (refusal !== undefined) return refusal;
  const ofJob = jobOperations.get(request.operation);
  const ofPrinter = printerOperations.get(request.operation);
  if (ofJob === undefined && ofPrinter === undefined)
    return refused('server-error-operation-not-supported', `${operationName(request.operation)} is not supported.`);
  const subject = subjectOf(request, { prefix: deps.prefix, path: http.path });
  if ('status' in subject) return subject;
  const exchange: IppExchange = {
    deps,
    asker: http.asker,
    owner: ownerOf(http.asker, http.address, request),
    address: addressOf(deps, http),
    request,
    operation: groupOf(request, 'operation'),
    subject,
    body: http.request,
    declaredBytes: declaredBytes(http.request),
    signal: http.signal,
  };
  if (ofJob !== undefined) return ofJob(exchange);
  const printer = deps.findPrinter(http.asker, subject.queue);
  return printer === undefined || ofPrinter === undefined ? noSuchPrinter : ofPrinter(exchange, printer);
}

/** The name under which the client reached us is one under which it reaches us again; the door has checked it. */
function addressOf({ names, prefix }: IppFrontDeps, { request, asker }: HttpExchange): FrontAddress {
  const { socket, headers } = request;
  const port = socket.localPort ?? 631;
  const host = headers.host ?? '';
  const authority = /^[A-Za-z0-9.:[\]-]{1,255}$/.test(host) ? host : `${names.host()}:${port}`;
  const encrypted = 'encrypted' in socket && socket.encrypted === true;
  const page =
    asker.kind === 'guest'
      ? guestPages({ hostName: names.host(), guestsPort: port })
      : `${encrypted ? 'https' : 'http'}://${authority}${prefix}`;
  return { authority, prefix, encrypted, page, doors: doorsOf(asker) };
}

/** Agents come by TLS with their certificate, guests as they like, the programs of this PC with a secret and without TLS. */
function doorsOf({ kind }: Asker): FrontAddress['doors'] {
  if (kind === 'device') return [{ encrypted: true, authentication: 'certificate' }];
  if (kind === 'owner') return [{ encrypted: false, authentication: 'basic' }];
  return [false, true].map((encrypted) => ({ encrypted, authentication: 'requesting-user-name' }));
}

function declaredBytes({ headers }: IncomingMessage): number | undefined {
  const length = Number(headers['content-length'] ?? Number.NaN);
  return Number.isSafeInteger(length) ? length : undefined;
}

/** RFC 8011 section 4.1.8: in the version of the request, or in the nearest that there is. */
function send(
  response: ServerResponse,
  asked: Pick<IppMessageHeader, 'version' | 'requestId'>,
  given: IppAnswer,
): void {
  if (response.destroyed) return;
  const known = asked.version.major === 1 || asked.version.major === 2;
  const version = known ? asked.version : { major: 2, minor: 0 };
  const bytes = encodeIpp(responseOf({ version, requestId: asked.requestId }, given));
  response.writeHead(200, { 'content-type': 'application/ipp', 'content-length': bytes.length }).end(bytes);
}

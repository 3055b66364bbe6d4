/**
 * `/files/<shareId>/<wire path>`: one file, read with ranges and versions (RFC 9110) or written (`receive-file.ts`).
 * `POST /files/<shareId>/archive`: many (`archive-serve.ts`). Stalled readers and errors are the port's affair: what is thrown before the first byte becomes
 * an answer, what is thrown later breaks the connection, so that a part never looks whole.
 */
import type { ServerResponse } from 'node:http';
import { errorTable, NethoodError } from '../../protocol/errors.ts';
import { ShareId } from '../../protocol/ids.ts';
import { parseWirePath, type WirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange, HttpRoute } from '../peers/neighbours.ts';
import { serveArchive } from './archive-serve.ts';
import type { ByteRange } from './file-tree.ts';
import { parseRange } from './http-range.ts';
import type { LocalFile, LocalTree } from './local-tree.ts';
import { receiveFile } from './receive-file.ts';
import { receivePut } from './receive-put.ts';
import { sendPieces } from './send-pieces.ts';
import type { LocalShares } from './shares.ts';
import type { Uploads } from './uploads.ts';

/** Bodies under way to one asker; each holds up to 3 MiB. */
const mostPerAsker = 16;

export function createFilesRoute(shares: LocalShares, uploads: Uploads): HttpRoute {
  const sending = new Map<string, number>();
  return {
    prefix: '/files/',
    async handle(exchange) {
      const asker = exchange.asker.kind === 'device' ? exchange.asker.id : exchange.address;
      const count = sending.get(asker) ?? 0;
      if (count >= mostPerAsker) throw new NethoodError('busy', 'Too many files at once.', { retryAfterMs: 1000 });
      sending.set(asker, count + 1);
      try {
        await answer(shares, uploads, exchange);
      } finally {
        const left = (sending.get(asker) ?? 1) - 1;
        if (left === 0) sending.delete(asker);
        else sending.set(asker, left);
      }
    },
  };
}

async function answer(shares: LocalShares, uploads: Uploads, exchange: HttpExchange): Promise<void> {
  const { request, asker } = exchange;
  const { share, rest } = targetOf(exchange);
  const tree = shares.tree(asker, share, 'read');
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return sendFile(exchange, tree, parseWirePath(rest));
    case 'PUT':
      return receiveFile(shares.writable(asker, share), parseWirePath(rest), exchange, uploads.clock);
    case 'POST':
      if (rest === 'archive') return serveArchive(tree, exchange);
      return receivePut(shares, uploads, { share, rest, exchange });
    case undefined:
    default:
      throw new NethoodError('unsupported', `This agent does not know ${request.method ?? ''} for files.`);
  }
}

function targetOf({ path }: HttpExchange): { share: ShareId; rest: string } {
  const [id = ''] = path.split('/', 1);
  const share = ShareId.safeParse(id);
  if (!share.success) throw new NethoodError('not-found', 'There is no such share.');
  return { share: share.data, rest: path.slice(id.length + 1) };
}

async function sendFile(exchange: HttpExchange, tree: LocalTree, path: WirePath): Promise<void> {
  const { request, response, signal } = exchange;
  const whole = await tree.open(path, { ifMatch: wantedVersion(request.headers['if-match']), signal });
  const range = rangeOf(exchange, whole);
  if (range === 'unsatisfiable') {
    await whole.pieces[Symbol.asyncDispose]();
    refuseRange(response, whole.size);
    return;
  }
  // Of the same version, or the part would not be of the file that was just asked about.
  const file =
    range === undefined ? whole : await reopened(whole, () => tree.open(path, { range, ifMatch: whole.etag, signal }));
  await using pieces = file.pieces;
  writeHead(response, file, range);
  if (request.method === 'HEAD') response.end();
  else await sendPieces(pieces, response, signal);
}

async function reopened(whole: LocalFile, open: () => Promise<LocalFile>): Promise<LocalFile> {
  await whole.pieces[Symbol.asyncDispose]();
  return open();
}

/** Here rather than thrown, because of the header that tells how long the file is (RFC 9110 15.5.17). */
function refuseRange(response: ServerResponse, size: number): void {
  const error = { code: 'range', message: `The file has ${size} bytes; the range asked for lies outside.` };
  response.writeHead(errorTable.range.http, { 'content-type': 'application/json', 'content-range': `bytes */${size}` });
  response.end(JSON.stringify({ error }));
}

/** `*` asks for any version. A list is compared as text: agents ask for one. */
function wantedVersion(header: string | undefined): string | undefined {
  return header === '*' ? undefined : header;
}

/** A part is only sent if it is of the version that the asker has the rest of (RFC 9110 13.1.5). */
function rangeOf({ request }: HttpExchange, file: LocalFile): ByteRange | undefined | 'unsatisfiable' {
  const version = request.headers['if-range'];
  if (version !== undefined && version !== file.etag) return undefined;
  return parseRange(request.headers.range, file.size);
}

function writeHead(response: ServerResponse, file: LocalFile, range: ByteRange | undefined): void {
  const { start, end } = range ?? { start: 0, end: file.size };
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': 'application/octet-stream',
    'content-length': end - start,
    'accept-ranges': 'bytes',
    etag: file.etag,
    'last-modified': new Date(file.modified).toUTCString(),
    // HTTP dates know whole seconds; agents keep the milliseconds.
    'nethood-modified': file.modified,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${file.size}` }),
  });
}

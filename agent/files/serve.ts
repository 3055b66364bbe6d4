/** `/files/<shareId>/<wire path>`: one file, with ranges and versions (RFC 9110). `POST /files/<shareId>/archive`: many (`archive-serve.ts`). */
import type { ServerResponse } from 'node:http';
import { errorTable, NethoodError, toNethoodError } from '../../protocol/errors.ts';
import { ShareId } from '../../protocol/ids.ts';
import { parseWirePath, type WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { HttpExchange, HttpRoute } from '../peers/neighbours.ts';
import type { Asker } from '../trust/access.ts';
import { serveArchive } from './archive-serve.ts';
import type { ByteRange, OpenedFile } from './file-tree.ts';
import { parseRange } from './http-range.ts';
import type { LocalTree } from './local-tree.ts';
import { sendBody } from './send-body.ts';
import type { LocalShares } from './shares.ts';

/** Bodies under way to one asker; each holds up to 3 MiB. */
const mostPerAsker = 16;

export interface FilesRouteDeps {
  readonly shares: LocalShares;
  readonly clock: Clock;
  readonly log: Log;
}

export function createFilesRoute(deps: FilesRouteDeps): HttpRoute {
  const sending = new Map<string, number>();
  return {
    prefix: '/files/',
    async handle(exchange) {
      const asker = askerKey(exchange.asker, exchange.address);
      const count = sending.get(asker) ?? 0;
      try {
        if (count >= mostPerAsker) throw new NethoodError('busy', 'Too many files at once.', { retryAfterMs: 1000 });
        sending.set(asker, count + 1);
        await answer(deps, exchange).finally(() => decrease(sending, asker));
      } catch (error) {
        fail(exchange, toNethoodError(error), deps.log);
      }
    },
  };
}

async function answer(deps: FilesRouteDeps, exchange: HttpExchange): Promise<void> {
  const { request, path } = exchange;
  const slash = path.indexOf('/');
  const share = ShareId.safeParse(slash < 0 ? path : path.slice(0, slash));
  if (!share.success) throw new NethoodError('not-found', 'There is no such share.');
  const tree = deps.shares.tree(exchange.asker, share.data, 'read');
  const rest = slash < 0 ? '' : path.slice(slash + 1);
  if (request.method === 'GET' || request.method === 'HEAD') await sendFile(deps, exchange, tree, parseWirePath(rest));
  else if (request.method === 'POST' && rest === 'archive') await serveArchive(tree, exchange, deps.clock);
  else throw new NethoodError('unsupported', `This agent does not know ${request.method ?? ''} for files.`);
}

async function sendFile(deps: FilesRouteDeps, exchange: HttpExchange, tree: LocalTree, path: WirePath): Promise<void> {
  const { request, response, signal } = exchange;
  const whole = await tree.read(path, { ifMatch: wantedVersion(request.headers['if-match']), signal });
  const range = rangeOf(exchange, whole);
  if (range === 'unsatisfiable') {
    whole.stream.destroy();
    response.setHeader('content-range', `bytes */${whole.size}`);
    throw new NethoodError('range', `The file has ${whole.size} bytes; the range asked for lies outside.`);
  }
  // Of the same version, or the part would not fit what was said above.
  const file = range === undefined ? whole : await reopened(tree, path, { range, ifMatch: whole.etag, signal }, whole);
  writeHead(response, file, range);
  if (request.method === 'HEAD') {
    file.stream.destroy();
    response.end();
    return;
  }
  try {
    await sendBody(response, file.stream, { clock: deps.clock, signal });
  } finally {
    file.stream.destroy();
  }
}

async function reopened(
  tree: LocalTree,
  path: WirePath,
  options: Parameters<LocalTree['read']>[1],
  whole: OpenedFile,
): Promise<OpenedFile> {
  whole.stream.destroy();
  return tree.read(path, options);
}

/** `*` asks for any version. A list is compared as text: agents ask for one. */
function wantedVersion(header: string | undefined): string | undefined {
  return header === '*' ? undefined : header;
}

/** A part is only sent if it is of the version that the asker has the rest of (RFC 9110 13.1.5). */
function rangeOf({ request }: HttpExchange, file: OpenedFile): ByteRange | undefined | 'unsatisfiable' {
  const version = request.headers['if-range'];
  if (version !== undefined && version !== file.etag) return undefined;
  return parseRange(request.headers.range, file.size);
}

function writeHead(response: ServerResponse, file: OpenedFile, range: ByteRange | undefined): void {
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

/** Before the first byte an error is an answer; after it the connection breaks, so that a part never looks whole. */
function fail({ request, response, path }: HttpExchange, error: NethoodError, log: Log): void {
  if (error.code === 'internal') log.error({ path, error: error.message }, 'a file could not be sent');
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  if (error.retryAfterMs !== undefined) response.setHeader('retry-after', Math.ceil(error.retryAfterMs / 1000));
  // What is left of the request's body would be read as the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(errorTable[error.code].http, { 'content-type': 'application/json' });
  const message = error.code === 'internal' ? 'A fault of this agent.' : error.message;
  response.end(request.method === 'HEAD' ? undefined : JSON.stringify({ error: { code: error.code, message } }));
}

function askerKey(asker: Asker, address: string): string {
  return asker.kind === 'device' ? asker.id : address;
}

function decrease(counts: Map<string, number>, key: string): void {
  const count = (counts.get(key) ?? 1) - 1;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

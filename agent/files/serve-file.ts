/** `GET`, `HEAD /files/<shareId>/<wire path>`: one file, with ranges and versions (RFC 9110), as it is or as blocks. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { errorTable } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { blockBytes } from './block-digest.ts';
import { blocksType, framedLength } from './block-frames.ts';
import type { EndTurn, FairTurns } from './fair-turns.ts';
import type { ByteRange } from './file-tree.ts';
import { parseRange } from './http-range.ts';
import type { LocalFile, LocalTree } from './local-tree.ts';
import { OwnLoad } from './own-load.ts';
import type { RateLimit } from './rate-limit.ts';
import { sendBlocks, sendPieces } from './send-pieces.ts';
import { isSparse } from './sparse.ts';
import { askerOf } from './tree-serve.ts';

export interface ServeFileDeps {
  readonly clock: Clock;
  readonly limit: RateLimit;
  /** Whether many bodies are under way. */
  readonly crowded: () => boolean;
  readonly turns: FairTurns;
}

interface Wanted {
  readonly tree: LocalTree;
  readonly path: WirePath;
}

export async function serveFile(exchange: HttpExchange, deps: ServeFileDeps, { tree, path }: Wanted): Promise<void> {
  const { request, response, signal } = exchange;
  const file = await tree.open(path, { ifMatch: wantedVersion(request.headers['if-match']), signal });
  await using pieces = file.pieces;
  const range = rangeOf(exchange, file);
  if (range === 'unsatisfiable') {
    refuseRange(response, file.size);
    return;
  }
  if (range !== undefined) pieces.narrow(range);
  const blocks = asksForBlocks(exchange, file, range);
  response.writeHead(range === undefined ? 200 : 206, headOf(file, { range, blocks }));
  const { limit, crowded, turns } = deps;
  const turn = (): Promise<EndTurn> => turns.begin(askerOf(exchange), signal);
  const sending = { pieces, response, limit, crowded, turn, load: new OwnLoad(deps.clock), signal };
  if (request.method === 'HEAD') response.end();
  else if (blocks) await sendBlocks(sending, { sparse: isSparse(file) });
  else await sendPieces(sending);
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

/** From a block's beginning to the end of the file: nobody else than an agent asks so. */
function asksForBlocks({ request }: HttpExchange, file: LocalFile, range: ByteRange | undefined): boolean {
  const { start, end } = range ?? { start: 0, end: file.size };
  return request.headers.accept === blocksType && start % blockBytes === 0 && end === file.size;
}

function headOf(
  file: LocalFile,
  { range, blocks }: { range: ByteRange | undefined; blocks: boolean },
): OutgoingHttpHeaders {
  const { start, end } = range ?? { start: 0, end: file.size };
  const common = {
    'accept-ranges': 'bytes',
    etag: file.etag,
    'last-modified': new Date(file.modified).toUTCString(),
    // HTTP dates know whole seconds; agents keep the milliseconds.
    'nethood-modified': file.modified,
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${file.size}` }),
  };
  if (!blocks) return { 'content-type': 'application/octet-stream', 'content-length': end - start, ...common };
  const type = { 'content-type': blocksType, 'nethood-size': file.size };
  // How long a body with holes becomes is not known before they are looked for.
  if (isSparse(file)) return { ...type, 'nethood-allocated': file.allocated, ...common };
  return { ...type, 'content-length': framedLength({ start, end }), ...common };
}

/** GET and HEAD: a file with ranges and versions (RFC 9110 sections 13 and 14), a folder as a page for people. */
import type { ServerResponse } from 'node:http';
import { addAbortSignal, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import type { ByteRange, OpenedFile } from './file-tree.ts';
import { type CurrentVersion, isConditional, preconditions, rangeCounts } from './http-conditions.ts';
import { parseRange, parseRangeOfAny } from './http-range.ts';
import { mediaTypeOf } from './media-type.ts';
import { folderPage } from './webdav-page.ts';
import { answer, type DavRequest, versionOf } from './webdav-request.ts';

type Found = DavRequest & { readonly entry: PeerEntry };

/**
 * What neighbours put into their files must not act as a page of this address, which can be that of the agent's own
 * page: no scripts, no origin, nothing loaded, and no word to others of where it was found. A click may still save a file.
 */
const inert = {
  'content-security-policy':
    "sandbox allow-downloads; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

export async function get(request: Found): Promise<void> {
  if (request.entry.kind === 'folder') await sendFolder(request);
  else await sendFile(request);
}

/** A file or a part of it as it is, without a question before: one way there and back less. False where it takes one to answer. */
export async function getAtOnce(request: Omit<DavRequest, 'entry'>): Promise<boolean> {
  const { door, path, signal } = request;
  const { headers } = request.request;
  const range = parseRangeOfAny(headers.range);
  if (path === '' || range === 'unsatisfiable' || isConditional(headers)) return false;
  try {
    await sendOpened(request, await door.tree.read(path, { range, signal }), range);
    return true;
  } catch (error) {
    if (request.response.headersSent || !hasCode(error, 'not-a-file', 'not-found', 'range')) throw error;
    return false;
  }
}

async function sendFolder(request: Found): Promise<void> {
  const { door, path, request: asked, response, signal } = request;
  const first = await door.tree.list(path, undefined, signal);
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache', ...inert });
  if (asked.method === 'HEAD') response.end();
  else await pipeline(addAbortSignal(signal, Readable.from(folderPage(door, { path, first, signal }))), response);
}

async function sendFile(request: Found): Promise<void> {
  const { door, path, entry, response, signal } = request;
  const { headers, method } = request.request;
  if (method !== 'HEAD' && !isConditional(headers)) {
    await sendRange(request, undefined, parseRange(headers.range, entry.size));
    return;
  }
  const known = await versionOf(door.tree, { path, entry }, signal);
  if (isAnswered(request, known)) return;
  if (method === 'HEAD') {
    writeHead(request, known, undefined);
    response.end();
  } else
    await sendRange(request, known, rangeCounts(headers, known) ? parseRange(headers.range, known.size) : undefined);
}

/** Of the version whose conditions were looked at, or the answer would be about another one. */
async function sendRange(
  request: Found,
  known: CurrentVersion | undefined,
  range: ReturnType<typeof parseRange>,
): Promise<void> {
  const { door, path, entry, response, signal } = request;
  if (range === 'unsatisfiable') {
    answer(response, 416, { headers: { 'content-range': `bytes */${entry.size}` } });
    return;
  }
  await sendOpened(request, await door.tree.read(path, { range, ifMatch: known?.etag, signal }), range);
}

async function sendOpened(
  request: Omit<DavRequest, 'entry'>,
  { stream, sendTo, ...version }: OpenedFile,
  range: ByteRange | undefined,
): Promise<void> {
  try {
    writeHead(request, version, range);
  } catch (error) {
    stream.destroy();
    throw error;
  }
  await (sendTo === undefined ? pipeline(stream, request.response) : sendTo(request.response));
}

function isAnswered({ request, response }: Found, version: CurrentVersion): boolean {
  const verdict = preconditions(request.headers, version, true);
  if (verdict === 'failed') answer(response, 412);
  if (verdict === 'not-modified') response.writeHead(304, versionHeaders(version)).end();
  return verdict !== 'go-on';
}

function writeHead(
  { path, response }: { readonly path: Found['path']; readonly response: ServerResponse },
  version: CurrentVersion & { readonly size: number },
  range: ByteRange | undefined,
): void {
  const { start, end } = { start: range?.start ?? 0, end: Math.min(range?.end ?? version.size, version.size) };
  const type = mediaTypeOf(path) ?? 'application/octet-stream';
  response.writeHead(range === undefined ? 200 : 206, {
    'content-type': type,
    'content-length': end - start,
    'accept-ranges': 'bytes',
    ...versionHeaders(version),
    ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${version.size}` }),
    ...inert,
    // A browser shows documents in a viewer of its own, which it does not start in a sandbox.
    ...(type === 'application/pdf' ? { 'content-security-policy': "default-src 'none'; object-src 'self'" } : {}),
  });
}

function versionHeaders({ etag, modified }: CurrentVersion): Record<string, string> {
  // Private: it may only be kept by who was let in.
  return { etag, 'last-modified': new Date(modified).toUTCString(), 'cache-control': 'private, no-cache' };
}

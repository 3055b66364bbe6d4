/** One request to a WebDAV door as its methods see it, and how they answer. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type ErrorCode, errorTable, hasCode, type NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { FileTree, WritableTree } from './file-tree.ts';
import type { CurrentVersion } from './http-conditions.ts';
import type { DavDoor, DavExchange } from './webdav-door.ts';
import { type DavState, xmlType } from './webdav-properties.ts';

export interface DavRequest extends Omit<DavExchange, 'path'> {
  readonly door: DavDoor;
  readonly state: DavState;
  readonly path: WirePath;
  /** What is there now; undefined also where that makes no difference. */
  readonly entry: PeerEntry | undefined;
}

export interface DavChange extends DavRequest {
  readonly tree: WritableTree;
}

interface Answer {
  readonly headers?: OutgoingHttpHeaders;
  /** Content of an `error` element: the condition that was not met (RFC 4918 section 16). */
  readonly condition?: string;
  /** A sentence for people. */
  readonly text?: string;
  readonly xml?: string;
}

export function answer(response: ServerResponse, status: number, { headers, condition, text, xml }: Answer = {}): void {
  const error = condition === undefined ? undefined : `<D:error xmlns:D="DAV:">${condition}</D:error>\n`;
  const document = xml ?? error;
  const body = document === undefined ? (text ?? '') : `<?xml version="1.0" encoding="utf-8"?>\n${document}`;
  const type = document === undefined ? 'text/plain; charset=utf-8' : xmlType;
  response.writeHead(status, {
    ...(body === '' ? {} : { 'content-type': type }),
    // 204 has none (RFC 9110 section 8.6).
    ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...headers,
  });
  response.end(body);
}

/** Where the statuses of RFC 4918 (9.3.1, 9.7.1, 9.8.5, 9.9.4) are not those of the table. */
const statuses: Readonly<Record<string, Partial<Record<ErrorCode, number>>>> = {
  MKCOL: { exists: 405, 'not-found': 409, 'not-a-folder': 409 },
  PUT: { 'not-found': 409, 'not-a-folder': 409, 'not-a-file': 405, 'too-large': 507 },
  LOCK: { 'not-found': 409, 'not-a-folder': 409 },
  COPY: { exists: 412, 'not-found': 409, 'not-a-folder': 409, 'too-large': 507 },
  MOVE: { exists: 412, 'not-found': 409, 'not-a-folder': 409, 'too-large': 507 },
};

export function answerError(response: ServerResponse, method: string, error: NethoodError): void {
  const { code, message, retryAfterMs } = error;
  const headers: OutgoingHttpHeaders = {};
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000));
  answer(response, statuses[method]?.[code] ?? errorTable[code].http, { text: `${message}\n`, headers });
}

export async function lookUp(tree: FileTree, path: WirePath, signal: AbortSignal): Promise<PeerEntry | undefined> {
  try {
    return await tree.stat(path, signal);
  } catch (error) {
    if (hasCode(error, 'not-found')) return undefined;
    throw error;
  }
}

/** A folder has no version of its own: an ETag that nobody can name stands for it. */
export async function versionOf(
  tree: FileTree,
  { path, entry }: { readonly path: WirePath; readonly entry: PeerEntry },
  signal: AbortSignal,
): Promise<CurrentVersion & { readonly size: number }> {
  if (entry.kind === 'folder') return { etag: '', modified: entry.modified, size: 0 };
  // A neighbour tells it with bytes only; one byte leaves the connection usable.
  const range = entry.size === 0 ? undefined : { start: 0, end: 1 };
  const { etag, modified, size, stream } = await tree.read(path, { range, signal });
  for await (const bytes of stream as AsyncIterable<Buffer>) if (bytes.length > 1) break;
  return { etag, modified, size };
}

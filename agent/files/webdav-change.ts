/** PUT, MKCOL, DELETE (RFC 4918 sections 9.3, 9.6, 9.7). */
import type { IncomingHttpHeaders } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { admit, type Admitted } from './webdav-admit.ts';
import { isConditional } from './http-conditions.ts';
import { answer, type DavChange } from './webdav-request.ts';

export async function put(request: DavChange): Promise<void> {
  const { tree, path, entry, request: asked, response, signal } = request;
  const { headers } = asked;
  if (path === '' || entry?.kind === 'folder') {
    answer(response, 405, { text: 'A folder has no bytes of its own.\n' });
    return;
  }
  // RFC 9110 section 14.5: a part taken for the whole would be damage.
  if (headers['content-range'] !== undefined) throw new NethoodError('bad-request', 'Parts of files are not taken.');
  const admitted = await admit(request, [{ path, member: entry === undefined, deep: false }]);
  if (admitted === undefined) return;
  const modified = modifiedIn(headers);
  const { etag, created } = await tree.write(path, {
    body: asked,
    size: sizeIn(headers),
    modified,
    ...sameAsLookedAt(headers, admitted),
    signal,
  });
  if (created) request.state.dead.forget(path);
  const accepted = modified === undefined ? {} : { 'x-oc-mtime': 'accepted' };
  answer(response, created ? 201 : 204, { headers: { etag, ...accepted } });
}

/** Nobody may have changed it between the conditions and the writing. */
function sameAsLookedAt(
  headers: IncomingHttpHeaders,
  { version }: Admitted,
): { readonly ifMatch?: string; readonly fresh?: boolean } {
  if (!isConditional(headers)) return {};
  return version === undefined ? { fresh: true } : { ifMatch: version.etag };
}

/** macOS sends in chunks and says the length so. */
function sizeIn(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['content-length'] ?? headers['x-expected-entity-length'];
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** Seconds since 1970, as ownCloud's clients and rclone send them along with a file. */
function modifiedIn(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['x-oc-mtime'];
  return typeof text === 'string' && /^\d{1,11}(\.\d{1,9})?$/.test(text) ? Math.floor(Number(text) * 1000) : undefined;
}

export async function mkcol(request: DavChange): Promise<void> {
  const { tree, path, entry, request: asked, response, signal } = request;
  const { 'content-length': length, 'transfer-encoding': encoding } = asked.headers;
  if (encoding !== undefined || Number(length ?? 0) > 0) {
    // RFC 4918 section 9.3: a body of a kind that we don't know.
    answer(response, 415);
    return;
  }
  if (entry !== undefined) throw new NethoodError('exists', 'Something of that name exists already.');
  if ((await admit(request, [{ path, member: true, deep: false }])) === undefined) return;
  await tree.mkdir(path, signal);
  request.state.dead.forget(path);
  answer(response, 201);
}

export async function remove(request: DavChange & { readonly entry: PeerEntry }): Promise<void> {
  const { tree, path, request: asked, response, signal, state } = request;
  const { depth } = asked.headers;
  if (request.entry.kind === 'folder' && depth !== undefined && String(depth).toLowerCase() !== 'infinity')
    throw new NethoodError('bad-request', 'A folder is removed with all that it holds: Depth is infinity.');
  if ((await admit(request, [{ path, member: true, deep: true }])) === undefined) return;
  await tree.remove(path, signal);
  state.locks.forget(path);
  state.dead.forget(path);
  answer(response, 204);
}

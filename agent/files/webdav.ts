/** WebDAV, class 1 and 2 (RFC 4918), over a tree and nothing else. */
import { hasCode, toNethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { mkcol, put, remove } from './webdav-change.ts';
import { DeadProperties } from './webdav-dead.ts';
import type { WritableTree } from './file-tree.ts';
import type { DavDoor, DavExchange, DavHandler } from './webdav-door.ts';
import { isConditional } from './http-conditions.ts';
import { get, getAtOnce } from './webdav-get.ts';
import { lock, unlock } from './webdav-locking.ts';
import { LockTable } from './webdav-locks.ts';
import { propfind } from './webdav-propfind.ts';
import type { DavState } from './webdav-properties.ts';
import { proppatch } from './webdav-proppatch.ts';
import { copy, move } from './webdav-relocate.ts';
import { answer, answerError, type DavChange, type DavRequest, lookUp } from './webdav-request.ts';
import { targetOf } from './webdav-target.ts';

/** Of something that is there. */
type Method<T> = (request: T & { readonly entry: PeerEntry }) => Promise<void>;

const reading = new Map<string, Method<DavRequest>>([
  ['GET', get],
  ['HEAD', get],
  ['PROPFIND', propfind],
]);
const changing = new Map<string, Method<DavChange>>([
  ['DELETE', remove],
  ['COPY', copy],
  ['MOVE', move],
  ['PROPPATCH', proppatch],
  ['UNLOCK', unlock],
]);
/** Of what need not be there. */
const making = new Map<string, (request: DavChange) => Promise<void>>([
  ['PUT', put],
  ['MKCOL', mkcol],
  ['LOCK', lock],
]);
const known = new Set([...reading.keys(), ...changing.keys(), ...making.keys()]);

export function createDavHandler(door: DavDoor): DavHandler {
  const state: DavState = { locks: new LockTable(door.clock), dead: new DeadProperties() };
  return async (exchange) => {
    const { request, response, signal } = exchange;
    try {
      await serve(exchange, door, state);
    } catch (error) {
      const told = toNethoodError(error);
      if (signal.aborted || response.headersSent || hasCode(told, 'internal')) throw error;
      answerError(response, request.method ?? '', told);
    }
  };
}

async function serve(exchange: DavExchange, door: DavDoor, state: DavState): Promise<void> {
  const { request, response, signal } = exchange;
  const method = request.method ?? '';
  const tree = door.writable;
  if (method === 'OPTIONS') answer(response, 200, { headers: faculties(door) });
  else if (!known.has(method)) answer(response, 405, { headers: faculties(door) });
  else if (!reading.has(method) && tree === undefined)
    answer(response, 403, { text: 'Nothing can be changed here.\n' });
  else {
    const { path } = targetOf(exchange.path);
    const asked = { request, response, signal, door, state, path };
    if (method === 'GET' && (await getAtOnce(asked))) return;
    const entry = isPlainPut(asked) ? undefined : await lookUp(door.tree, path, signal);
    await carryOut({ ...asked, entry }, tree);
  }
}

/** Nothing depends on what is there but the writing itself: its tree sees to that. */
function isPlainPut({ request: { method, headers }, state, path }: Omit<DavRequest, 'entry'>): boolean {
  return method === 'PUT' && path !== '' && state.locks.empty && headers['if'] === undefined && !isConditional(headers);
}

async function carryOut(request: DavRequest, tree: WritableTree | undefined): Promise<void> {
  const { entry, response } = request;
  const method = request.request.method ?? '';
  const make = making.get(method);
  if (make !== undefined && tree !== undefined) await make({ ...request, tree });
  else if (entry === undefined) answer(response, 404, { text: 'There is no such file or folder.\n' });
  else if (tree === undefined) await reading.get(method)?.({ ...request, entry });
  else await (reading.get(method) ?? changing.get(method))?.({ ...request, entry, tree });
}

/** RFC 4918 sections 10.1 and 18. Without MS-Author-Via, Windows looks for another protocol first. */
function faculties({ writable }: DavDoor): Record<string, string> {
  const methods = [
    'OPTIONS',
    ...reading.keys(),
    ...(writable === undefined ? [] : [...changing.keys(), ...making.keys()]),
  ];
  return { dav: writable === undefined ? '1' : '1, 2', 'ms-author-via': 'DAV', allow: methods.join(', ') };
}

/** COPY and MOVE (RFC 4918 sections 9.8 and 9.9). */
import { NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { admit } from './webdav-admit.ts';
import { isBelow } from './webdav-locks.ts';
import { answer, type DavChange, lookUp } from './webdav-request.ts';
import { targetOfUrl } from './webdav-target.ts';

type Found = DavChange & { readonly entry: PeerEntry };

export async function copy(request: Found): Promise<void> {
  const flat = String(request.request.headers['depth']) === '0';
  const to = await destinationOf(request, ['0', 'infinity']);
  if (to === undefined) return;
  if ((await admit(request, [{ path: to.path, member: to.fresh, deep: true }])) === undefined) return;
  const { tree, path, signal, state } = request;
  const replaced = await tree.copy(path, to.path, { replace: to.replace, flat, signal });
  endLocksBelow(request, to.path);
  state.dead.copy(path, to.path, flat);
  answer(request.response, replaced ? 204 : 201);
}

export async function move(request: Found): Promise<void> {
  const to = await destinationOf(request, ['infinity']);
  if (to === undefined) return;
  const { tree, path, signal, state } = request;
  const affected = [
    { path, member: true, deep: true },
    { path: to.path, member: to.fresh, deep: true },
  ];
  if ((await admit(request, affected)) === undefined) return;
  const replaced = await tree.move(path, to.path, { replace: to.replace, signal });
  endLocksBelow(request, to.path);
  state.locks.forget(path);
  state.dead.move(path, to.path);
  answer(request.response, replaced ? 204 : 201);
}

interface Destination {
  readonly path: WirePath;
  /** Nothing is there. */
  readonly fresh: boolean;
  readonly replace: boolean;
}

/** Undefined after it has answered. @throws `bad-request`, `bad-path` */
async function destinationOf(request: Found, depths: readonly string[]): Promise<Destination | undefined> {
  const { path, door, response, signal } = request;
  const { headers } = request.request;
  const { destination, overwrite, depth = 'infinity' } = headers;
  if (typeof destination !== 'string') throw new NethoodError('bad-request', 'There is no Destination.');
  if (!depths.includes(String(depth).toLowerCase()))
    throw new NethoodError('bad-request', 'Depth is not one of these.');
  const target = targetOfUrl(destination, { prefix: door.prefix, headers });
  if (target === undefined) {
    answer(response, 502, { text: 'Nothing can be moved or copied to another server from here.\n' });
    return undefined;
  }
  const { path: to } = target;
  if (to === path || isBelow(to, path) || isBelow(path, to)) {
    answer(response, 403, { text: 'Nothing can take its own place, or lie within itself.\n' });
    return undefined;
  }
  const there = await lookUp(door.tree, to, signal);
  return {
    path: to,
    fresh: there === undefined,
    replace:
      String(overwrite ?? 'T')
        .trim()
        .toUpperCase() !== 'F',
  };
}

/** What was there is gone; a lock of the place itself stays (RFC 4918 section 7.7). */
function endLocksBelow({ state: { locks } }: Found, path: WirePath): void {
  for (const { token } of locks.below(path).flat()) locks.remove(token);
}

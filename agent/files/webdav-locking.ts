/** LOCK and UNLOCK (RFC 4918 sections 9.10 and 9.11). */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { NethoodError } from '../../protocol/errors.ts';
import { admit } from './webdav-admit.ts';
import { parseIf, tokensIn } from './webdav-if.ts';
import { type Lock, lockLimits } from './webdav-locks.ts';
import { activeLocks } from './webdav-properties.ts';
import { answer, type DavChange } from './webdav-request.ts';
import { hrefOf } from './webdav-target.ts';
import { davChild, isDav, readXml, type XmlElement, xmlText } from './webdav-xml.ts';

export async function lock(request: DavChange): Promise<void> {
  const info = await readXml(request.request);
  if (info === undefined) refresh(request);
  else await grant(request, { ...askedFor(info), deep: isDeep(request) });
}

async function grant(request: DavChange, asked: Pick<Lock, 'exclusive' | 'owner' | 'deep'>): Promise<void> {
  const { path, entry, state, response, door } = request;
  const affected = entry === undefined ? [{ path, member: true, deep: false }] : [];
  // The parent's lock alone can be in the way here; those of the resource itself are conflicts, told otherwise.
  if ((await admit(request, affected)) === undefined) return;
  const kind = entry?.kind ?? 'file';
  const token = `urn:uuid:${randomUUID()}`;
  const conflicts = state.locks.add({ ...asked, token, root: path, kind, seconds: secondsAsked(request) });
  if (conflicts.length > 0) {
    const hrefs = conflicts.map((other) => `<D:href>${hrefOf(door.prefix, other.root, other.kind)}</D:href>`);
    answer(response, 423, { condition: `<D:no-conflicting-lock>${hrefs.join('')}</D:no-conflicting-lock>` });
    return;
  }
  try {
    if (entry === undefined) await createEmpty(request);
  } catch (error) {
    state.locks.remove(token);
    throw error;
  }
  tellLocks(request, entry === undefined ? 201 : 200, { 'lock-token': `<${token}>` });
}

/** RFC 4918 section 7.3: a locked name that nothing had is an empty file. */
async function createEmpty({ tree, path, signal }: DavChange): Promise<void> {
  await tree.write(path, { body: Readable.from([]), size: 0, fresh: true, signal });
}

/** RFC 4918 section 9.10.2: without a body, of the lock that If names and in whose scope the resource is. */
function refresh(request: DavChange): void {
  const { path, state, response } = request;
  const header = request.request.headers['if'];
  if (typeof header !== 'string') throw new NethoodError('bad-request', 'A LOCK without a body names a lock in If.');
  const shown = tokensIn(parseIf(header));
  const held = state.locks.on(path).find(({ token }) => shown.has(token));
  if (held === undefined) {
    answer(response, 412, { condition: '<D:lock-token-matches-request-uri/>' });
    return;
  }
  state.locks.refresh(held.token, secondsAsked(request));
  tellLocks(request, 200, {});
}

export function unlock({ request, response, path, state }: DavChange): Promise<void> {
  const [, token] = /^\s*<([^<>]+)>\s*$/.exec(String(request.headers['lock-token'] ?? '')) ?? [];
  if (token === undefined) throw new NethoodError('bad-request', 'UNLOCK names a lock in Lock-Token.');
  if (state.locks.on(path).some((held) => held.token === token)) {
    state.locks.remove(token);
    answer(response, 204);
  } else answer(response, 409, { condition: '<D:lock-token-matches-request-uri/>' });
  return Promise.resolve();
}

function tellLocks({ path, state, door, response }: DavChange, status: number, headers: Record<string, string>): void {
  const discovery = `<D:lockdiscovery>${activeLocks(state.locks.on(path), door.prefix)}</D:lockdiscovery>`;
  answer(response, status, { xml: `<D:prop xmlns:D="DAV:">${discovery}</D:prop>\n`, headers });
}

/** @throws `bad-request` */
function askedFor(info: XmlElement): Pick<Lock, 'exclusive' | 'owner'> {
  const [scope, type, owner] = ['lockscope', 'locktype', 'owner'].map((name) => davChild(info, name));
  const exclusive = scope !== undefined && davChild(scope, 'exclusive') !== undefined;
  const shared = scope !== undefined && davChild(scope, 'shared') !== undefined;
  if (!isDav(info, 'lockinfo') || exclusive === shared || type === undefined || davChild(type, 'write') === undefined)
    throw new NethoodError('bad-request', 'A lock is exclusive or shared, and of type write.');
  return { exclusive, owner: owner === undefined ? undefined : xmlText(owner) };
}

/** @throws `bad-request` */
function isDeep({ request, entry }: DavChange): boolean {
  const depth = String(request.headers['depth'] ?? 'infinity').toLowerCase();
  if (depth !== '0' && depth !== 'infinity') throw new NethoodError('bad-request', 'A lock is of Depth 0 or infinity.');
  return depth === 'infinity' && entry?.kind === 'folder';
}

/** The first that we understand (RFC 4918 section 10.7); a wish, bounded so that forgotten locks end. */
function secondsAsked({ request }: DavChange): number {
  const text = /\bSecond-(\d{1,10})\b/i.exec(String(request.headers['timeout'] ?? ''))?.[1];
  return Math.min(Math.max(1, Number(text ?? lockLimits.seconds)), lockLimits.seconds);
}

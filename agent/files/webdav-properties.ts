/** The live properties of RFC 4918 section 15, and one `response` of a multistatus made of them and the dead ones. */
import type { PeerEntry } from '../../protocol/peer.ts';
import { displayName, type WirePath } from '../../protocol/wire-path.ts';
import { mediaTypeOf } from './media-type.ts';
import { type DeadProperties, propertyKey, propertyName } from './webdav-dead.ts';
import type { DavDoor } from './webdav-door.ts';
import type { Lock, LockTable } from './webdav-locks.ts';
import { hrefOf } from './webdav-target.ts';
import { davNamespace, escapeXml, type XmlName } from './webdav-xml.ts';

/** What a door keeps from one request to the next. */
export interface DavState {
  readonly locks: LockTable;
  readonly dead: DeadProperties;
}

export interface DavResource extends Pick<PeerEntry, 'kind' | 'size' | 'modified'> {
  /** From the root of the tree. */
  readonly path: WirePath;
}

/** Names as `propertyKey` gives them. */
export type PropertyQuery =
  | { readonly kind: 'all'; readonly also: readonly string[] }
  | { readonly kind: 'names' }
  | { readonly kind: 'some'; readonly names: readonly string[] };

type Teller = (resource: DavResource, door: DavDoor, state: DavState) => string | undefined;

/** The content of each; undefined where the resource has none. */
const tellers: Readonly<Record<string, Teller>> = {
  displayname: ({ path }, { title }) => escapeXml(path === '' ? title : displayName(path)),
  getcontentlength: ({ kind, size }) => (kind === 'file' ? String(size) : undefined),
  getcontenttype: ({ kind, path }) => (kind === 'file' ? mediaTypeOf(path) : undefined),
  getlastmodified: ({ modified }) => new Date(modified).toUTCString(),
  resourcetype: ({ kind }) => (kind === 'folder' ? '<D:collection/>' : ''),
  supportedlock: (_resource, { writable }) => (writable === undefined ? undefined : supportedLocks),
  lockdiscovery: ({ path }, { writable, prefix }, { locks }) =>
    writable === undefined ? undefined : activeLocks(locks.on(path), prefix),
};
const live = new Map(
  Object.entries(tellers).map(([local, tell]) => [propertyKey({ namespace: davNamespace, local }), { local, tell }]),
);
const liveKeys = [...live.keys()];

const supportedLocks = ['exclusive', 'shared']
  .map((scope) => `<D:lockscope><D:${scope}/></D:lockscope><D:locktype><D:write/></D:locktype>`)
  .map((entry) => `<D:lockentry>${entry}</D:lockentry>`)
  .join('');

/** RFC 4918 section 15.8. */
export function activeLocks(locks: readonly Lock[], prefix: string): string {
  return locks.map((lock) => `<D:activelock>${activeLock(lock, prefix)}</D:activelock>`).join('');
}

function activeLock({ token, root, kind, exclusive, deep, owner = '', seconds }: Lock, prefix: string): string {
  const scope = exclusive ? 'exclusive' : 'shared';
  return [
    `<D:locktype><D:write/></D:locktype><D:lockscope><D:${scope}/></D:lockscope>`,
    `<D:depth>${deep ? 'infinity' : '0'}</D:depth>${owner}<D:timeout>Second-${seconds}</D:timeout>`,
    `<D:locktoken><D:href>${escapeXml(token)}</D:href></D:locktoken>`,
    `<D:lockroot><D:href>${hrefOf(prefix, root, kind)}</D:href></D:lockroot>`,
  ].join('');
}

/** `getcontentlength`, `resourcetype` and the like: computed, so nobody can set them. */
export function isProtected(key: string): boolean {
  const { namespace, local } = propertyName(key);
  // A display name, alone of the live ones, may be set (RFC 4918 section 15.2); a version is shown by GET alone.
  return namespace === davNamespace && local !== 'displayname' && (live.has(key) || local === 'getetag');
}

/** RFC 4918 section 14.24: what is there and what is not, each with its status. */
export function responseOf(resource: DavResource, query: PropertyQuery, door: DavDoor, state: DavState): string {
  const dead = state.dead.of(resource.path);
  const keys = wantedKeys(query, dead);
  let found = '';
  let missing = '';
  for (const key of keys) {
    const text = dead.get(key) ?? liveText(key, { resource, door, state });
    if (text === undefined) missing += query.kind === 'some' ? emptyElement(key) : '';
    else found += query.kind === 'names' ? emptyElement(key) : text;
  }
  const href = `<D:href>${hrefOf(door.prefix, resource.path, resource.kind)}</D:href>`;
  const parts = [found === '' && missing !== '' ? '' : propstat(found, '200 OK'), propstat404(missing)];
  return `<D:response>${href}${parts.join('')}</D:response>\n`;
}

function wantedKeys(query: PropertyQuery, dead: ReadonlyMap<string, string>): Iterable<string> {
  if (query.kind === 'some') return query.names;
  return new Set([...liveKeys, ...dead.keys(), ...(query.kind === 'all' ? query.also : [])]);
}

interface Asked {
  readonly resource: DavResource;
  readonly door: DavDoor;
  readonly state: DavState;
}

function liveText(key: string, { resource, door, state }: Asked): string | undefined {
  const property = live.get(key);
  const content = property?.tell(resource, door, state);
  if (property === undefined || content === undefined) return undefined;
  return content === '' ? `<D:${property.local}/>` : `<D:${property.local}>${content}</D:${property.local}>`;
}

function propstat404(missing: string): string {
  return missing === '' ? '' : propstat(missing, '404 Not Found');
}

export function propstat(properties: string, status: string): string {
  return `<D:propstat><D:prop>${properties}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`;
}

/** A name alone. */
export function emptyElement(key: string): string {
  const { namespace, local }: XmlName = propertyName(key);
  return namespace === davNamespace ? `<D:${local}/>` : `<${local} xmlns="${escapeXml(namespace)}"/>`;
}

export const multistatusStart = '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">\n';
export const multistatusEnd = '</D:multistatus>\n';
export const xmlType = 'application/xml; charset=utf-8';

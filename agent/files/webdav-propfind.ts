/** PROPFIND (RFC 4918 section 9.1), written while the folder is still being listed. */
import { addAbortSignal, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { NethoodError } from '../../protocol/errors.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import type { Page } from './file-tree.ts';
import { propertyKey } from './webdav-dead.ts';
import { joined, pagesOf } from './webdav-pages.ts';
import { multistatusEnd, multistatusStart, type PropertyQuery, responseOf, xmlType } from './webdav-properties.ts';
import { answer, type DavRequest } from './webdav-request.ts';
import { davChild, elementsOf, isDav, readXml, type XmlElement } from './webdav-xml.ts';

/** Names are repeated for every entry that lacks them, so they must be few and short. */
const limits = { names: 256, nameText: 16_384 } as const;

export async function propfind(request: DavRequest & { readonly entry: PeerEntry }): Promise<void> {
  const depth = request.request.headers['depth'];
  const query = queryOf(await readXml(request.request));
  if (depth === '0' || depth === '1') await send(request, query, depth === '1' && request.entry.kind === 'folder');
  else if (depth === undefined || String(depth).toLowerCase() === 'infinity')
    answer(request.response, 403, { condition: '<D:propfind-finite-depth/>' });
  else throw new NethoodError('bad-request', 'Depth is 0, 1 or infinity.');
}

async function send(
  request: DavRequest & { readonly entry: PeerEntry },
  query: PropertyQuery,
  withMembers: boolean,
): Promise<void> {
  const { door, path, response, signal } = request;
  const first = withMembers ? await door.tree.list(path, undefined, signal) : undefined;
  response.writeHead(207, { 'content-type': xmlType });
  const texts = Readable.from(multistatus(request, query, first), { objectMode: false, highWaterMark: 1 << 18 });
  await pipeline(addAbortSignal(signal, texts), response);
}

async function* multistatus(
  { door, state, path, entry, signal }: DavRequest & { readonly entry: PeerEntry },
  query: PropertyQuery,
  first: Page | undefined,
): AsyncGenerator<string> {
  yield multistatusStart + responseOf({ ...entry, path }, query, door, state);
  if (first !== undefined)
    for await (const page of pagesOf(door.tree, { path, first, signal })) {
      const texts = page.entries.map(({ path: below, kind, size, modified }) =>
        responseOf({ path: joined(path, below), kind, size, modified }, query, door, state),
      );
      yield texts.join('');
    }
  yield multistatusEnd;
}

/** No body asks for all (RFC 4918 section 9.1). @throws `bad-request`, `too-large` */
function queryOf(root: XmlElement | undefined): PropertyQuery {
  if (root === undefined) return { kind: 'all', also: [] };
  if (!isDav(root, 'propfind')) throw new NethoodError('bad-request', 'The body of PROPFIND is no propfind element.');
  const prop = davChild(root, 'prop');
  if (prop !== undefined) return { kind: 'some', names: namesIn(prop) };
  if (davChild(root, 'propname') !== undefined) return { kind: 'names' };
  if (davChild(root, 'allprop') === undefined)
    throw new NethoodError('bad-request', 'A propfind element says what is asked for: prop, propname or allprop.');
  const include = davChild(root, 'include');
  return { kind: 'all', also: include === undefined ? [] : namesIn(include) };
}

function namesIn(element: XmlElement): string[] {
  const names = [...new Set(elementsOf(element).map(propertyKey))];
  if (names.length > limits.names || names.join('').length > limits.nameText)
    throw new NethoodError('too-large', 'So many properties cannot be asked for at once.');
  return names;
}

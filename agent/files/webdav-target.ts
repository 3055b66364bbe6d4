/** Between what clients write into URLs and wire paths. Clients escape as they like; a wire path has one text only. */
import type { IncomingHttpHeaders } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import { pathFromComponents, rootPath, type WirePath } from '../../protocol/wire-path.ts';

export interface Target {
  readonly path: WirePath;
  /** The URL ended with a slash, as those of folders do (RFC 4918 section 5.2). */
  readonly slash: boolean;
}

/** A path below a door's prefix, undecoded. @throws `bad-path` */
export function targetOf(path: string): Target {
  const names = path.split('/').filter((name) => name !== '');
  return { path: pathFromComponents(names.map(bytesOfName)), slash: path === '' || path.endsWith('/') };
}

/** What may stand in the path of a URL (RFC 3986 section 3.3), and bytes that careless clients leave as they are. */
const inPath = /^(?:%[0-9A-Fa-f]{2}|[!$&'()*+,;=:@A-Za-z0-9\-._~\u0080-\u00FF])*$/;

function bytesOfName(name: string): Uint8Array {
  // Dots are left to the tree of the URL: whoever still has them wants out.
  if (!inPath.test(name)) throw new NethoodError('bad-path', 'The URL has a path that no file can have.');
  const latin1 = name.replaceAll(/%(..)/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(latin1, 'latin1');
}

/** For whom a URL in a header is: the door's prefix, and the request that names its host. */
export interface OwnPlace {
  readonly prefix: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * Where a URL of a header (Destination, a tagged list of If) leads: an absolute URI of the same host, or an absolute
 * path (RFC 4918 section 8.3). Undefined where it is not at this door. @throws `bad-path`
 */
export function targetOfUrl(url: string, { prefix, headers }: OwnPlace): Target | undefined {
  const [, host, path] = /^(?:https?:\/\/([^/?#]*))?(\/[^?#]*)?$/i.exec(url.trim()) ?? [];
  if (path === undefined) return undefined;
  // The scheme may differ: TLS can end before us.
  if (host !== undefined && host.toLowerCase() !== headers.host?.toLowerCase()) return undefined;
  // By components, as the prefix too can be escaped in several ways.
  const [own, { path: whole, slash }] = [targetOf(prefix).path, targetOf(path)];
  if (whole === own) return { path: rootPath, slash };
  return whole.startsWith(`${own}/`) ? { path: whole.slice(own.length + 1) as WirePath, slash } : undefined;
}

/** Of something of the tree, at its door. */
export function hrefOf(prefix: string, path: WirePath, kind: 'folder' | 'file'): string {
  return path === '' || kind === 'file' ? `${prefix}${path}` : `${prefix}${path}/`;
}

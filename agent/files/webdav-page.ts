/** A folder for a browser: plain, without scripts, readable by all. */
import type { PeerEntry } from '../../protocol/peer.ts';
import { displayName, parentPath, type WirePath } from '../../protocol/wire-path.ts';
import type { DavDoor } from './webdav-door.ts';
import { joined, type Listing, pagesOf } from './webdav-pages.ts';
import { hrefOf } from './webdav-target.ts';
import { escapeXml } from './webdav-xml.ts';

const style =
  ':root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}body{max-width:60rem;margin:2rem auto;padding:0 1rem}' +
  'table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.2rem .6rem;overflow-wrap:anywhere}' +
  '.n{text-align:right;white-space:nowrap}tbody tr:nth-child(odd){background:color-mix(in srgb,currentColor 6%,transparent)}';

export async function* folderPage(door: DavDoor, listing: Listing): AsyncGenerator<string> {
  const { path } = listing;
  const name = escapeXml(path === '' ? door.title : displayName(path));
  yield `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${name}</title>`;
  yield `<meta name="viewport" content="width=device-width"><style>${style}</style></head>\n<body><h1>${name}</h1>\n`;
  if (path !== '') yield `<p><a href="${hrefOf(door.prefix, parentPath(path), 'folder')}">Up</a></p>\n`;
  yield '<table><thead><tr><th scope="col">Name</th><th scope="col" class="n">Bytes</th><th scope="col">Changed</th></tr></thead><tbody>\n';
  for await (const { entries } of pagesOf(door.tree, listing))
    yield entries.map((entry) => row(door.prefix, path, entry)).join('');
  yield '</tbody></table></body></html>\n';
}

function row(prefix: string, folder: WirePath, { path, kind, size, modified }: PeerEntry): string {
  const href = hrefOf(prefix, joined(folder, path), kind);
  const name = `${escapeXml(displayName(path))}${kind === 'folder' ? '/' : ''}`;
  const bytes = kind === 'folder' ? '' : String(size);
  return `<tr><td><a href="${href}">${name}</a></td><td class="n">${bytes}</td><td>${shownTime(modified)}</td></tr>\n`;
}

/** A neighbour can tell a time that no calendar has. */
function shownTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? '' : `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

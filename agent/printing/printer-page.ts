/**
 * What a browser gets at the address of a printer (`printer-more-info`): a page of words and the printer's picture. No
 * scripts, no cookies, no links out; to who may not see the printer it is not there.
 */
import type { HttpExchange } from '../peers/neighbours.ts';
import type { IppFrontDeps } from './ipp-exchange.ts';
import { jobsOn } from './job.ts';
import { iconPath, iconSizes, printerIcon } from './printer-icon.ts';
import { printerDisplayName } from './printer-name.ts';
import type { Printer } from './printer.ts';

type PageDeps = Pick<IppFrontDeps, 'findPrinter' | 'deviceName' | 'spool'>;

interface Content {
  readonly type: string;
  readonly body: Buffer;
}

/** For GET and HEAD. */
export function answerPage(deps: PageDeps, { asker, path, request, response }: HttpExchange): void {
  const [queue = '', ...rest] = path.split('/');
  const printer = deps.findPrinter(asker, decoded(queue));
  const content = printer && contentOf(deps, printer, rest.join('/'));
  const { type, body } = content ?? {
    type: 'text/plain; charset=utf-8',
    body: Buffer.from('There is no such page.\n'),
  };
  response.writeHead(content === undefined ? 404 : 200, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function contentOf(deps: PageDeps, printer: Printer, below: string): Content | undefined {
  if (below === '') return { type: 'text/html; charset=utf-8', body: Buffer.from(page(deps, printer)) };
  const size = iconSizes.find((each) => below === iconPath(each));
  return size && { type: 'image/png', body: printerIcon(size) };
}

function page({ deviceName, spool }: PageDeps, { id, queue, destination }: Printer): string {
  const title = escaped(printerDisplayName(queue.info, id));
  const reasons = queue.stateReasons.filter((reason) => reason !== 'none');
  const rows: [string, string][] = [
    ['State', [queue.state, ...reasons].join(', ')],
    ['Accepts jobs', queue.accepting ? 'yes' : 'no'],
    ['Jobs', String(jobsOn(destination, spool.active()))],
    ['Model', queue.makeAndModel],
    ['Location', queue.location],
    ['Shared by', deviceName()],
    ...(queue.supplies ?? []).map(({ name, level }): [string, string] => [
      name,
      level === null ? 'level not known' : `${level} %`,
    ]),
  ];
  const lines = rows
    .filter(([, words]) => words !== '')
    .map(([key, words]) => `<tr><th>${escaped(key)}</th><td>${escaped(words)}</td></tr>`);
  const icon = `${encodeURIComponent(id)}/${iconPath(128)}`;
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<style>body{font:16px sans-serif;margin:2em}th{text-align:left;padding-right:1em}</style></head>
<body><img src="${icon}" width="64" height="64" alt="">
<h1>${title}</h1>
<table>${lines.join('\n')}</table>
<p>A printer shared with nethood: add it in your system's print settings, no driver is needed.</p>
</body></html>
`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(words: string): string {
  return words.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '').replaceAll(/\p{Cc}/gu, ' ');
}

function decoded(component: string): string {
  try {
    return decodeURIComponent(component);
  } catch {
    // Not a name of any queue then.
    return '';
  }
}

/**
 * `/files/<shareId>/<wire path>`: one file, read (`serve-file.ts`) or written (`receive-file.ts`). `POST
 * /files/<shareId>/archive`: many (`archive-serve.ts`). `POST …/tree/<wire path>`: a whole folder (`tree-serve.ts`). Stalled readers and errors are the port's affair: what is thrown
 * before the first byte becomes an answer, what is thrown later breaks the connection, so that a part never looks whole.
 */
import { NethoodError } from '../../protocol/errors.ts';
import { ShareId } from '../../protocol/ids.ts';
import { parseWirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange, HttpRoute } from '../peers/neighbours.ts';
import { FairTurns } from './fair-turns.ts';
import { receiveFile } from './receive-file.ts';
import { isPut, receivePut } from './receive-put.ts';
import { Revocable } from './revocable.ts';
import { type ServeFileDeps, serveFile } from './serve-file.ts';
import type { LocalShares } from './shares.ts';
import { askerOf, ServedTrees } from './tree-serve.ts';
import type { Uploads } from './uploads.ts';

/** Bodies under way to one asker; each holds up to 3 MiB. */
const mostPerAsker = 16;
/** Under way to all; with more each gets by with less memory. */
const fewBodies = 4;

interface FilesRouteDeps {
  readonly shares: LocalShares;
  readonly uploads: Uploads;
  readonly trees: ServedTrees;
  readonly serving: ServeFileDeps;
  readonly revocable: Revocable;
}

export function createFilesRoute(shares: LocalShares, uploads: Uploads): HttpRoute & AsyncDisposable {
  const sending = new Map<string, number>();
  const crowded = (): boolean => Array.from(sending.values()).reduce((sum, each) => sum + each, 0) > fewBodies;
  const { clock, limit } = uploads;
  const serving = { clock, limit, crowded, turns: new FairTurns(clock) };
  const trees = new ServedTrees(uploads);
  const revocable = new Revocable(shares);
  const deps = { shares, uploads, trees, serving, revocable };
  return {
    prefix: '/files/',
    [Symbol.asyncDispose]: () => {
      revocable[Symbol.dispose]();
      return trees[Symbol.asyncDispose]();
    },
    async handle(exchange) {
      const asker = askerOf(exchange);
      const count = sending.get(asker) ?? 0;
      if (count >= mostPerAsker) throw new NethoodError('busy', 'Too many files at once.', { retryAfterMs: 1000 });
      sending.set(asker, count + 1);
      try {
        await answer(deps, exchange);
      } finally {
        const left = (sending.get(asker) ?? 1) - 1;
        if (left === 0) sending.delete(asker);
        else sending.set(asker, left);
      }
    },
  };
}

function answer(deps: FilesRouteDeps, exchange: HttpExchange): Promise<void> {
  const { request, asker } = exchange;
  const target = targetOf(exchange);
  const writes = request.method === 'PUT' || isPut(target.rest);
  const check = (): unknown =>
    writes ? deps.shares.writable(asker, target.share) : deps.shares.tree(asker, target.share, 'read');
  return deps.revocable.during(exchange, check, (guarded) => answerFor(deps, target, guarded));
}

async function answerFor(
  { shares, uploads, trees, serving }: FilesRouteDeps,
  { share, rest }: Target,
  exchange: HttpExchange,
): Promise<void> {
  const { request, asker } = exchange;
  const tree = shares.tree(asker, share, 'read');
  switch (request.method) {
    case 'GET':
    case 'HEAD':
      return serveFile(exchange, serving, { tree, path: parseWirePath(rest) });
    case 'PUT':
      return receiveFile(shares.writable(asker, share), parseWirePath(rest), exchange, uploads.clock);
    case 'POST':
      if (rest === 'digests')
        return (await import('./serve-digests.ts')).serveDigests({ tree, thread: uploads.batchThread }, exchange);
      if (rest === 'archive') {
        const { serveArchive } = await import('./archive-serve.ts');
        return serveArchive({ tree, thread: uploads.batchThread }, uploads.limit, exchange);
      }
      if (rest.startsWith('tree/')) return trees.serve(tree, parseWirePath(rest.slice('tree/'.length)), exchange);
      return receivePut(shares, uploads, { share, rest, exchange });
    case undefined:
    default:
      throw new NethoodError('unsupported', `This agent does not know ${request.method ?? ''} for files.`);
  }
}

interface Target {
  readonly share: ShareId;
  readonly rest: string;
}

function targetOf({ path }: HttpExchange): Target {
  const [id = ''] = path.split('/', 1);
  const share = ShareId.safeParse(id);
  if (!share.success) throw new NethoodError('not-found', 'There is no such share.');
  return { share: share.data, rest: path.slice(id.length + 1) };
}

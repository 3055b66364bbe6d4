/**
 * Answers a request for a whole folder with the frames of `tree-frames`. A thread reads ahead while the connection
 * takes; there are few of them, and who gets none asks for the files of a listing instead.
 */
import type { ServerResponse } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { Clock } from '../base/clock.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { archiveLimits } from './archive-format.ts';
import { quotedPath, readError } from './file-errors.ts';
import type { FileThread } from './file-thread.ts';
import { KeptThread } from './kept-thread.ts';
import type { LocalTree } from './local-tree.ts';
import { framesType } from './put-frames.ts';
import { paceBytes, type RateLimit } from './rate-limit.ts';
import type { TreeStart } from './read-tree.ts';
import type { TreeAnswer, TreeAsk } from './tree-thread.ts';

const mostInAll = 4;
const mostPerAsker = 2;
const bufferBytes = 256 << 10;
/** What comes in all is counted when it takes longer, so that a short one costs nothing more. */
const countAfterMs = 1_000;

type TreeThread = FileThread<TreeAsk, TreeAnswer>;

interface ServedTreesDeps {
  readonly clock: Clock;
  /** The user's. */
  readonly limit: RateLimit;
}

export class ServedTrees implements AsyncDisposable {
  /** Who asked, for each that is under way. */
  readonly #askers: string[] = [];
  readonly #deps: ServedTreesDeps;
  /** As many as were needed at once. */
  readonly #threads: KeptThread<TreeAsk, TreeAnswer>[] = [];

  constructor(deps: ServedTreesDeps) {
    this.#deps = deps;
  }

  /** @throws `busy` where others are served, what is wrong with the folder */
  async serve(tree: LocalTree, path: WirePath, exchange: HttpExchange): Promise<void> {
    const asker = askerOf(exchange);
    const own = this.#askers.filter((other) => other === asker).length;
    if (own >= mostPerAsker || this.#askers.length >= mostInAll)
      throw new NethoodError('busy', 'Too many folders at once.', { retryAfterMs: 1000 });
    this.#askers.push(asker);
    try {
      const start: TreeStart = { ...(await tree.start(path)), largest: archiveLimits.file };
      await this.#send({ ...this.#deps, path, start }, exchange);
    } finally {
      this.#askers.splice(this.#askers.indexOf(asker), 1);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread[Symbol.asyncDispose]()));
  }

  async #send(stream: TreeStream, exchange: HttpExchange): Promise<void> {
    const kept = this.#unused();
    try {
      await send(kept.use(), stream, exchange);
    } catch (error) {
      // In the middle of a folder, which it holds open.
      await kept.end();
      throw error;
    } finally {
      kept.leave();
    }
  }

  /** Each reads one folder at a time. */
  #unused(): KeptThread<TreeAsk, TreeAnswer> {
    const unused = this.#threads.find(({ users }) => users === 0);
    if (unused !== undefined) return unused;
    const thread = new KeptThread<TreeAsk, TreeAnswer>('tree-thread', this.#deps.clock);
    this.#threads.push(thread);
    return thread;
  }
}

export function askerOf({ asker, address }: HttpExchange): string {
  return asker.kind === 'device' ? asker.id : address;
}

interface TreeStream extends ServedTreesDeps {
  readonly path: WirePath;
  readonly start: TreeStart;
}

async function send(
  thread: TreeThread,
  { path, start, clock, limit }: TreeStream,
  { response, signal }: HttpExchange,
): Promise<void> {
  signal.throwIfAborted();
  const stopped = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  // Whichever of the promises below waits is told; the others have nobody left to tell.
  stopped.catch(() => undefined);
  const countFrom = clock.now() + countAfterMs;
  const filled = (buffer: ArrayBuffer, first?: TreeStart): Promise<TreeAnswer> =>
    Promise.race([thread.ask({ start: first, buffer, count: clock.now() >= countFrom }, [buffer]), stopped]);
  const size = limit.active ? paceBytes : bufferBytes;
  let next = await filled(new ArrayBuffer(size), start);
  if (next.errno !== undefined)
    throw readError(Object.assign(new Error(next.errno), { code: next.errno }), whatOf(path));
  // Its end tells itself, so it needs no chunks: whoever receives can take it past the HTTP parser.
  response.removeHeader('transfer-encoding');
  response.writeHead(200, { 'content-type': framesType });
  let spare = new ArrayBuffer(size);
  for (;;) {
    const { buffer, bytes = 0, done } = next;
    const sent = Promise.race([written(response, Buffer.from(buffer, 0, bytes)), stopped]);
    if (done === true) {
      await sent;
      break;
    }
    [next] = await Promise.all([filled(spare), sent]);
    spare = buffer;
    await limit.pace(bytes, signal);
  }
  response.end();
}

function whatOf(path: WirePath): string {
  return path === '' ? 'this share' : quotedPath(path);
}

/** Kept when the connection has taken it. */
function written(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

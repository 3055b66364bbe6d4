/** Answers a request for many files with one tar. */
import { pipeline } from 'node:stream/promises';
import type { HttpExchange } from '../peers/neighbours.ts';
import { packArchive } from './archive-format.ts';
import type { RateLimit } from './rate-limit.ts';
import { filesOf, type FilesSource } from './read-files.ts';
import { rootPath } from '../../protocol/wire-path.ts';
import { wantedPaths } from './wanted-paths.ts';

export async function serveArchive(
  source: FilesSource,
  limit: RateLimit,
  { request, response, signal }: HttpExchange,
): Promise<void> {
  const wanted = await wantedPaths(request);
  const root = await source.tree.folder(rootPath);
  root.close();
  response.writeHead(200, { 'content-type': 'application/x-tar' });
  await pipeline(pacedBy(limit, packArchive(filesOf(source, wanted, signal)), signal), response, { signal });
}

async function* pacedBy(limit: RateLimit, bytes: AsyncIterable<Buffer>, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const piece of bytes) {
    yield piece;
    await limit.pace(piece.length, signal);
  }
}

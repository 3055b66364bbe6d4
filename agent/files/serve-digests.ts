/**
 * `POST /files/<shareId>/digests`: SHA-256 of many files, in the order asked for. Whoever has files of the same size and time learns so whether they are the same, without a byte of them being moved.
 */
import { once } from 'node:events';
import { z } from 'zod';
import { errorCodes } from '../../protocol/errors.ts';
import { rootPath, WirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import type { FilesSource } from './read-files.ts';
import { digestsIn } from './tree-digests.ts';
import { wantedPaths } from './wanted-paths.ts';

/** Characters: of small files a line each would cost more than its digest. */
const sentAtOnce = 16 << 10;

export const DigestLine = z.union([
  z.object({ path: WirePath, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.object({ path: WirePath, code: z.enum(errorCodes).catch('internal') }),
]);
export type DigestLine = z.infer<typeof DigestLine>;

export async function serveDigests(source: FilesSource, { request, response, signal }: HttpExchange): Promise<void> {
  const wanted = await wantedPaths(request);
  const root = await source.tree.folder(rootPath);
  root.close();
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  // A large file takes its time; that we are at it should be known before.
  response.flushHeaders();
  let lines = '';
  for await (const line of digestsIn(source, wanted, signal)) {
    lines += `${JSON.stringify(line)}\n`;
    if (lines.length < sentAtOnce) continue;
    if (!response.write(lines)) await once(response, 'drain', { signal });
    lines = '';
  }
  response.end(lines);
}

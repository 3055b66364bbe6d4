/**
 * `POST /files/<shareId>/digests`: SHA-256 of many files, in the order asked for, each as soon as it is known. Whoever
 * has files of the same size and time learns so whether they are the same, without a byte of them being moved.
 */
import { once } from 'node:events';
import { z } from 'zod';
import { errorCodes, toNethoodError } from '../../protocol/errors.ts';
import { rootPath, WirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { contentDigest } from './content-digest.ts';
import type { LocalTree } from './local-tree.ts';
import { wantedPaths } from './wanted-paths.ts';

export const DigestLine = z.union([
  z.object({ path: WirePath, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.object({ path: WirePath, code: z.enum(errorCodes).catch('internal') }),
]);
export type DigestLine = z.infer<typeof DigestLine>;

export async function serveDigests(tree: LocalTree, { request, response, signal }: HttpExchange): Promise<void> {
  const wanted = await wantedPaths(request);
  const root = await tree.folder(rootPath);
  root.close();
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  // A large file takes its time; that we are at it should be known before.
  response.flushHeaders();
  for (const path of wanted) {
    const line = await digestLine(tree, path, signal);
    if (!response.write(`${JSON.stringify(line)}\n`)) await once(response, 'drain', { signal });
  }
  response.end();
}

/** Whole and of one version, or why not; one bad file does not cost the others. */
async function digestLine(tree: LocalTree, path: WirePath, signal: AbortSignal): Promise<DigestLine> {
  try {
    const { pieces, size } = await tree.open(path, { signal });
    await using file = pieces;
    const read = (buffer: Buffer): Promise<number> => {
      signal.throwIfAborted();
      return file.read(buffer);
    };
    return { path, sha256: await contentDigest(read, size) };
  } catch (error) {
    signal.throwIfAborted();
    return { path, code: toNethoodError(error).code };
  }
}

/** The list of wire paths that asks for many files: NDJSON, each line a path as a JSON string. */
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import { WirePath } from '../../protocol/wire-path.ts';
import type { HttpExchange } from '../peers/neighbours.ts';
import { archiveLimits } from './archive-format.ts';

/** @throws `too-large`, `bad-path` */
export async function wantedPaths(request: HttpExchange['request']): Promise<WirePath[]> {
  const lines = (await requestText(request)).split('\n').filter((line) => line !== '');
  if (lines.length > archiveLimits.files)
    throw new NethoodError('too-large', `At most ${archiveLimits.files} files can be asked for at once.`);
  return lines.map(wantedPath);
}

export function wantedText(paths: Iterable<WirePath>): string {
  return Array.from(paths, (path) => `${JSON.stringify(path)}\n`).join('');
}

async function requestText(request: HttpExchange['request']): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Not destroyed when it is left early: the refusal has still to go out by the same socket.
  for await (const bytes of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += bytes.length;
    if (size > archiveLimits.request)
      throw new NethoodError('too-large', 'The list of wanted files is too long; ask in parts.');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

const WantedLine = z.string().transform((line, context) => {
  try {
    return JSON.parse(line) as unknown;
  } catch {
    context.addIssue('is not JSON');
    return z.NEVER;
  }
});
const Wanted = WantedLine.pipe(WirePath);

function wantedPath(line: string): WirePath {
  const path = Wanted.safeParse(line);
  if (!path.success) throw new NethoodError('bad-path', 'A line of the request is not a wire path as a JSON string.');
  return path.data;
}

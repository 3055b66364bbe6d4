/**
 * Which of the files that are here, by size and time, are the same as their neighbour's: by SHA-256, made at both ends
 * at the same time. A size and a time may be right and the content not: a disk, another program, a restored copy.
 */
import { createInterface } from 'node:readline';
import type { IncomingMessage } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { localDigest } from './content-digest.ts';
import { errnoOf } from './file-errors.ts';
import type { GetContext } from './get-context.ts';
import type { LocalPath } from './local-path.ts';
import { askPeer, connectionError, peerName } from './peer-http.ts';
import { digestsUrl } from './remote-tree.ts';
import { persistently } from './retry.ts';
import { DigestLine } from './serve-digests.ts';
import { wantedText } from './wanted-paths.ts';

export interface HereFile {
  /** In the share. */
  readonly path: WirePath;
  readonly size: number;
  readonly here: LocalPath;
}

/** The paths of those that are the same; all of them where the neighbour's version cannot tell. */
export async function sameHere(
  context: GetContext,
  files: readonly HereFile[],
  signal: AbortSignal,
): Promise<ReadonlySet<WirePath>> {
  const { neighbours, id } = context.peer;
  if (neighbours.get(id)?.features.has('digests') !== true) return new Set(files.map(({ path }) => path));
  const own = new Map<WirePath, string | undefined>();
  const [theirs] = await Promise.all([
    persistently(context.retry, signal, (contact) => digestsThere(context, files, contact)),
    (async () => {
      for (const { path, here, size } of files) own.set(path, await digestHere(here, size, signal));
    })(),
  ]);
  return new Set(files.map(({ path }) => path).filter((path) => isSame(own.get(path), theirs.get(path))));
}

function isSame(own: string | undefined, theirs: string | undefined): boolean {
  return own !== undefined && own === theirs;
}

async function digestsThere(
  context: GetContext,
  files: readonly HereFile[],
  signal: AbortSignal,
): Promise<Map<WirePath, string>> {
  const { peer, share } = context;
  const body = wantedText(files.map(({ path }) => path));
  const response = await askPeer(peer, { method: 'POST', path: digestsUrl(share), body, signal });
  context.began();
  try {
    const digests = new Map<WirePath, string>();
    for await (const line of linesOf(response, peerName(peer)))
      if ('sha256' in line) digests.set(line.path, line.sha256);
    return digests;
  } catch (error) {
    signal.throwIfAborted();
    throw connectionError(error, peerName(peer));
  } finally {
    response.destroy();
  }
}

async function* linesOf(response: IncomingMessage, name: string): AsyncGenerator<DigestLine, void> {
  for await (const text of createInterface({ input: response })) {
    const line = DigestLine.safeParse(jsonOf(text));
    if (!line.success) throw new NethoodError('bad-message', `${name} sent digests that cannot be read.`);
    yield line.data;
  }
  // A body that was cut off ends the lines as a whole one does.
  if (!response.complete) throw connectionError(response.errored, name);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined for what can no longer be read: it is no copy then. */
async function digestHere(path: LocalPath, size: number, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await localDigest(path, size, signal);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

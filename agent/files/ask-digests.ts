/** What a neighbour says that the files of a share contain: `serve-digests.ts` answers. */
import { createInterface } from 'node:readline';
import type { IncomingMessage } from 'node:http';
import { NethoodError } from '../../protocol/errors.ts';
import type { ShareId } from '../../protocol/ids.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { askPeer, connectionError, type PeerHttp, peerName } from './peer-http.ts';
import { digestsUrl } from './remote-tree.ts';
import { persistently, type RetryDeps } from './retry.ts';
import { DigestLine } from './serve-digests.ts';
import { wantedText } from './wanted-paths.ts';

export interface DigestContext {
  readonly peer: PeerHttp;
  readonly share: ShareId;
  readonly retry: RetryDeps;
  readonly began: () => void;
}

/** An earlier version of nethood cannot. */
export function canTellDigests({ neighbours, id }: PeerHttp): boolean {
  return neighbours.get(id)?.features.has('digests') === true;
}

/** SHA-256 by path, of those that can be read. */
export function digestsThere(
  context: DigestContext,
  paths: readonly WirePath[],
  signal: AbortSignal,
): Promise<ReadonlyMap<WirePath, string>> {
  return persistently(context.retry, signal, (contact) => askedDigests(context, paths, contact));
}

async function askedDigests(
  { peer, share, began }: DigestContext,
  paths: readonly WirePath[],
  signal: AbortSignal,
): Promise<Map<WirePath, string>> {
  const response = await askPeer(peer, { method: 'POST', path: digestsUrl(share), body: wantedText(paths), signal });
  began();
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

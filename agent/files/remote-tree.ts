/** A neighbour's share: listed over the session, read over HTTP. */
import { Readable } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { DeviceId, ShareId } from '../../protocol/ids.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import { answeredFile } from './file-version-http.ts';
import type { FileTree, ReadOptions } from './file-tree.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { askPeer, connectionError, type PeerHttp, peerName } from './peer-http.ts';

export interface RemoteTreeDeps {
  readonly neighbours: Pick<Neighbours, 'request' | 'httpAgent' | 'httpHost' | 'get'>;
  readonly clock: Clock;
}

export function createRemoteTree(deps: RemoteTreeDeps, id: DeviceId, share: ShareId): FileTree {
  const { neighbours } = deps;
  const peer: PeerHttp = { ...deps, id };
  return {
    stat: async (path, signal) => (await neighbours.request(id, 'stat', { share, path }, signal)).entry,
    list: (path, cursor, signal) => neighbours.request(id, 'list', { share, path, ...given(cursor) }, signal),
    walk: (path, cursor, signal) => neighbours.request(id, 'walk', { share, path, ...given(cursor) }, signal),
    read: async (path, options) => {
      const response = await askPeer(peer, {
        method: 'GET',
        path: fileUrl(share, path),
        headers: conditions(options),
        signal: options.signal,
      });
      const { size, modified, etag, start } = answeredFile(response, peerName(peer));
      if (start !== (options.range?.start ?? 0)) {
        response.destroy();
        throw new NethoodError('range', `${peerName(peer)} sent another part of the file than asked for.`);
      }
      return { size, modified, etag, stream: mappedErrors(response, peerName(peer)) };
    },
  };
}

/** Where a file of a neighbour's share is on its peers port. A wire path is already what a URL wants. */
export function fileUrl(share: ShareId, path: WirePath): string {
  return `/files/${share}/${path}`;
}

export function archiveUrl(share: ShareId): string {
  return `/files/${share}/archive`;
}

function given(cursor: string | undefined): { cursor?: string } {
  return cursor === undefined ? {} : { cursor };
}

function conditions({ range, ifMatch }: ReadOptions): Record<string, string> {
  return {
    ...(range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` }),
    ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
  };
}

function mappedErrors(response: IncomingMessage, name: string): Readable {
  return Readable.from(
    (async function* () {
      try {
        for await (const bytes of response as AsyncIterable<Buffer>) yield bytes;
      } catch (error) {
        throw connectionError(error, name);
      } finally {
        response.destroy();
      }
    })(),
    { objectMode: false, highWaterMark: 1 << 18 },
  );
}

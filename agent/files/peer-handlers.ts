import type { ListResult } from '../../protocol/peer.ts';
import type { PeerHandlers } from '../peers/neighbours.ts';
import type { Page } from './file-tree.ts';
import type { Shares } from './files-service.ts';

/** What neighbours may ask of our shares over the session. */
export function createFilesHandlers(shares: Shares): Pick<PeerHandlers, 'list' | 'stat' | 'walk'> {
  return {
    list: async (asker, { share, path, cursor }, signal) =>
      pageResult(await shares.tree(asker, share, 'read').list(path, cursor, signal)),
    walk: async (asker, { share, path, cursor }, signal) =>
      pageResult(await shares.tree(asker, share, 'read').walk(path, cursor, signal)),
    stat: async (asker, { share, path }, signal) => ({
      entry: await shares.tree(asker, share, 'read').stat(path, signal),
    }),
  };
}

function pageResult({ entries, cursor, skipped }: Page): ListResult {
  return { entries: [...entries], skipped, ...(cursor === undefined ? {} : { cursor }) };
}

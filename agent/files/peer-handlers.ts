import type { ListResult } from '../../protocol/peer.ts';
import type { PeerHandlers } from '../peers/neighbours.ts';
import type { Page } from './file-tree.ts';
import type { Shares } from './files-service.ts';
import { createPutHandlers } from './receive-offer.ts';
import type { LocalShares } from './shares.ts';
import type { Uploads } from './uploads.ts';

type Reading = Pick<PeerHandlers, 'list' | 'stat' | 'walk'>;
type Putting = ReturnType<typeof createPutHandlers>;
type Changing = Pick<PeerHandlers, 'mkdir' | 'move' | 'copy' | 'remove' | 'touch'>;

/** What neighbours may ask of our shares over the session. */
export function createFilesHandlers(shares: LocalShares, uploads: Uploads): Reading & Changing & Putting {
  return { ...reading(shares), ...changing(shares), ...createPutHandlers(shares, uploads) };
}

function reading(shares: Shares): Reading {
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

function changing(shares: Shares): Changing {
  return {
    mkdir: async (asker, { share, path }, signal) => {
      await shares.writable(asker, share).mkdir(path, signal);
      return {};
    },
    move: async (asker, { share, path, to, replace }, signal) => ({
      replaced: await shares.writable(asker, share).move(path, to, { replace, signal }),
    }),
    copy: async (asker, { share, path, to, replace, flat = false }, signal) => ({
      replaced: await shares.writable(asker, share).copy(path, to, { replace, flat, signal }),
    }),
    remove: async (asker, { share, path }, signal) => {
      await shares.writable(asker, share).remove(path, signal);
      return {};
    },
    touch: async (asker, { share, path, modified }, signal) => {
      await shares.writable(asker, share).setModified?.(path, modified, signal);
      return {};
    },
  };
}

function pageResult({ entries, cursor, skipped }: Page): ListResult {
  return { entries: [...entries], skipped, ...(cursor === undefined ? {} : { cursor }) };
}

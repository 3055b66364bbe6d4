/** A get, from its order to its end. */
import type { PeerEntry } from '../../protocol/peer.ts';
import { fetchFile } from './fetch-file.ts';
import { fetchFolder } from './fetch-folder.ts';
import type { GetOrder } from './files-service.ts';
import type { GetContext } from './get-context.ts';
import { targetOf } from './get-target.ts';
import { joinLocal, type LocalPath, pathFromText, pathToText, shownPath } from './local-path.ts';
import { partName } from './part-name.ts';
import { type Place, placeOfSame } from './publish.ts';
import { createRemoteTree } from './remote-tree.ts';
import { sameHere } from './verify-here.ts';
import { whileShared } from './still-shared.ts';
import type { TransferWork, WorkGround } from './transfer-work.ts';

interface Beginning {
  readonly key: string;
  readonly entry: PeerEntry;
  readonly place: Place;
}

/** @throws what the neighbour or the destination says */
export async function beginGet(ground: WorkGround, order: GetOrder): Promise<TransferWork> {
  const { neighbours, clock, log, records, key } = ground;
  const { neighbour, share, path, source } = order;
  const tree = createRemoteTree(ground, neighbour, share);
  const entry = await tree.stat(path, ground.signal);
  const place = await placeOf(ground, order, entry);
  const destination = shownPath(joinLocal(place.folder, place.name));
  return {
    start: { direction: 'get', neighbour, source, destination },
    run: async (course, signal) => {
      const peer = { neighbours, id: neighbour, clock };
      const context: GetContext = { ...course, peer, tree, share, path, source, clock, log, records };
      const work = fetched(context, { key, entry, place }, signal);
      return shownPath(await whileShared({ neighbours, neighbour, share, what: source }, work));
    },
  };
}

/** A folder that was begun goes on where it is; "into it, as it is there now" would put it into itself. */
async function placeOf(ground: WorkGround, order: GetOrder, entry: PeerEntry): Promise<Place> {
  const begun = entry.kind === 'folder' ? await ground.records.folder(ground.key) : undefined;
  if (begun !== undefined) return { folder: pathFromText(begun.folder), name: Buffer.from(begun.name, 'base64') };
  const shares = ground.neighbours.get(order.neighbour)?.resources.shares ?? [];
  return targetOf(order.path, order.destination, shares.find(({ id }) => id === order.share)?.name ?? 'share');
}

async function fetched(context: GetContext, beginning: Beginning, signal: AbortSignal): Promise<LocalPath> {
  const { entry, place, key } = beginning;
  const part = joinLocal(place.folder, Buffer.from(partName(key, pathToText(joinLocal(place.folder, place.name)))));
  if (entry.kind === 'folder')
    return fetchFolder(context, { place, modified: entry.modified, staging: part, key }, signal);
  context.progress.totals(1, entry.size);
  const here = await placeOfSame(place, entry);
  if (
    here !== undefined &&
    (await sameHere(context, [{ path: context.path, size: entry.size, here }], signal)).size > 0
  ) {
    context.progress.add({ files: 1, bytes: entry.size, resumedFrom: entry.size });
    return here;
  }
  const path = await fetchFile(context, { path: context.path, place, part, key }, signal);
  context.progress.add({ files: 1 });
  return path;
}

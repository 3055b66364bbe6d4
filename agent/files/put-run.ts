/** A put, from its order to its end. */
import { NethoodError } from '../../protocol/errors.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { parentPath, pathComponents, pathFromComponents, type WirePath } from '../../protocol/wire-path.ts';
import type { PutOrder } from './files-service.ts';
import { offer, type PutContext, taken } from './put-context.ts';
import { putFile } from './put-file.ts';
import { putFolder } from './put-folder.ts';
import { openSource, type PutSource } from './put-source.ts';
import { putTargetOf, shownPlace } from './put-target.ts';
import { createRemoteTree } from './remote-tree.ts';
import { whileShared } from './still-shared.ts';
import type { TransferWork, WorkGround } from './transfer-work.ts';
import { offerVerified } from './verify-there.ts';

/** @throws what the source or the neighbour says */
export async function beginPut(ground: WorkGround, order: PutOrder): Promise<TransferWork> {
  const { neighbours, clock, records, key } = ground;
  const { neighbour, share, keep } = order;
  checkTaken(ground, order.neighbour);
  const source = await openSource(order.source, clock, ground.signal);
  try {
    const to = await targetOf(ground, order, source);
    return {
      start: { direction: 'put', neighbour, source: order.source, destination: shownPlace(order.place, to) },
      run: async (course, signal) => {
        using opened = source;
        const peer = { neighbours, id: neighbour, clock };
        const context: PutContext = { ...course, peer, share, source: opened.tree, keep };
        const work = (opened.entry.kind === 'folder' ? sentFolder : sentFile)(context, { opened, to }, signal);
        const path = await whileShared({ neighbours, neighbour, share, what: order.place }, work);
        await records.remove(key);
        return shownPlace(order.place, path);
      },
    };
  } catch (error) {
    source[Symbol.dispose]();
    throw error;
  }
}

/** Without a session nobody knows; it is asked for then by the first request. */
function checkTaken({ neighbours }: WorkGround, id: DeviceId): void {
  const neighbour = neighbours.get(id);
  if (neighbour?.state !== 'ready' || neighbour.features.has('put')) return;
  throw new NethoodError('unsupported', `"${neighbour.name}" has a version of nethood that takes no files.`);
}

/** A folder that was begun goes on where it is; "into it, as it is there now" would put it into itself. */
async function targetOf(ground: WorkGround, order: PutOrder, source: PutSource): Promise<WirePath> {
  const begun = await ground.records.putPath(ground.key);
  if (begun !== undefined) return begun;
  const tree = createRemoteTree(ground, order.neighbour, order.share);
  const path = await putTargetOf(tree, order, source.name, ground.signal);
  if (source.entry.kind === 'folder') await ground.records.save(ground.key, { kind: 'put', path });
  return path;
}

interface Sent {
  readonly opened: PutSource;
  readonly to: WirePath;
}

async function sentFile(context: PutContext, { opened, to }: Sent, signal: AbortSignal): Promise<WirePath> {
  const { entry, path } = opened;
  context.progress.totals(1, entry.size);
  const offered = { folder: parentPath(to), entries: [{ ...entry, path: lastOf(to) }], from: () => path };
  const answer = taken(await offerVerified(context, offered, signal));
  if (answer.state === 'here') {
    context.progress.add({ files: 1, bytes: entry.size, resumedFrom: entry.size });
    return answer.path ?? to;
  }
  const final = await putFile(context, { from: { ...entry, path }, to, held: answer.held }, signal);
  context.progress.add({ files: 1 });
  return final;
}

async function sentFolder(context: PutContext, { opened, to }: Sent, signal: AbortSignal): Promise<WirePath> {
  const { entry } = opened;
  const answer = taken(await offer(context, parentPath(to), [{ ...entry, path: lastOf(to) }], signal));
  const fresh = answer.state === 'here' && answer.fresh === true;
  await putFolder(context, { to, modified: entry.modified, fresh }, signal);
  return to;
}

function lastOf(path: WirePath): WirePath {
  return pathFromComponents(pathComponents(path).slice(-1));
}

import type { OutgoingHttpHeaders } from 'node:http';
import type { ShareId } from '../../protocol/ids.ts';
import type { PeerAsk, Neighbours } from '../peers/neighbours.ts';
import type { PeerEntry, OfferAnswer } from '../../protocol/peer.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import type { LocalTree } from './local-tree.ts';
import { type PeerHttp, peerName } from './peer-http.ts';
import { asksForLoad, asksToTell } from './put-format.ts';
import { paceBytes } from './rate-limit.ts';
import { persistently } from './retry.ts';
import type { WriteBytes } from './send-to-peer.ts';
import type { TransferCourse } from './transfer-work.ts';

/** What the parts of one running put share. */
export interface PutContext extends TransferCourse {
  readonly peer: PeerHttp & { readonly neighbours: Pick<Neighbours, 'request'> };
  readonly share: ShareId;
  /** What is sent lies in it. */
  readonly source: LocalTree;
  /** Nothing there is replaced. */
  readonly keep: boolean;
}

/** Writes as fast as the user's limit to all transfers lets it. */
export function paced({ limit, progress }: PutContext, write: WriteBytes, signal: AbortSignal): WriteBytes {
  return async (bytes, counted = bytes.length) => {
    if (!limit.active) return write(bytes, counted);
    for (let at = 0; at < bytes.length; at += paceBytes) {
      const part = bytes.subarray(at, at + paceBytes);
      await write(part, at === 0 ? counted : 0);
      progress.limit.waited('setting', await limit.pace(part.length, signal));
    }
  };
}

/** Headers that ask for what is in files to be told, of whom knows that, and what it waits for. */
export function askToTell(context: PutContext): OutgoingHttpHeaders {
  return knowsFrames(context) ? { ...asksToTell, ...asksForLoad } : {};
}

/** Others take a tar, and tell nothing. */
export function knowsFrames(context: PutContext): boolean {
  return knows(context, 'put-frames');
}

/** Others have the zeros of holes sent, and written. */
export function knowsBlocks(context: PutContext): boolean {
  return knows(context, 'put-blocks');
}

function knows({ peer: { neighbours, id } }: PutContext, feature: string): boolean {
  return neighbours.get(id)?.features.has(feature) === true;
}

/** What is wanted of what we have: an answer to each entry, in their order. */
export async function offer(
  context: PutContext,
  folder: WirePath,
  entries: readonly PeerEntry[],
  signal: AbortSignal,
): Promise<readonly OfferAnswer[]> {
  const { peer, share, keep, retry } = context;
  const ask: PeerAsk<'offer'> = { share, path: folder, keep, entries: [...entries] };
  const { answers } = await persistently(retry, signal, (contact) =>
    peer.neighbours.request(peer.id, 'offer', ask, contact),
  );
  context.began();
  if (answers.length === entries.length) return answers;
  throw new NethoodError('bad-message', `${peerName(peer)} did not answer to each file that it was offered.`);
}

/** The one answer. @throws where it is refused */
export function taken([answer]: readonly OfferAnswer[]): Exclude<OfferAnswer, { state: 'refused' }> {
  if (answer?.state === 'here' || answer?.state === 'wanted') return answer;
  throw new NethoodError(answer?.code ?? 'internal', answer?.message ?? 'Nothing was offered.');
}

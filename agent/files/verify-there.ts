/** The offer of a put, with what is there already held to its content: a size and a time say too little, as in `verify-here.ts`. */
import type { OfferAnswer, PeerEntry } from '../../protocol/peer.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { canTellDigests, digestsThere } from './ask-digests.ts';
import { offer, type PutContext } from './put-context.ts';
import { digestsIn } from './tree-digests.ts';
import { isSame } from './verify-here.ts';

export interface Offered {
  /** In the share; the paths of the entries are relative to it. */
  readonly folder: WirePath;
  readonly entries: readonly PeerEntry[];
  /** Where a file is here. Default: by the same path. */
  readonly from?: (entry: PeerEntry) => WirePath;
}

/** An answer to each entry; `here` is only what is the same there, byte for byte. */
export async function offerVerified(
  context: PutContext,
  { folder, entries, from = ({ path }) => path }: Offered,
  signal: AbortSignal,
): Promise<readonly OfferAnswer[]> {
  const answers = await offer(context, folder, entries, signal);
  const present = entries.flatMap((entry, at) => {
    const answer = answers[at];
    if (entry.kind !== 'file' || answer?.state !== 'here') return [];
    const plain = (folder === '' ? entry.path : `${folder}/${entry.path}`) as WirePath;
    return [{ at, here: from(entry), there: answer.path ?? plain }];
  });
  if (present.length === 0 || !canTellDigests(context.peer)) return answers;
  const own = new Map<WirePath, string>();
  const [theirs] = await Promise.all([
    digestsThere(
      context,
      present.map(({ there }) => there),
      signal,
    ),
    (async () => {
      const { source: tree, batchThread: thread } = context;
      const paths = present.map(({ here }) => here);
      // Of what cannot be read any more there is none: whoever sends it finds out why.
      for await (const file of digestsIn({ tree, thread }, paths, signal))
        if ('sha256' in file) own.set(file.path, file.sha256);
    })(),
  ]);
  const other = new Set(
    present.filter(({ here, there }) => !isSame(own.get(here), theirs.get(there))).map(({ at }) => at),
  );
  return answers.map((answer, at) => (other.has(at) ? { state: 'wanted', held: 0 } : answer));
}

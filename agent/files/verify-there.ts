/** The offer of a put, with what is there already held to its content: a size and a time say too little, as in `verify-here.ts`. */
import { NethoodError } from '../../protocol/errors.ts';
import type { OfferAnswer, PeerEntry } from '../../protocol/peer.ts';
import type { WirePath } from '../../protocol/wire-path.ts';
import { canTellDigests, digestsThere } from './ask-digests.ts';
import { contentDigest } from './content-digest.ts';
import { offer, type PutContext } from './put-context.ts';
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
  const own = new Map<number, string | undefined>();
  const paths = present.map(({ there }) => there);
  const [theirs] = await Promise.all([
    digestsThere(context, paths, signal),
    (async () => {
      for (const { at, here } of present) own.set(at, await digestOf(context, here, signal));
    })(),
  ]);
  const other = new Set(present.filter(({ at, there }) => !isSame(own.get(at), theirs.get(there))).map(({ at }) => at));
  return answers.map((answer, at) => (other.has(at) ? { state: 'wanted', held: 0 } : answer));
}

/** Undefined for what cannot be read any more: whoever sends it finds out why. */
async function digestOf({ source }: PutContext, path: WirePath, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { pieces, size } = await source.open(path, { signal });
    await using file = pieces;
    return await contentDigest((buffer) => file.read(buffer), size);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof NethoodError)) throw error;
    return undefined;
  }
}

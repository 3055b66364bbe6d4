/** What a pattern matches in a neighbour's share, for `ls`. */
import type { z } from 'zod';
import type { streams } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { displayName, pathComponents, pathFromComponents } from '../../protocol/wire-path.ts';
import type { PeerEntry } from '../../protocol/peer.ts';
import { MatchSearch } from '../files/match-search.ts';
import { namePatterns } from '../files/name-pattern.ts';
import { placeOf, sourceOf } from './actions-files.ts';
import type { ActionDeps } from './control-actions.ts';
import { entryView } from './views.ts';

type Matches = (typeof streams)['matches'];

export async function* matches(
  deps: Pick<ActionDeps, 'neighbours' | 'remoteTree'>,
  request: z.infer<Matches['request']>,
  signal: AbortSignal,
): AsyncGenerator<z.infer<Matches['line']>, void> {
  const place = await placeOf(deps, request, signal);
  const { path, matching } = await sourceOf(place, request.path, signal);
  if (matching === undefined) throw new NethoodError('usage', `"${place.text}" is no pattern.`);
  const search = new MatchSearch({
    tree: place.tree,
    base: path,
    patterns: namePatterns(matching),
    give: 'names',
  });
  let found = false;
  for (let done = false; !done;) {
    const step = await search.next(signal);
    ({ done } = step);
    found ||= step.entries.length > 0;
    const entries = step.entries.map((entry) => ({ ...entryView(path, entry), name: shownName(entry) }));
    if (entries.length > 0 || step.skipped > 0) yield { entries, skipped: step.skipped };
  }
  if (!found) throw new NethoodError('not-found', `Nothing matches "${place.text}".`);
}

function shownName({ path }: PeerEntry): string {
  return pathComponents(path)
    .map((name) => displayName(pathFromComponents([name])))
    .join('/');
}

import type { z } from 'zod';
import type { streams } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { ActionDeps } from './control-actions.ts';
import { placeOf, sourceOf } from './actions-files.ts';
import { folderChanges } from './folder-changes.ts';

type FolderWatch = (typeof streams)['folder-watch'];

/** A line when the folder should be looked at: at first, then at each change. */
export async function* watchFolder(
  deps: Pick<ActionDeps, 'neighbours' | 'remoteTree' | 'clock'>,
  request: z.infer<FolderWatch['request']>,
  signal: AbortSignal,
): AsyncGenerator<z.infer<FolderWatch['line']>, void> {
  const place = await placeOf(deps, request, signal);
  const { path, matching } = await sourceOf(place, request.path, signal);
  if (matching !== undefined)
    throw new NethoodError('usage', `"${place.text}" is a pattern; only a folder is watched.`);
  const folder = { neighbour: place.neighbour.id, share: place.share.id, path };
  let looks = 0;
  for await (const _ of folderChanges(deps, folder, signal)) yield { look: ++looks };
}

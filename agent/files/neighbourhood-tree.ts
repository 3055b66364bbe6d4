/** The neighbourhood as one tree: a folder for each neighbour, in it one for each share, in that the neighbour's files. */
import { NethoodError } from '../../protocol/errors.ts';
import { type DeviceId, DisplayName, type ShareId } from '../../protocol/ids.ts';
import type { RemoteShare } from '../../protocol/resources.ts';
import type { Neighbour, Neighbours } from '../peers/neighbours.ts';
import type { Branch, Grafted } from './composed-tree.ts';
import { type GivenName, namesGiven, shareFolders } from './drive-names.ts';
import type { WritableTree } from './file-tree.ts';

export interface NeighbourhoodDeps {
  readonly neighbours: Pick<Neighbours, 'list' | 'get'>;
  readonly remoteTree: (id: DeviceId, share: ShareId) => WritableTree;
  readonly names: {
    readonly given: readonly GivenName[];
    /** They are kept for the next start. */
    give(names: readonly GivenName[]): void;
  };
}

/** Of which a drive shows all, or one alone, or one share of it. Names are those of when it was made. */
export interface DriveScope {
  readonly neighbour: { readonly id: DeviceId; readonly folder: string } | null;
  readonly share: { readonly id: ShareId; readonly folder: string } | null;
}

/** What is at the root of a drive now. */
export function driveBranches(deps: NeighbourhoodDeps, { neighbour, share }: DriveScope): readonly Branch[] {
  if (neighbour === null) return everybody(deps);
  const { id, folder } = neighbour;
  if (share === null) return [{ name: folder, inside: () => shareBranches(deps, id, folder) }];
  // There also while its owner is away, or shares it no more: the owner says which.
  const known = deps.neighbours.get(id)?.resources.shares.find((each) => each.id === share.id);
  const only = { id: share.id, rights: known?.rights ?? 'read' } as const;
  return [{ name: folder, inside: () => [{ name: share.folder, inside: grafted(deps, id, only) }] }];
}

/** Whose key was seen: a rumour gets no name that others may trust. */
function everybody(deps: NeighbourhoodDeps): readonly Branch[] {
  const { neighbours, names } = deps;
  const proved = neighbours
    .list()
    .filter(({ name, lastSeen }) => lastSeen !== undefined && DisplayName.safeParse(name).success);
  const given = namesGiven(names.given, proved);
  names.give(given);
  const folders = new Map(given.map(({ id, name }) => [id, name]));
  return proved.flatMap((neighbour) => {
    const name = folders.get(neighbour.id);
    return name === undefined ? [] : [branchOf(deps, neighbour, name)];
  });
}

/** Who is away keeps its folder for those who are in it, and offers nothing to others. */
function branchOf(deps: NeighbourhoodDeps, { id, state, resources }: Neighbour, name: string): Branch {
  const hidden = state !== 'ready' || resources.shares.length === 0;
  return { name, hidden, inside: () => shareBranches(deps, id, name) };
}

/** @throws `unreachable` rather than to look as if nothing were left of what was there */
function shareBranches(deps: NeighbourhoodDeps, id: DeviceId, name: string): readonly Branch[] {
  const neighbour = deps.neighbours.get(id);
  const shares = neighbour?.resources.shares ?? [];
  if (neighbour?.state !== 'ready' && shares.length === 0)
    throw new NethoodError('unreachable', `${name} cannot be reached now.`);
  const folders = shareFolders(shares);
  return shares.map((share, at) => ({ name: folders[at] ?? share.id, inside: grafted(deps, id, share) }));
}

function grafted(
  { remoteTree }: NeighbourhoodDeps,
  id: DeviceId,
  { id: share, rights }: Pick<RemoteShare, 'id' | 'rights'>,
): Grafted {
  const tree = remoteTree(id, share);
  return { id: `${id}/${share}`, tree, writable: rights === 'write' ? tree : undefined };
}

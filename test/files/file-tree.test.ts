import { createRemoteTree } from '../../agent/files/remote-tree.ts';
import { systemClock } from '../../agent/base/clock.ts';
import { fileTreeConformance } from '../conformance/file-tree.ts';
import { AnnasShare, annaId, bob, openShares, temporaryFolder } from './files-support.ts';

fileTreeConformance('a share on this disk', async (scope) => {
  const folder = await temporaryFolder(scope);
  const shares = await openShares(scope);
  const { id } = await shares.add({ folder, name: 'Public', audience: 'everyone', rights: 'read' });
  return { folder, tree: shares.tree(bob, id, 'read') };
});

fileTreeConformance("a neighbour's share", async (scope) => {
  const anna = await AnnasShare.open(scope);
  return { folder: anna.folder, tree: createRemoteTree({ ...anna, clock: systemClock }, annaId, anna.share) };
});

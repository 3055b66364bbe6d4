import { createRemoteTree } from '../../agent/files/remote-tree.ts';
import { systemClock } from '../../agent/base/clock.ts';
import { HeldWalkers } from '../../agent/files/held-walkers.ts';
import { LocalTree } from '../../agent/files/local-tree.ts';
import { fileTreeConformance } from '../conformance/file-tree.ts';
import { AnnasShare, annaId, bob, openShares, temporaryFolder } from './files-support.ts';

fileTreeConformance('a share on this disk', async (scope) => {
  const folder = await temporaryFolder(scope);
  const shares = await openShares(scope);
  const { id } = await shares.add({ folder, name: 'Public', audience: 'everyone', rights: 'read' });
  return { folder, tree: shares.tree(bob, id, 'read') };
});

fileTreeConformance('a share on a system without /proc', async (scope) => {
  const folder = await temporaryFolder(scope);
  const held = scope.use(new HeldWalkers(systemClock));
  const root = (): Promise<Buffer> => Promise.resolve(Buffer.from(folder));
  return { folder, tree: new LocalTree({ root, label: 'it', asker: 'bob', held, guard: 'look-twice' }) };
});

fileTreeConformance("a neighbour's share", async (scope) => {
  const anna = await AnnasShare.open(scope);
  return {
    folder: anna.folder,
    tree: createRemoteTree({ neighbours: anna.neighbours, clock: systemClock }, annaId, anna.share),
  };
});

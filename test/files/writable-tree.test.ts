import { systemClock } from '../../agent/base/clock.ts';
import { HeldWalkers } from '../../agent/files/held-walkers.ts';
import { LocalTree } from '../../agent/files/local-tree.ts';
import { newShareChanges } from '../../agent/files/share-changes.ts';
import { WritableLocalTree } from '../../agent/files/writable-local-tree.ts';
import { writableTreeConformance } from '../conformance/writable-tree.ts';
import { bob, openShares, temporaryFolder } from './files-support.ts';

writableTreeConformance('a share on this disk that may be changed', async (scope) => {
  const folder = await temporaryFolder(scope);
  const shares = await openShares(scope);
  const { id } = await shares.add({ folder, name: 'Public', audience: 'everyone', rights: 'write' });
  return { folder, tree: shares.writable(bob, id) };
});

writableTreeConformance('one on a system without /proc', async (scope) => {
  const folder = await temporaryFolder(scope);
  const held = scope.use(new HeldWalkers(systemClock));
  const place = { root: () => Promise.resolve(Buffer.from(folder)), label: 'it', guard: 'look-twice' } as const;
  const tree = new LocalTree({ ...place, asker: 'bob', held });
  const unbounded = {
    limits: () => ({ quota: undefined, reserve: 0 }),
    measure: () => Promise.resolve(0),
    note: () => Promise.resolve(),
  };
  const changes = newShareChanges({ ...unbounded, label: 'it', clock: systemClock });
  return { folder, tree: new WritableLocalTree({ ...place, tree, clock: systemClock, changes }) };
});

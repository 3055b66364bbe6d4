/** Wiring of folders for programs that know nothing of nethood: drives on loopback, and shares for guests. */
import type { Scope } from './base/scope.ts';
import { createGuestFolders } from './files/guest-folders.ts';
import { MountStore } from './files/mount-store.ts';
import { Mounts } from './files/mounts.ts';
import { createRemoteTree } from './files/remote-tree.ts';
import type { Shares } from './files/files-service.ts';
import { createDavHandler } from './files/webdav-on-demand.ts';
import type { HttpRoute, Neighbours } from './peers/neighbours.ts';
import type { AgentDeps, Ground } from './compose-ground.ts';

export async function composeMounts(
  scope: Scope,
  { paths, clock, log }: AgentDeps,
  { block }: Ground,
  neighbours: Neighbours,
): Promise<Mounts> {
  const store = scope.use(await MountStore.open(paths.state, log.child({ part: 'mounts' })));
  return scope.use(
    new Mounts({
      store,
      neighbours,
      remoteTree: (id, share) => createRemoteTree({ neighbours, clock }, id, share),
      port: block.ports.loopback,
      createHandler: createDavHandler,
      clock,
    }),
  );
}

export function composeGuestFolders(
  { clock }: AgentDeps,
  { name }: Ground,
  shares: Pick<Shares, 'visibleTo' | 'tree' | 'events'>,
): HttpRoute & Disposable {
  return createGuestFolders({ shares, deviceName: name, createHandler: createDavHandler, clock });
}

/** Wiring only: which part gets what. No decision is made here. */
import type { Snapshot } from '../protocol/control.ts';
import { BootId, type DeviceId } from '../protocol/ids.ts';
import type { FolderEvent } from '../protocol/peer.ts';
import type { Resources } from '../protocol/resources.ts';
import { announceOwn } from './announce-own.ts';
import type { Log } from './base/log.ts';
import { randomId } from './base/random-id.ts';
import type { Scope } from './base/scope.ts';
import { NoticeBoard } from './control/notices.ts';
import type { SnapshotStore } from './control/snapshot.ts';
import { createSnapshotSource } from './control/snapshot-source.ts';
import { openNameFile } from './discovery/engine-name-file.ts';
import { createMdnsDiscovery } from './discovery/mdns-discovery.ts';
import { mergeSources } from './discovery/sources.ts';
import { folderAnnouncements } from './files/guest-folders.ts';
import { FolderWatches } from './files/folder-watches.ts';
import { createFilesHandlers } from './files/peer-handlers.ts';
import { RateLimit } from './files/rate-limit.ts';
import { createFilesRoute } from './files/serve.ts';
import { createShares } from './files/shares.ts';
import { createTransfers } from './files/transfers.ts';
import { createUploads } from './files/uploads.ts';
import { createGuestPort, type GuestPort } from './peers/guest-port.ts';
import { cardAddresses } from './peers/host-header.ts';
import { createNeighbours } from './peers/neighbours-service.ts';
import type { Neighbours } from './peers/neighbours.ts';
import { ownAddresses } from './peers/own-addresses.ts';
import { openPeerPort, type PeerUpgrade } from './peers/peer-port.ts';
import { createTransport } from './peers/transport.ts';
import type { LocalPrintService } from './printing/print-service-deps.ts';
import type { OwnFolders } from './files/share-folder.ts';
import type { Asker } from './trust/access.ts';
import { tellPrinting } from './tell-printing.ts';
import { watchProblems } from './watch-problems.ts';
import { composeControl, composeDoctor } from './compose-control.ts';
import { composeGuestFolders, composeMounts } from './compose-folders.ts';
import { type AgentDeps, composeGround, type Ground } from './compose-ground.ts';
import { composePrinting } from './compose-printing.ts';

/** Starts every part, in the order in which they need each other; the scope ends them in reverse. Serving when the promise is kept. */
export async function composeAgent(scope: Scope, deps: AgentDeps): Promise<SnapshotStore> {
  const notices = new NoticeBoard();
  const ground = await composeGround(scope, deps, notices);
  const net = await composeNeighbours(scope, deps, ground);
  const { shares, neighbours } = net;
  const guests = openDoors(scope, deps, ground, net);
  const transfers = scope.use(
    await createTransfers({
      ...deps,
      neighbours,
      limit: net.limit,
      stateFolder: deps.paths.state,
      ownFolders: ownFoldersOf(deps.paths),
    }),
  );
  const ports = (): Snapshot['ports'] => ({ ...ground.block.ports, guests: guests.port });
  const device = { id: ground.identity.id, defaultName: deps.defaultName };
  const source = { ...deps, shares, transfers, printing: net.printing, neighbours, notices, device, ports };
  const { store } = scope.use(createSnapshotSource(source));
  scope.use(
    await announceOwn({
      ...deps,
      ...net,
      id: device.id,
      name: ground.name,
      peersPort: ground.block.ports.peers,
      printerServices: (port) => net.printing.announcements(port),
      folderServices: (guestsPort) => folderAnnouncements(shares.list(), { deviceName: ground.name(), guestsPort }),
      guests,
      notices,
      portsChanged: () => store.touch('ports'),
    }),
  );
  // Addresses of printers carry the host's name.
  scope.use(net.discovery.renames.on('renamed', () => store.touch('printers')));
  watchProblems(scope, deps, { ...net, notices });
  tellPrinting(scope, source);
  await composeControl(scope, {
    ...source,
    paths: deps.paths,
    user: deps.user,
    stop: deps.stop,
    log: deps.log,
    store,
    block: ground.block,
    gateway: net.printing.gateway,
    mounts: await composeMounts(scope, deps, ground, neighbours),
    doctor: composeDoctor(scope, deps, ground, net),
  });
  return store;
}

/** The doors for neighbours and for guests. */
function openDoors(scope: Scope, deps: AgentDeps, ground: Ground, net: Net): GuestPort {
  const guestRoutes = [net.printing.ippRoute, scope.use(composeGuestFolders(deps, ground, net.shares))];
  const guests = scope.use(
    createGuestPort({ ...ground, ...net, port: ground.block.ports.guests, routes: guestRoutes }),
  );
  // The peers port opens last of the doors: whoever calls finds everything there.
  const peers = scope.use(
    openPeerPort({
      ...ground,
      ...net,
      server: ground.block.peers,
      routes: [net.filesRoute, net.printing.ippRoute],
      accept: net.accept,
    }),
  );
  scope.use(
    ground.cards.events.on('changed', () => {
      const isOwn = ownAddresses(cardAddresses());
      net.neighbours.readdressed(isOwn);
      peers.readdressed(isOwn);
      // Who is on-link may see more than who is not.
      net.neighbours.resourcesChanged();
    }),
  );
  return guests;
}

/** Who is rumoured to be where. `isProtected`: a session with it stands, and no rumour may evict it. */
async function composeDiscovery(
  scope: Scope,
  { paths, clock, random, log: agentLog }: AgentDeps,
  { identity, cards }: Ground,
  isProtected: (device: DeviceId) => boolean,
) {
  const log = agentLog.child({ part: 'discovery' });
  const own = { self: identity.id, hostName: identity.hostName, cards, names: await openNameFile(paths.state, log) };
  const discovery = scope.use(createMdnsDiscovery({ ...own, isProtected, clock, random, log }));
  return { discovery, sources: scope.use(mergeSources({ mdns: discovery })) };
}

function ownFoldersOf({ state, run, config, files }: AgentDeps['paths']): OwnFolders {
  return { closed: [state, run, config], files };
}

/** What is shared of this disk, and what neighbours are putting there. */
async function composeShares(scope: Scope, { paths, config, clock, log }: AgentDeps) {
  const ownFolders = ownFoldersOf(paths);
  const deps = { stateFolder: paths.state, clock };
  const sharesLog = log.child({ part: 'shares' });
  const shares = scope.use(await createShares({ ...deps, config, ownFolders, log: sharesLog }));
  const limit = new RateLimit(clock, () => config.current.transfers.rate);
  const uploads = scope.use(await createUploads({ ...deps, limit, log: log.child({ part: 'uploads' }) }));
  return { shares, uploads, limit };
}

/** Printers, and the neighbours who see what is shared. */
async function composeNeighbours(scope: Scope, deps: AgentDeps, ground: Ground) {
  const { paths, clock, random, log } = deps;
  const { identity, trust, block, onLink, loopbackServes, name } = ground;
  const part = (of: string): Log => log.child({ part: of });
  const { shares, uploads, limit } = await composeShares(scope, deps);
  const offered: { printing?: LocalPrintService; neighbours?: Neighbours } = {};
  const tell = (device: DeviceId, event: FolderEvent): void => offered.neighbours?.sendFolderEvent(device, event);
  const watches = scope.use(new FolderWatches({ shares, clock, tell }));
  const isProtected = (device: DeviceId): boolean => offered.neighbours?.get(device)?.state === 'ready';
  const { discovery, sources } = await composeDiscovery(scope, deps, ground, isProtected);
  const transport = scope.use(createTransport({ identity, clock }));
  const neighbours = scope.use(
    await createNeighbours({
      self: identity.id,
      boot: BootId.parse(randomId()),
      name,
      port: block.ports.peers,
      clock,
      random,
      log: part('peers'),
      handlers: { ...createFilesHandlers(shares, uploads), ...watches.handlers },
      trustOf: (device) => trust.trustOf(device),
      onLink,
      loopbackServes,
      resourcesFor: (asker: Asker): Resources => ({
        shares: [...shares.visibleTo(asker)],
        printers: [...(offered.printing?.visibleTo(asker) ?? [])],
      }),
      transport,
      tls: transport,
      discovery: sources,
      stateFolder: paths.state,
    }),
  );
  offered.neighbours = neighbours;
  scope.use(trust.events.on('changed', (device) => neighbours.trustChanged(device)));
  const printing = scope.use(await composePrinting(deps, ground, { neighbours, discovery }));
  offered.printing = printing;
  return {
    shares,
    discovery,
    hostName: () => discovery.hostName,
    sources,
    neighbours,
    printing,
    limit,
    filesRoute: scope.use(createFilesRoute(shares, uploads)),
    accept: (upgrade: PeerUpgrade) => transport.accept(upgrade),
  };
}

type Net = Awaited<ReturnType<typeof composeNeighbours>>;

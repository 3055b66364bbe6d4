/** Wiring only: which part gets what. No decision is made here. */
import { join } from 'node:path';
import { writeAgentFile } from '../config/agent-file.ts';
import type { ConfigStore } from '../config/config-store.ts';
import type { Paths } from '../config/paths.ts';
import type { Snapshot } from '../protocol/control.ts';
import { BootId, type DeviceId } from '../protocol/ids.ts';
import type { Resources } from '../protocol/resources.ts';
import { announceOwn } from './announce-own.ts';
import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import { randomId } from './base/random-id.ts';
import type { Scope } from './base/scope.ts';
import { createActions } from './control/actions.ts';
import type { ActionDeps } from './control/control-actions.ts';
import { createDoctor, type Doctor } from './control/doctor.ts';
import { NoticeBoard } from './control/notices.ts';
import { createControlServer } from './control/server.ts';
import type { SnapshotStore } from './control/snapshot.ts';
import { createSnapshotSource } from './control/snapshot-source.ts';
import { newToken } from './control/token.ts';
import { watchCards } from './discovery/card-watcher.ts';
import { judgeCards } from './discovery/cards.ts';
import type { Discovery } from './discovery/discovery.ts';
import { openNameFile } from './discovery/engine-name-file.ts';
import { createMdnsDiscovery } from './discovery/mdns-discovery.ts';
import { lookAtMdnsPort } from './discovery/port-users.ts';
import { browseOnce } from './discovery/second-opinion.ts';
import { mergeSources } from './discovery/sources.ts';
import { allSystemCards } from './discovery/system-cards.ts';
import { createFilesHandlers } from './files/peer-handlers.ts';
import { createRemoteTree } from './files/remote-tree.ts';
import { createFilesRoute } from './files/serve.ts';
import { createShares } from './files/shares.ts';
import { createTransfers } from './files/transfers.ts';
import { createGuestPort } from './peers/guest-port.ts';
import { createNeighbours } from './peers/neighbours-service.ts';
import type { Neighbours } from './peers/neighbours.ts';
import { openPeerPort, type PeerUpgrade } from './peers/peer-port.ts';
import { claimPortBlock, type PortBlock } from './peers/port-block.ts';
import { createTransport } from './peers/transport.ts';
import { selectBackends, selectInstaller } from './platform/select.ts';
import type { LocalPrintService } from './printing/print-service-deps.ts';
import { createPrintService } from './printing/print-service-local.ts';
import { printerInstanceName } from './printing/printer-name.ts';
import type { Asker } from './trust/access.ts';
import { loadIdentity } from './trust/identity.ts';
import { openTrustStore } from './trust/trust-store.ts';
import { tellPrinting } from './tell-printing.ts';
import { watchProblems } from './watch-problems.ts';

export interface AgentDeps {
  readonly paths: Paths;
  readonly config: ConfigStore;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly version: string;
  readonly user: string;
  readonly defaultName: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly stop: () => void;
}

/** Starts every part, in the order in which they need each other; the scope ends them in reverse. Serving when the promise is kept. */
export async function composeAgent(scope: Scope, deps: AgentDeps): Promise<SnapshotStore> {
  const notices = new NoticeBoard();
  const ground = await composeGround(scope, deps, notices);
  const net = await composeNeighbours(scope, deps, ground);
  const { shares, neighbours } = net;
  const guests = scope.use(
    createGuestPort({ ...ground, ...net, port: ground.block.ports.guests, routes: [net.printing.ippRoute] }),
  );
  // The peers port opens last of the doors: whoever calls finds everything there.
  scope.use(
    openPeerPort({
      ...ground,
      ...net,
      server: ground.block.peers,
      routes: [net.filesRoute, net.printing.ippRoute],
      accept: net.accept,
    }),
  );
  const transfers = scope.use(await createTransfers({ ...deps, neighbours, stateFolder: deps.paths.state }));
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
    doctor: composeDoctor(scope, deps, ground, net),
  });
  return store;
}

/** What stands by itself: who we are, the ports, the cards. */
async function composeGround(scope: Scope, deps: AgentDeps, notices: NoticeBoard) {
  const { paths, config, clock, log } = deps;
  const identity = await loadIdentity(paths.state, { now: clock.wall() });
  const trust = await openTrustStore(paths.state);
  if (trust.problem !== undefined) notices.raise('trust', 'config-invalid', trust.problem);
  const block = scope.use(await claimPortBlock({ stateFolder: paths.state, log: log.child({ part: 'ports' }) }));
  if (block.moved)
    notices.raise(
      'ports',
      'no-port',
      `Other programs use the usual ports; ${block.base} to ${block.base + 2} serve for now.`,
    );
  const cards = scope.use(watchCards({ clock, log: log.child({ part: 'cards' }), rules: () => config.current.lan }));
  scope.use(config.events.on('changed', () => cards.look()));
  return {
    identity,
    trust,
    block,
    cards,
    onLink: (address: string) => cards.onLink(address),
    loopbackServes: () => cards.cards.some(({ loopback }) => loopback),
    name: () => config.current.name ?? deps.defaultName,
    clock,
    log: log.child({ part: 'ports' }),
  };
}

type Ground = Awaited<ReturnType<typeof composeGround>>;

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

/** Shares, printers and the neighbours who see them. */
async function composeNeighbours(scope: Scope, deps: AgentDeps, ground: Ground) {
  const { paths, config, clock, random, log } = deps;
  const { identity, trust, block, onLink, loopbackServes, name } = ground;
  const { id } = identity;
  const part = (of: string): Log => log.child({ part: of });
  const ownFolders = { closed: [paths.state, paths.run, paths.config], files: paths.files };
  const shares = scope.use(await createShares({ config, ownFolders, clock, log: part('shares') }));
  const offered: { printing?: LocalPrintService; neighbours?: Neighbours } = {};
  const isProtected = (device: DeviceId): boolean => offered.neighbours?.get(device)?.state === 'ready';
  const { discovery, sources } = await composeDiscovery(scope, deps, ground, isProtected);
  const transport = scope.use(createTransport({ identity, clock }));
  const neighbours = scope.use(
    await createNeighbours({
      self: id,
      boot: BootId.parse(randomId()),
      name,
      port: block.ports.peers,
      clock,
      random,
      log: part('peers'),
      handlers: createFilesHandlers(shares),
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
  const filesRoute = createFilesRoute(shares);
  return {
    shares,
    discovery,
    hostName: () => discovery.hostName,
    sources,
    neighbours,
    printing,
    filesRoute,
    accept: (upgrade: PeerUpgrade) => transport.accept(upgrade),
  };
}

type Net = Awaited<ReturnType<typeof composeNeighbours>>;

function composeDoctor(scope: Scope, { clock, config, platform }: AgentDeps, ground: Ground, net: Net): Doctor {
  return scope.use(
    createDoctor({
      ...net,
      clock,
      device: { id: ground.identity.id, name: ground.name },
      peersPort: ground.block.ports.peers,
      cards: () => judgeCards(allSystemCards(), config.current.lan, platform),
      browse: browseOnce,
      portUsers: lookAtMdnsPort,
    }),
  );
}

/** Queues that lead to a printer of ours or of a neighbour are not shared again: `instances` are the names of those. */
async function composePrinting(
  deps: AgentDeps,
  ground: Ground,
  {
    neighbours,
    discovery,
  }: { readonly neighbours: Neighbours; readonly discovery: Pick<Discovery, 'announcedName' | 'hostName'> },
): Promise<LocalPrintService> {
  const { paths, config, clock, random, log } = deps;
  const { identity, block, name } = ground;
  const service: { own?: LocalPrintService } = {};
  const instances = (): ReadonlySet<string> =>
    new Set([
      ...(service.own?.announcements(block.ports.guests) ?? []).flatMap((announcement) => [
        announcement.name,
        discovery.announcedName(announcement.name),
      ]),
      ...neighbours
        .list()
        .flatMap((neighbour) =>
          neighbour.resources.printers.map((printer) => printerInstanceName(printer.name, neighbour.name)),
        ),
    ]);
  service.own = await createPrintService({
    config,
    backends: await selectBackends({ ...deps, instances }),
    neighbours,
    folder: join(paths.state, 'spool'),
    deviceId: identity.id,
    deviceName: name,
    gateway: {
      installer: selectInstaller(deps),
      folder: join(paths.state, 'installed'),
      port: block.ports.loopback,
      user: deps.user,
    },
    guestsPort: () => (config.current.paused ? null : block.ports.guests),
    names: { host: () => discovery.hostName, instance: (wanted) => discovery.announcedName(wanted) },
    clock,
    random,
    log: log.child({ part: 'printing' }),
  });
  return service.own;
}

interface ControlParts extends Omit<ActionDeps, 'remoteTree' | 'publicFolder'> {
  readonly paths: Paths;
  readonly block: PortBlock;
  readonly store: SnapshotStore;
  readonly gateway: LocalPrintService['gateway'];
  readonly log: Log;
}

/** The faces' door; its address and token are written down only when it answers. */
async function composeControl(scope: Scope, parts: ControlParts): Promise<void> {
  const { paths, block, clock, neighbours, store } = parts;
  const token = newToken();
  const actions = createActions({
    ...parts,
    remoteTree: (id, share) => createRemoteTree({ neighbours, clock }, id, share),
    publicFolder: join(paths.files, 'Public'),
  });
  const port = block.ports.loopback;
  const log = parts.log.child({ part: 'control' });
  const { gateway } = parts;
  scope.use(createControlServer({ servers: block.loopback, port, token, store, actions, gateway, clock, log }));
  scope.use(await writeAgentFile(paths.run, { pid: process.pid, url: `http://127.0.0.1:${port}`, token }));
}

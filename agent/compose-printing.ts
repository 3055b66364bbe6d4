/** Wiring of printing. */
import { join } from 'node:path';
import type { Discovery } from './discovery/discovery.ts';
import type { Neighbours } from './peers/neighbours.ts';
import { selectBackends, selectInstaller } from './platform/select.ts';
import type { LocalPrintService } from './printing/print-service-deps.ts';
import { createPrintService } from './printing/print-service-local.ts';
import { printerInstanceName } from './printing/printer-name.ts';
import type { AgentDeps, Ground } from './compose-ground.ts';

/** Queues that lead to a printer of ours or of a neighbour are not shared again: `instances` are the names of those. */
export async function composePrinting(
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
      installer: await selectInstaller(deps),
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

/** The gateway with its store and its installs: what printing has beside the queues of its own PC. */
import { toNethoodError } from '../../protocol/errors.ts';
import type { DeviceId, QueueName } from '../../protocol/ids.ts';
import type { Scope } from '../base/scope.ts';
import { Gateway } from './gateway.ts';
import { GatewayStore } from './gateway-store.ts';
import type { NeighbourPrinters } from './neighbour-printers.ts';
import type { PrintServiceDeps } from './print-service-deps.ts';
import { PrinterInstalls } from './printer-installs.ts';
import type { OwnPrinters } from './printers.ts';
import type { Spool } from './spool.ts';

export interface OpenedGateway {
  readonly gateway: Gateway;
  readonly installs: PrinterInstalls;
  /** The local queue that leads to a neighbour's printer, where it is there now. */
  installedAs(device: DeviceId, printer: QueueName): string | null;
}

interface GatewayParts {
  readonly own: OwnPrinters;
  readonly remote: NeighbourPrinters;
  readonly spool: Spool;
}

export async function openGateway(
  scope: Scope,
  { neighbours, gateway: settings, clock, log }: PrintServiceDeps,
  { own, remote, spool }: GatewayParts,
): Promise<OpenedGateway> {
  const store = await GatewayStore.open(settings.folder, log);
  const backend = (device: DeviceId): ReturnType<NeighbourPrinters['backend']> => remote.backend(device);
  const gateway = scope.use(new Gateway({ store, neighbours, backend, clock, log, spool }));
  const installs = scope.use(new PrinterInstalls({ ...settings, store, remote, neighbours, clock, log }));
  // The list of this PC's queues is what faces show.
  const lookAgain = (): void =>
    scope.run(
      () => own.refresh(),
      (error) => log.info({ error: toNethoodError(error).message }, 'The print system cannot be asked.'),
    );
  scope.use(installs.events.on('changed', lookAgain));
  installs.start();
  return {
    gateway,
    installs,
    installedAs: (device, printer) => {
      const queue = installs.queueOf(device, printer);
      return queue !== undefined && own.get(queue) !== undefined ? queue : null;
    },
  };
}

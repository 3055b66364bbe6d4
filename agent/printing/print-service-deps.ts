/** What printing as a whole is made of, and what it gives beyond the control API's view. */
import type { ConfigStore } from '../../config/config-store.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Announcement } from '../discovery/discovery.ts';
import type { HttpRoute, Neighbours } from '../peers/neighbours.ts';
import type { Gateway } from './gateway.ts';
import type { PrintBackend } from './print-backend.ts';
import type { PrintService } from './print-service.ts';
import type { PrinterInstallsDeps } from './printer-installs.ts';
import type { AnnouncedNames } from './printer-name.ts';

export interface PrintServiceDeps {
  readonly config: ConfigStore;
  /** Owned by the service from now on. */
  readonly backends: {
    readonly cups?: PrintBackend | undefined;
    readonly windows?: PrintBackend | undefined;
    readonly pdf?: PrintBackend | undefined;
  };
  readonly neighbours: Neighbours;
  /** The spool's own folder. */
  readonly folder: string;
  readonly deviceId: DeviceId;
  deviceName(): string;
  /** Null while nothing is shared with everyone. */
  guestsPort(): number | null;
  readonly names: AnnouncedNames;
  readonly gateway: Pick<PrinterInstallsDeps, 'installer' | 'port' | 'user'> & {
    /** Of installed printers; a folder of its own. */
    readonly folder: string;
  };
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface LocalPrintService extends PrintService, AsyncDisposable {
  /** For the peers port and the guests port. */
  readonly ippRoute: HttpRoute;
  /** For the loopback port. */
  readonly gateway: Gateway;
  /** Of the printers shared with everyone; none while sharing is paused. `events.printers` tells when they change. */
  announcements(guestsPort: number): readonly Announcement[];
  /** Why the print system cannot be asked, one sentence each. */
  problems(): readonly string[];
}

/** Discovery by multicast DNS on the cards of this PC. */
import type { DeviceId } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { CardWatcher } from './card-watcher.ts';
import type { Discovery } from './discovery.ts';
import type { Reporting } from './discovery-report.ts';
import { Engine } from './engine.ts';
import type { NameMemory } from './engine-names.ts';
import { isAloneOnPort, openMdnsSocket } from './mdns.ts';

export interface MdnsDiscoveryDeps {
  readonly self: DeviceId;
  /** `hostNameOf(self)` */
  readonly hostName: string;
  readonly cards: CardWatcher;
  readonly clock: Clock;
  /** 0 <= n < 1 */
  readonly random: () => number;
  readonly log: Log;
  /** A session to it stands: nothing that the network says evicts it. */
  readonly isProtected: (id: DeviceId) => boolean;
  /** The names that conflicts made us take, kept over restarts; see `openNameFile`. */
  readonly names: { readonly memory: NameMemory; save(memory: NameMemory): void };
}

export interface MdnsDiscovery extends Discovery, Reporting {
  /** One sentence on why nobody can be found, while that is so. */
  readonly problem: string | undefined;
}

/** Listens and asks from now on; announces once told what. */
export function createMdnsDiscovery(deps: MdnsDiscoveryDeps): MdnsDiscovery {
  // RFC 6762 5.2 has the first question wait 20 to 120 ms, so that machines that share a reason to ask do not ask in one
  // moment. That reason is the start of the program, and loading it takes longer than that, nowhere equally long: who
  // waited since then asks at once. A card that comes up later, and a wake-up, are waited for in full.
  const began = deps.clock.now() - process.uptime() * 1_000;
  return new Engine({ ...deps, began, open: openMdnsSocket, isAlone: isAloneOnPort });
}

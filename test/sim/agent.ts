/** A real neighbours service on a simulated host. */
import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { Trust } from '../../protocol/control.ts';
import { base32 } from '../../agent/base/random-id.ts';
import { type Log, silentLog } from '../../agent/base/log.ts';
import { createNeighbours, type NeighboursService } from '../../agent/peers/neighbours-service.ts';
import type { PeerHandlers } from '../../agent/peers/neighbours.ts';
import { BootId, DeviceId } from '../../protocol/ids.ts';
import { noResources, type Resources } from '../../protocol/resources.ts';
import type { Asker } from '../../agent/trust/access.ts';
import { seeded } from './clock.ts';
import type { SimHost } from './lan.ts';

export interface SimAgentOptions {
  /** Holds `neighbours.json`; the same for all lives of a host. */
  readonly folder: string;
  readonly seed?: number;
  readonly handlers?: Partial<PeerHandlers>;
  readonly trustOf?: (id: DeviceId) => Trust;
  readonly resourcesFor?: (asker: Asker) => Resources;
  readonly log?: Log;
}

let boots = 0;
const nothing = (): Promise<never> => Promise.reject(new Error('no handler'));

/** Of an agent that is asked nothing. */
export const noHandlers: PeerHandlers = {
  stat: nothing,
  list: nothing,
  walk: nothing,
  mkdir: nothing,
  move: nothing,
  copy: nothing,
  remove: nothing,
  touch: nothing,
  watch: nothing,
  offer: nothing,
  seal: nothing,
};

export function deviceId(seed: number): DeviceId {
  return DeviceId.parse(base32(createHash('sha256').update(String(seed)).digest()));
}

export function bootId(seed: number): BootId {
  return BootId.parse(deviceId(seed).slice(0, 26));
}

/** `count` ids, the smallest first. */
export function deviceIds(count: number): DeviceId[] {
  return Array.from({ length: count }, (_, index) => deviceId(index)).toSorted();
}

export function startAgent(host: SimHost, options: SimAgentOptions): Promise<NeighboursService> {
  boots += 1;
  return createNeighbours({
    self: host.id,
    boot: bootId(1_000_000 + boots),
    name: () => host.name,
    port: host.port,
    clock: host.clock,
    random: seeded(options.seed ?? 1),
    log: options.log ?? silentLog,
    transport: host.transport,
    tls: { connectTls: (): Promise<TLSSocket> => nothing() },
    discovery: host.discovery,
    trustOf: options.trustOf ?? (() => 'stranger'),
    onLink: () => true,
    resourcesFor: options.resourcesFor ?? (() => noResources),
    handlers: { ...noHandlers, ...options.handlers },
    stateFolder: options.folder,
    lookUp: (name) => Promise.resolve([{ address: name }]),
  });
}

/** Berta's printer behind her spool and front, and Anna's way there: two print services without the network between them. */
import { NeighbourBackend } from '../../agent/printing/neighbour-backend.ts';
import type { Neighbour } from '../../agent/peers/neighbours.ts';
import type { LocalPrintService } from '../../agent/printing/print-service-deps.ts';
import { DeviceId, QueueName } from '../../protocol/ids.ts';
import type { PrintBackendSubject } from '../conformance/print-backend.ts';
import { until } from '../office/until.ts';
import { anna, annaId, FakeNeighbours, listenFront, memoryConfig, startPrinting } from './print-support.ts';
import { fastClock, ScriptedBackend, ScriptedDevice } from './scripted-device.ts';

export const laser = QueueName.parse('laser');
const bertaId = DeviceId.parse('d'.repeat(52));
export const bytes = Buffer.from('%PDF-1.4\nfrom the neighbour\n');

export const berta = (change: Partial<Neighbour> = {}): Neighbour => ({
  id: bertaId,
  name: 'berta on desk',
  state: 'ready',
  trust: 'stranger',
  addresses: [],
  port: 6631,
  resources: {
    shares: [],
    printers: [
      { id: laser, name: 'Laser in room 1', state: 'idle', stateReasons: [], accepting: true, supplies: [], jobs: 0 },
    ],
  },
  features: new Set(['job-events']),
  problem: undefined,
  lastSeen: undefined,
  ...change,
});

export interface Office extends PrintBackendSubject {
  readonly device: ScriptedDevice;
  /** Berta's own. */
  readonly service: LocalPrintService;
  /** Her printer takes nothing. */
  printerAway: boolean;
  /** Of the sender. */
  readonly neighbours: FakeNeighbours;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
}

/** Berta's printer behind her own spool and front, and the sender's way to it. */
export async function neighbourOffice(sharedWith: 'everyone' | (typeof annaId)[] = [annaId]): Promise<Office> {
  const device = new ScriptedDevice();
  let endless = false;
  const cups = new ScriptedBackend(device, {
    clock: fastClock(),
    endless: () => endless,
    fate: () => (there.printerAway ? 'unreachable' : 'ok'),
  });
  const config = memoryConfig({ printers: [{ queue: laser, audience: sharedWith }] });
  const atBertas = new FakeNeighbours();
  const printing = await startPrinting({ backends: { cups }, config, neighbours: atBertas });
  await until(() => printing.service.printers().length === 1, { what: 'the printer', withinMs: 5000, everyMs: 2 });
  let front = await listenFront(
    () => printing.service.ippRoute,
    () => anna,
  );
  const neighbours = new FakeNeighbours(`127.0.0.1:${front.port}`);
  neighbours.set(berta());
  // The session: what Berta's agent tells Anna's.
  atBertas.sendJobEvent = (_, event) => neighbours.events.emit('job', bertaId, event);
  const there: Office = {
    service: printing.service,
    printerAway: false,
    backend: new NeighbourBackend({ neighbours, clock: fastClock(), device: bertaId }),
    queue: laser,
    document: { bytes, format: 'application/pdf' },
    printed: () => Promise.resolve([...device.jobs.values()].filter(({ state }) => state === 'completed').length),
    hold: () => Promise.resolve(void (endless = true)),
    holdsJobs: true,
    device,
    neighbours,
    goAway: async () => front[Symbol.asyncDispose](),
    comeBack: async () => {
      front = await listenFront(
        () => printing.service.ippRoute,
        () => anna,
      );
      neighbours.host = `127.0.0.1:${front.port}`;
    },
    async [Symbol.asyncDispose]() {
      await front[Symbol.asyncDispose]();
      await printing[Symbol.asyncDispose]();
    },
  };
  return there;
}

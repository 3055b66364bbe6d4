/** Printers of neighbours: those offered now, those that were when the neighbour was last here, and a backend for each device. */
import type { DeviceId } from '../../protocol/ids.ts';
import type { RemotePrinter } from '../../protocol/resources.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Neighbour, Neighbours } from '../peers/neighbours.ts';
import { NeighbourBackend } from './neighbour-backend.ts';

export interface OfferedPrinter {
  readonly neighbour: Neighbour;
  readonly printer: RemotePrinter;
}

export class NeighbourPrinters implements Disposable {
  /** `reachable`: a session with it has begun. */
  readonly events = new Emitter<{ changed: []; reachable: [DeviceId] }>();
  readonly #neighbours: Neighbours;
  readonly #clock: Clock;
  readonly #backends = new Map<DeviceId, NeighbourBackend>();
  readonly #lastSeen = new Map<DeviceId, readonly RemotePrinter[]>();
  readonly #ready = new Map<DeviceId, string>();
  readonly #listening: Disposable[];

  constructor(neighbours: Neighbours, clock: Clock) {
    this.#neighbours = neighbours;
    this.#clock = clock;
    for (const neighbour of neighbours.list()) this.#note(neighbour);
    this.#listening = [
      neighbours.events.on('changed', (neighbour) => this.#onChanged(neighbour)),
      neighbours.events.on('removed', (id) => {
        this.#ready.delete(id);
        this.#lastSeen.delete(id);
        this.events.emit('changed');
      }),
    ];
  }

  offered(): readonly OfferedPrinter[] {
    return this.#neighbours
      .list()
      .filter(({ state }) => state === 'ready')
      .flatMap((neighbour) => neighbour.resources.printers.map((printer) => ({ neighbour, printer })));
  }

  lastSeen(device: DeviceId): readonly RemotePrinter[] {
    return this.#lastSeen.get(device) ?? [];
  }

  backend(device: DeviceId): NeighbourBackend {
    const backend =
      this.#backends.get(device) ?? new NeighbourBackend({ neighbours: this.#neighbours, clock: this.#clock, device });
    this.#backends.set(device, backend);
    return backend;
  }

  [Symbol.dispose](): void {
    for (const listening of this.#listening) listening[Symbol.dispose]();
  }

  #onChanged(neighbour: Neighbour): void {
    const before = this.#ready.get(neighbour.id);
    this.#note(neighbour);
    const now = this.#ready.get(neighbour.id);
    if (before === undefined && now !== undefined) this.events.emit('reachable', neighbour.id);
    if (before !== now) this.events.emit('changed');
  }

  /** What it offers, as text to compare, while it is here. */
  #note({ id, name, state, resources }: Neighbour): void {
    if (state !== 'ready') {
      this.#ready.delete(id);
      return;
    }
    this.#ready.set(id, JSON.stringify([name, resources.printers]));
    this.#lastSeen.set(id, resources.printers);
  }
}

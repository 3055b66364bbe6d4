/** A print service in a folder of its own, without other devices, and the front of it behind plain HTTP on loopback. */
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigStore } from '../../config/config-store.ts';
import { Config, defaultConfig } from '../../config/schema.ts';
import { systemClock, type Clock } from '../../agent/base/clock.ts';
import { Emitter } from '../../agent/base/emitter.ts';
import { silentLog, type Log } from '../../agent/base/log.ts';
import type { HttpRoute, Neighbour, NeighbourEvents, Neighbours } from '../../agent/peers/neighbours.ts';
import type { PrintBackend } from '../../agent/printing/print-backend.ts';
import type { LocalPrintService } from '../../agent/printing/print-service-deps.ts';
import type { PrinterInstaller } from '../../agent/printing/printer-installer.ts';
import { createPrintService } from '../../agent/printing/print-service-local.ts';
import type { Asker } from '../../agent/trust/access.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { DeviceId } from '../../protocol/ids.ts';
import type { JobEvent } from '../../protocol/peer.ts';

const ownId = DeviceId.parse('a'.repeat(52));
export const annaId = DeviceId.parse('b'.repeat(52));
export const guest: Asker = { kind: 'guest', onLink: true };
export const anna: Asker = { kind: 'device', id: annaId, trust: 'stranger', onLink: true };

export function memoryConfig(change: Partial<Config> = {}): ConfigStore {
  let current: Config = { ...defaultConfig, ...change };
  const events = new Emitter<{ changed: [Config] }>();
  return {
    get current() {
      return current;
    },
    events,
    problem: undefined,
    update(next) {
      current = Config.parse(next(current));
      events.emit('changed', current);
      return Promise.resolve(current);
    },
  };
}

/** Neighbours as the test sets them; what is sent to them is kept. */
export class FakeNeighbours implements Neighbours {
  readonly events = new Emitter<NeighbourEvents>();
  readonly sent: [DeviceId, JobEvent][] = [];
  readonly #list = new Map<DeviceId, Neighbour>();
  /** Of the front that stands for every neighbour's. */
  host: string;
  readonly #agent: Agent;

  constructor(host = '127.0.0.1:9') {
    this.host = host;
    const createConnection = (): Socket => {
      const [address, port] = this.host.split(':');
      return connect({ host: address ?? '', port: Number(port) });
    };
    this.#agent = Object.assign(new Agent(), { createConnection });
  }

  set(neighbour: Neighbour): void {
    this.#list.set(neighbour.id, neighbour);
    this.events.emit('changed', neighbour);
  }

  list(): readonly Neighbour[] {
    return [...this.#list.values()];
  }

  get(id: DeviceId): Neighbour | undefined {
    return this.#list.get(id);
  }

  find(text: string): Neighbour {
    const found = this.list().find(({ name, id }) => name === text || id.startsWith(text));
    if (found === undefined) throw new NethoodError('not-found', `There is no neighbour "${text}".`);
    return found;
  }

  request(): Promise<never> {
    return Promise.reject(new NethoodError('unreachable', 'Nobody is there.'));
  }

  httpAgent(): Agent {
    return this.#agent;
  }

  httpHost(): string {
    return this.host;
  }

  sendFolderEvent(): void {
    throw new Error('Printing has no folders.');
  }

  sendJobEvent(id: DeviceId, event: JobEvent): void {
    this.sent.push([id, event]);
  }

  resourcesChanged(): void {}
}

export interface TestPrinting extends AsyncDisposable {
  readonly service: LocalPrintService;
  readonly folder: string;
}

export interface TestPrintingOptions {
  readonly backends: { readonly cups?: PrintBackend; readonly pdf?: PrintBackend };
  readonly config?: ConfigStore;
  readonly neighbours?: Neighbours;
  readonly folder?: string;
  readonly clock?: Clock;
  readonly log?: Log;
  readonly guestsPort?: () => number | null;
  readonly installer?: PrinterInstaller;
}

export async function startPrinting(options: TestPrintingOptions): Promise<TestPrinting> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'nh-print-')));
  const service = await createPrintService({
    config: options.config ?? memoryConfig(),
    backends: options.backends,
    neighbours: options.neighbours ?? new FakeNeighbours(),
    folder: join(folder, 'spool'),
    deviceId: ownId,
    deviceName: () => 'berta on desk',
    gateway: { installer: options.installer, folder: join(folder, 'installed'), port: 6630, user: 'berta' },
    guestsPort: options.guestsPort ?? (() => 6632),
    names: { host: () => 'nh-aaaaaaaa.local', instance: (name) => name },
    clock: options.clock ?? systemClock,
    random: Math.random,
    log: options.log ?? silentLog,
  });
  return {
    service,
    folder,
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface TestFront extends AsyncDisposable {
  readonly port: number;
  readonly server: Server;
  uri(queue: string): string;
}

/** Every request comes from this asker; the door's own checks are tested with the door. */
export async function listenFront(route: () => HttpRoute, asker: () => Asker): Promise<TestFront> {
  const server = createServer((request, response) => {
    const controller = new AbortController();
    response.once('close', () => controller.abort());
    const path = (request.url ?? '').slice('/ipp/print/'.length);
    const address = request.socket.remoteAddress ?? '';
    route()
      .handle({ asker: asker(), address, path, request, response, signal: controller.signal })
      .catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    server,
    uri: (queue) => `ipp://127.0.0.1:${port}/ipp/print/${queue}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

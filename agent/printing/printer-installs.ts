/** `printer install` and `uninstall`: a door of the gateway and a queue of the print system that leads there, both or none. */
import { hasCode, NethoodError, toNethoodError } from '../../protocol/errors.ts';
import { DisplayName, type DeviceId, type QueueName } from '../../protocol/ids.ts';
import type { InstalledPrinter } from '../../protocol/print-order.ts';
import { sleep, type Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import { cleanText } from './gateway-hygiene.ts';
import { gatewayUser } from './gateway-key.ts';
import { describedBy } from './gateway-printer.ts';
import type { Door, GatewayStore } from './gateway-store.ts';
import { gatewayPath } from './gateway.ts';
import { installedQueueInfo, installedQueueName } from './installed-name.ts';
import { firstString } from './ipp-attributes.ts';
import type { AttributeGroup } from './ipp-values.ts';
import type { NeighbourPrinters } from './neighbour-printers.ts';
import { printTarget } from './print-target.ts';
import type { NewQueue, PrinterInstaller } from './printer-installer.ts';

export interface PrinterInstallsDeps {
  readonly store: GatewayStore;
  /** Absent where this system has no print system that can be told. */
  readonly installer: PrinterInstaller | undefined;
  readonly remote: Pick<NeighbourPrinters, 'backend' | 'lastSeen'>;
  readonly neighbours: Neighbours;
  /** B, of the gateway. */
  readonly port: number;
  /** Who alone may print on installed queues. */
  readonly user: string;
  readonly clock: Clock;
  readonly log: Log;
}

const describeMs = 15_000;
/** The print system may start later than the agent. */
const mendEveryMs = 60_000;

export class PrinterInstalls implements AsyncDisposable {
  readonly events = new Emitter<{ changed: [] }>();
  readonly #deps: PrinterInstallsDeps;
  readonly #scope = new Scope();
  /** Of queues that lead to where the gateway was, by door. */
  readonly #astray = new Map<string, string>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: PrinterInstallsDeps) {
    this.#deps = deps;
  }

  /** Queues that lead to another port than the gateway has now are led here. */
  start(): void {
    const { log } = this.#deps;
    this.#scope.run(
      () => this.#mendAll(),
      (error) => log.error({ error }, 'Installed printers are no longer looked after.'),
    );
  }

  /** The local queue that leads to a neighbour's printer. */
  queueOf(device: DeviceId, printer: QueueName): string | undefined {
    return this.#deps.store.find(device, printer)?.door.queue;
  }

  problems(): readonly string[] {
    const lost = this.#deps.store.problem;
    return [...(lost === undefined ? [] : [lost]), ...this.#astray.values()];
  }

  /** @throws `not-found`, `ambiguous`, `unreachable`, `unsupported`, `unavailable`, `timeout` */
  install(text: string, signal: AbortSignal): Promise<InstalledPrinter> {
    return this.#inTurn(() => this.#install(text, signal));
  }

  /** @throws `not-found`, `ambiguous`, `unavailable` */
  uninstall(text: string, signal: AbortSignal): Promise<InstalledPrinter> {
    return this.#inTurn(() => this.#uninstall(text, signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    await this.#turn;
  }

  async #install(text: string, signal: AbortSignal): Promise<InstalledPrinter> {
    const { store, neighbours, remote } = this.#deps;
    const installer = this.#installer();
    const { destination } = printTarget(text, { own: () => [], neighbours, lastSeen: (id) => remote.lastSeen(id) });
    const { device, queue: printer } = destination;
    if (device === null) throw new NethoodError('not-found', `There is no neighbour's printer "${text}".`);
    const names = await installer.names(signal);
    const known = store.find(device, printer);
    const door = known?.door ?? (await this.#newDoor({ device, printer }, names, signal));
    const result = { queue: door.queue, printer: `${this.#neighbourName(door)}/${printer}`, command: null };
    const queue = this.#queueOf(door);
    try {
      if (names.includes(door.queue)) await this.#mend(door, signal);
      else await installer.add(queue, signal);
      return result;
    } catch (error) {
      // The door stays: somebody with the rights makes the queue that leads to it.
      if (hasCode(error, 'not-permitted'))
        return { ...result, command: await installer.commandToAdd(queue, (bytes) => store.writeRequest(door, bytes)) };
      if (known === undefined) await store.remove(door);
      throw error;
    } finally {
      this.events.emit('changed');
    }
  }

  async #uninstall(text: string, signal: AbortSignal): Promise<InstalledPrinter> {
    const door = this.#doorNamed(text);
    const installer = this.#installer();
    const result = { queue: door.queue, printer: `${this.#neighbourName(door)}/${door.printer}`, command: null };
    try {
      await installer.remove(door.queue, signal);
      await this.#forget(door);
      return result;
    } catch (error) {
      if (!hasCode(error, 'not-permitted')) throw error;
      // No job gets through any more, whoever removes the queue later.
      await this.#forget(door);
      return { ...result, command: await installer.commandToRemove(door.queue) };
    } finally {
      this.events.emit('changed');
    }
  }

  async #forget(door: Door): Promise<void> {
    this.#astray.delete(door.id);
    await this.#deps.store.remove(door);
  }

  async #newDoor(
    { device, printer }: Pick<Door, 'device' | 'printer'>,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<Door> {
    const { store, remote, neighbours } = this.#deps;
    const described = await this.#describe({ device, printer }, signal);
    const offered = remote.lastSeen(device).find(({ id }) => id === printer);
    const name = cleanText(offered?.name ?? printer) || 'printer';
    const neighbour = cleanText(neighbours.get(device)?.name ?? '') || 'neighbour';
    const taken = [...names, ...store.list().map(({ queue }) => queue)];
    const queue = installedQueueName({ printer: name, neighbour }, taken);
    const fields = { device, printer, queue, neighbour: DisplayName.parse(neighbour), name: DisplayName.parse(name) };
    return store.add(fields, described);
  }

  async #describe(of: Pick<Door, 'device' | 'printer'>, signal: AbortSignal): Promise<AttributeGroup> {
    const late = new AbortController();
    using _ = this.#deps.clock.timer(describeMs, () =>
      late.abort(new NethoodError('timeout', `The printer "${of.printer}" does not say what it can do.`)),
    );
    return describedBy(this.#deps.remote.backend(of.device), of, AbortSignal.any([signal, late.signal]));
  }

  /** As a person names it: `<neighbour>/<printer>`, by today's names or those of then, or the local queue. */
  #doorNamed(text: string): Door {
    const doors = this.#deps.store.list();
    const fits = ({ device, printer, queue, neighbour, name }: Door): boolean => {
      const owners = [this.#neighbourName({ device, neighbour }), neighbour, device];
      return queue === text || owners.some((owner) => [printer, name].some((each) => `${owner}/${each}` === text));
    };
    const [door, ...others] = doors.filter(fits);
    if (door === undefined) throw new NethoodError('not-found', `The printer "${text}" is not installed here.`);
    if (others.length === 0) return door;
    const queues = [door, ...others].map(({ queue }) => queue).join(', ');
    throw new NethoodError('ambiguous', `"${text}" fits several installed printers: ${queues}.`);
  }

  #neighbourName({ device, neighbour }: Pick<Door, 'device' | 'neighbour'>): string {
    return this.#deps.neighbours.get(device)?.name ?? neighbour;
  }

  #installer(): PrinterInstaller {
    const { installer } = this.#deps;
    if (installer === undefined)
      throw new NethoodError('unsupported', 'The print system of this PC cannot be told of other printers yet.');
    return installer;
  }

  #queueOf(door: Door): NewQueue {
    const { store, port, user } = this.#deps;
    const path = gatewayPath(door.device, door.printer);
    const described = store.find(door.device, door.printer)?.described ?? new Map();
    return {
      name: door.queue,
      info: installedQueueInfo({ printer: door.name, neighbour: door.neighbour }),
      location: cleanText(firstString(described, 'printer-location') ?? ''),
      uri: `ipp://127.0.0.1:${port}${path}`,
      // The outbox waits, not the print system: that would give the job up after MaxJobTime, three hours by default.
      secretUri: `ipp://${gatewayUser}:${door.secret}@127.0.0.1:${port}${path}?waitjob=false&waitprinter=false`,
      user,
    };
  }

  async #mendAll(): Promise<void> {
    const { store, clock, log } = this.#deps;
    let left = store.list();
    while (left.length > 0) {
      const failed: Door[] = [];
      for (const door of left) {
        await this.#inTurn(() => this.#mend(door, this.#scope.signal)).catch((error: unknown) => {
          if (this.#scope.signal.aborted) return;
          log.info(
            { queue: door.queue, error: toNethoodError(error).message },
            'An installed printer is not led here.',
          );
          failed.push(door);
        });
      }
      left = failed;
      if (left.length > 0) await sleep(clock, mendEveryMs, this.#scope.signal);
    }
  }

  /** The port of the gateway moves where another program has taken it. */
  async #mend(door: Door, signal: AbortSignal): Promise<void> {
    const { store, installer, port } = this.#deps;
    if (installer === undefined || store.find(door.device, door.printer) === undefined) return;
    const address = await installer.leadsTo(door.queue, signal);
    if (address === undefined || portOf(address) === port) return void this.#astray.delete(door.id);
    try {
      await installer.redirect(this.#queueOf(door), signal);
      this.#astray.delete(door.id);
    } catch (error) {
      this.#astray.set(
        door.id,
        `The print queue ${door.queue} leads to where nethood was (port ${portOf(address) ?? 'unknown'}, now ${port}); \`nethood printer install\` mends it.`,
      );
      throw error;
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    // The next in the queue does not care; the caller has the same promise.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function portOf(uri: string): number | undefined {
  const port = /^ipp:\/\/[^/?#]*:(\d{1,5})(?:[/?#]|$)/.exec(uri)?.[1];
  return port === undefined ? undefined : Number(port);
}

/**
 * The gateway: neighbours' printers for the print system and the programs of this PC, behind doors on loopback that
 * `printer install` makes, `/ipp/print/<DeviceId>/<queue>`. What a printer can do is told to whoever asks (cupsd fetches
 * it without credentials); all else wants the door's own secret. The IPP front behind it is the one of all our ports.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NethoodError, toNethoodError } from '../../protocol/errors.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import { cleanText } from './gateway-hygiene.ts';
import { gatewayChallenge, opens } from './gateway-key.ts';
import { GatewayPrinter, type GatewayPrinterDeps } from './gateway-printer.ts';
import { createIppRoute } from './ipp-server.ts';
import { operations } from './ipp-tables.ts';
import type { Identification } from './ipp-exchange.ts';
import type { NeighbourBackend } from './neighbour-backend.ts';
import type { Printer } from './printer.ts';
import type { Spool } from './spool.ts';

export interface GatewayDeps extends GatewayPrinterDeps {
  readonly spool: Spool;
  backend(device: DeviceId): NeighbourBackend;
}

export interface GatewayExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

export const gatewayPrefix = '/ipp/print/';
/** A print system renders while it sends: a page may take its time. */
const stallMs = 10 * 60_000;
const identifyMs = 10_000;

export class Gateway implements Disposable {
  readonly #deps: GatewayDeps;
  readonly #started: number;
  readonly #stop = new AbortController();
  readonly #printers = new Map<string, GatewayPrinter>();

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    this.#started = deps.clock.wall();
  }

  /** @throws NethoodError `not-found` where there is no such door */
  async handle(target: string, { request, response, signal }: GatewayExchange): Promise<void> {
    const [path = ''] = target.split('?');
    const [device = '', queue = '', ...rest] = path.slice(gatewayPrefix.length).split('/');
    const found = rest.length === 0 ? this.#find(device, queue) : undefined;
    if (found === undefined) throw new NethoodError('not-found', 'No printer is installed at this path.');
    const { door } = found;
    const route = createIppRoute({
      ...this.#deps,
      prefix: `${gatewayPrefix}${door.device}/`,
      findPrinter: (_asker, id) => (id === door.printer ? found.printer : undefined),
      device: door.device,
      deviceName: () => cleanText(found.neighbourName) || door.device,
      names: { host: () => 'localhost', instance: (name) => name },
      identify: (printer, identification) => this.#identify(printer, identification),
      started: this.#started,
      lock: {
        challenge: gatewayChallenge,
        opens: (operation) => {
          if (!opens(request.headers.authorization, door.secret))
            return operation === operations['Get-Printer-Attributes'];
          request.setTimeout(stallMs);
          return true;
        },
      },
    });
    await route.handle({ asker: { kind: 'owner' }, address: 'loopback', path: queue, request, response, signal });
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
    for (const printer of this.#printers.values()) printer[Symbol.dispose]();
  }

  /** The printer is at the neighbour: there people are to be told. */
  #identify({ destination, id }: Printer, request: Identification): void {
    const { log } = this.#deps;
    if (destination.device === null) return;
    this.#deps
      .backend(destination.device)
      .identify(id, request, AbortSignal.any([this.#stop.signal, AbortSignal.timeout(identifyMs)]))
      .catch((error: unknown) => log.info({ error: toNethoodError(error).message }, 'A printer cannot be identified.'));
  }

  #find(device: string, queue: string): GatewayPrinter | undefined {
    const door = this.#deps.store.find(device, decoded(queue))?.door;
    if (door === undefined) return undefined;
    const known = this.#printers.get(door.id) ?? new GatewayPrinter(door, this.#deps);
    this.#printers.set(door.id, known);
    return known;
  }
}

/** Where the door of a printer is. */
export function gatewayPath(device: string, printer: string): string {
  return `${gatewayPrefix}${device}/${encodeURIComponent(printer)}`;
}

function decoded(component: string): string {
  try {
    return decodeURIComponent(component);
  } catch {
    // Not a name of any queue then.
    return '';
  }
}

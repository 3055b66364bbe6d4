/** A neighbour's printer as the front of the gateway shows it: what it said last, while its neighbour is away. */
import { isDeepStrictEqual } from 'node:util';
import { toNethoodError } from '../../protocol/errors.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import { cleanAttributes, cleanText } from './gateway-hygiene.ts';
import type { Door, GatewayStore } from './gateway-store.ts';
import { firstString } from './ipp-attributes.ts';
import type { AttributeGroup } from './ipp-values.ts';
import type { PrintBackend, Queue } from './print-backend.ts';
import type { Printer } from './printer.ts';

export interface GatewayPrinterDeps {
  readonly store: GatewayStore;
  readonly neighbours: Neighbours;
  backend(device: Door['device']): PrintBackend;
  readonly clock: Clock;
  readonly log: Log;
}

/** How old a description may be; print systems ask for it with every document. */
const freshMs = 10_000;
/** A neighbour that is slow to answer keeps no print dialog waiting. */
const answerMs = 8_000;
/** What a printer says of the moment is no reason to write to the disk. */
const fleeting =
  /^(printer-state|printer-up-time|printer-current-time|printer-config-change|printer-supply|marker-|queued-job-count|.*-time$)/;

export class GatewayPrinter implements Disposable {
  readonly door: Door;
  readonly #deps: GatewayPrinterDeps;
  readonly #stop = new AbortController();
  #asked: { readonly at: number; readonly answer: Promise<AttributeGroup> } | undefined;
  #shown: { readonly queue: Queue; readonly stateChanged: number; readonly configChanged: number } | undefined;

  constructor(door: Door, deps: GatewayPrinterDeps) {
    this.door = door;
    this.#deps = deps;
  }

  /** As it is now. */
  get printer(): Printer {
    const { device, printer: id } = this.door;
    const queue = this.#queue();
    const now = this.#deps.clock.wall();
    const before = this.#shown;
    const same = before !== undefined && isDeepStrictEqual(before.queue, queue);
    const shown = same ? before : { queue, stateChanged: now, configChanged: before?.configChanged ?? now };
    this.#shown = shown;
    return {
      id,
      destination: { device, queue: id },
      label: `${this.neighbourName}/${id}`,
      ...shown,
      backend: this.#deps.backend(device),
      describe: () => this.#describe(),
    };
  }

  get neighbourName(): string {
    return this.#deps.neighbours.get(this.door.device)?.name ?? this.door.neighbour;
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #queue(): Queue {
    const { device, printer: id, name } = this.door;
    const described = this.#described();
    const words = (attribute: string): string => cleanText(firstString(described, attribute) ?? '');
    const still = { id, location: words('printer-location'), makeAndModel: words('printer-make-and-model') };
    const neighbour = this.#deps.neighbours.get(device);
    const offered = neighbour?.resources.printers.find((printer) => printer.id === id);
    const info = cleanText(offered?.name ?? name);
    if (neighbour?.state !== 'ready')
      // Jobs are taken all the same: they wait in our own spool.
      return { ...still, info, state: 'stopped', stateReasons: ['offline-report'], accepting: true };
    if (offered === undefined)
      // Not shared with us any more, or not now: the print system keeps its jobs.
      return { ...still, info, state: 'stopped', stateReasons: ['paused'], accepting: false };
    return { ...still, info, state: offered.state, stateReasons: offered.stateReasons, accepting: true };
  }

  #described(): AttributeGroup {
    const { device, printer } = this.door;
    return this.#deps.store.find(device, printer)?.described ?? new Map();
  }

  /** Never fails: what was known last is an answer too. */
  #describe(): Promise<AttributeGroup> {
    const { clock, neighbours } = this.#deps;
    const at = clock.now();
    if (this.#asked !== undefined && at - this.#asked.at < freshMs) return this.#asked.answer;
    if (neighbours.get(this.door.device)?.state !== 'ready') return Promise.resolve(this.#described());
    const answer = this.#ask();
    this.#asked = { at, answer };
    return answer;
  }

  async #ask(): Promise<AttributeGroup> {
    const { clock, log, store } = this.#deps;
    const limit = new AbortController();
    using _ = clock.timer(answerMs, () => limit.abort());
    try {
      const signal = AbortSignal.any([this.#stop.signal, limit.signal]);
      const described = await describedBy(this.#deps.backend(this.door.device), this.door, signal);
      if (!isDeepStrictEqual(lasting(described), lasting(this.#described())))
        await store.describe(this.door, described);
      return described;
    } catch (error) {
      log.debug(
        { queue: this.door.queue, error: toNethoodError(error).message },
        'An installed printer does not answer.',
      );
      this.#asked = undefined;
      return this.#described();
    }
  }
}

/** What the printer itself says, fit for the print system of this PC. */
export async function describedBy(
  backend: PrintBackend,
  { printer }: Pick<Door, 'printer'>,
  signal: AbortSignal,
): Promise<AttributeGroup> {
  return cleanAttributes(await backend.describe(printer, signal));
}

function lasting(described: AttributeGroup): AttributeGroup {
  return new Map(Array.from(described).filter(([attribute]) => !fleeting.test(attribute)));
}

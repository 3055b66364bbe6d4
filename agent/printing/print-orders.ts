/** A document of this PC's user on its way into our own spool, for a printer here or at a neighbour's. */
import { NethoodError, hasCode } from '../../protocol/errors.ts';
import type { PrintTicket } from '../../protocol/print-order.ts';
import type { Clock } from '../base/clock.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import { checkFormat, documentFormats } from './document-format.ts';
import { stringsOf } from './ipp-attributes.ts';
import type { AttributeGroup } from './ipp-values.ts';
import type { Job } from './job.ts';
import type { NeighbourPrinters } from './neighbour-printers.ts';
import type { PrintOrder } from './print-service.ts';
import { printTarget, type PrintTarget } from './print-target.ts';
import { hasWishes, templateOf } from './print-ticket.ts';
import { acceptedFormats } from './printer-attributes.ts';
import { cutToBytes } from './printer-name.ts';
import type { OwnPrinters } from './printers.ts';
import { expectErrors, type Spool } from './spool.ts';

export interface PrintOrdersDeps {
  readonly own: OwnPrinters;
  readonly remote: NeighbourPrinters;
  readonly neighbours: Neighbours;
  readonly spool: Spool;
  readonly clock: Clock;
}

/** How long a neighbour may take to say what its printer can; then the job goes on its way all the same. */
const describeMs = 5_000;

export class PrintOrders {
  readonly #deps: PrintOrdersDeps;

  constructor(deps: PrintOrdersDeps) {
    this.#deps = deps;
  }

  /** @throws NethoodError as `PrintService.print` */
  async accept({ on, name, user, document, ticket }: PrintOrder, signal: AbortSignal): Promise<Job> {
    expectErrors({ stream: document });
    const { own, remote, neighbours, spool } = this.#deps;
    const target = printTarget(on, {
      own: (text) => own.named(text),
      neighbours,
      lastSeen: (device) => remote.lastSeen(device),
    });
    const described = await this.#describe(target, ticket, signal);
    if (ticket.hold === true && target.own === undefined) refuseToHold(target.label, described);
    const order = {
      destination: target.destination,
      label: target.label,
      owner: { kind: 'self', user: cutToBytes(user, 255) },
      name: cutToBytes(name.replaceAll(/\p{Cc}/gu, ' ').trim(), 255) || 'Untitled',
      template: templateOf(ticket, { label: target.label, described }),
      fidelity: hasWishes(ticket),
      hold: ticket.hold === true,
    } as const;
    // What a neighbour's printer takes it says itself; what none of them takes is refused here.
    const formats = target.own === undefined || described === undefined ? documentFormats : acceptedFormats(described);
    const check = (head: Buffer): string => {
      if (head.length === 0) throw new NethoodError('bad-document', `${order.name} is empty.`);
      return checkFormat(head, undefined, formats);
    };
    return spool.accept(order, { stream: document, check }, signal);
  }

  /** Undefined where a neighbour need not be asked, or cannot be now. */
  async #describe(target: PrintTarget, ticket: PrintTicket, signal: AbortSignal): Promise<AttributeGroup | undefined> {
    if (target.own !== undefined) return target.own.describe();
    const { device, queue } = target.destination;
    if (device === null || !(hasWishes(ticket) || ticket.hold === true)) return undefined;
    if (this.#deps.neighbours.get(device)?.state !== 'ready') return undefined;
    const limit = new AbortController();
    using _ = this.#deps.clock.timer(describeMs, () => limit.abort());
    try {
      return await this.#deps.remote.backend(device).describe(queue, AbortSignal.any([signal, limit.signal]));
    } catch (error) {
      signal.throwIfAborted();
      if (limit.signal.aborted || hasCode(error, 'unreachable', 'interrupted', 'timeout', 'unavailable', 'busy'))
        return undefined;
      throw error;
    }
  }
}

/** An owner of version 0.1 knows no private release, and would print at once. */
function refuseToHold(label: string, described: AttributeGroup | undefined): void {
  if (described === undefined || stringsOf(described, 'job-hold-until-supported').includes('indefinite')) return;
  throw new NethoodError(
    'not-supported',
    `The printer ${label} cannot hold a job for its sender; its owner's nethood is too old.`,
  );
}

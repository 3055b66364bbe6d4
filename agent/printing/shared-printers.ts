/** Own printers as others see them: which are shared with whom, under which address, and how they are announced. */
import type { PrinterView } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { Audience, RemotePrinter } from '../../protocol/resources.ts';
import type { Announcement } from '../discovery/discovery.ts';
import { access, type Asker } from '../trust/access.ts';
import { jobsOn } from './job.ts';
import type { PrintServiceDeps } from './print-service-deps.ts';
import { absentQueue, ownPrinterView, remotePrinter } from './print-views.ts';
import { printerAnnouncements } from './printer-announcements.ts';
import type { Printer } from './printer.ts';
import type { OwnPrinters } from './printers.ts';
import type { Spool } from './spool.ts';

export class SharedPrinters {
  readonly #deps: PrintServiceDeps;
  readonly #own: OwnPrinters;
  readonly #spool: Spool;

  constructor(deps: PrintServiceDeps, own: OwnPrinters, spool: Spool) {
    this.#deps = deps;
    this.#own = own;
    this.#spool = spool;
  }

  views(): PrinterView[] {
    return this.#own.list().map((printer) => this.#view(printer));
  }

  /** @throws NethoodError `not-found`, `ambiguous`, `not-permitted` */
  async share(name: string, audience: Audience): Promise<PrinterView> {
    const printer = this.#named(name);
    if (printer.queue.unshareable !== undefined) throw new NethoodError('not-permitted', printer.queue.unshareable);
    const { id } = printer;
    await this.#deps.config.update((config) => {
      const others = config.printers.filter(({ queue }) => queue !== id);
      return { ...config, printers: [...others, { queue: id, audience }] };
    });
    return this.#view(printer);
  }

  /** Also of a queue that is not there any more. @throws NethoodError `not-found`, `ambiguous` */
  async unshare(name: string): Promise<PrinterView> {
    const known = this.#own.named(name).length > 0;
    const shared = this.#deps.config.current.printers.find(({ queue }) => queue === name);
    const printer =
      known || shared === undefined ? this.#named(name) : { id: shared.queue, queue: absentQueue(shared.queue) };
    await this.#deps.config.update((config) => ({
      ...config,
      printers: config.printers.filter(({ queue }) => queue !== printer.id),
    }));
    return this.#view(printer);
  }

  visible(asker: Asker): readonly Printer[] {
    const { paused } = this.#deps.config.current;
    return this.#own.list().filter((printer) => {
      const audience = this.#audienceOf(printer);
      if (audience === undefined) return false;
      return access(asker, { audience, rights: 'read' }, 'print', { paused });
    });
  }

  visibleTo(asker: Asker): readonly RemotePrinter[] {
    return this.visible(asker).map((printer) => remotePrinter(printer, this.#jobsOn(printer)));
  }

  announcements(guestsPort: number): readonly Announcement[] {
    const { deviceId: device, names } = this.#deps;
    const deviceName = this.#deps.deviceName();
    const printers = this.visible({ kind: 'guest', onLink: true }).flatMap(({ id, queue }) => {
      const described = this.#own.described(id);
      // One that was never described yet is announced when it is.
      return described === undefined ? [] : [{ id, queue, described }];
    });
    return printerAnnouncements(printers, { device, deviceName, hostName: names.host(), guestsPort });
  }

  problems(): readonly string[] {
    const shared = this.#deps.config.current.printers;
    return this.#own.problems(shared.some(({ queue }) => this.#own.get(queue) === undefined));
  }

  /** Undefined where it is not shared, or must never be. */
  #audienceOf({ id, queue }: Pick<Printer, 'id' | 'queue'>): Audience | undefined {
    if (queue.unshareable !== undefined) return undefined;
    return this.#deps.config.current.printers.find((shared) => shared.queue === id)?.audience;
  }

  #named(name: string): Printer {
    const [printer, ...others] = this.#own.named(name);
    if (printer === undefined) throw new NethoodError('not-found', `There is no printer "${name}" on this PC.`);
    if (others.length > 0) {
      const ids = [printer, ...others].map(({ id }) => id).join(', ');
      throw new NethoodError('ambiguous', `"${name}" fits several printers: ${ids}.`);
    }
    return printer;
  }

  #view(printer: Pick<Printer, 'id' | 'queue'>): PrinterView {
    const { deviceId, names } = this.#deps;
    const audience = this.#audienceOf(printer);
    const port = this.#deps.guestsPort();
    const uri =
      audience === 'everyone' && port !== null
        ? `ipp://${names.host()}:${port}/ipp/print/${encodeURIComponent(printer.id)}`
        : null;
    return ownPrinterView(printer, {
      device: deviceId,
      deviceName: this.#deps.deviceName(),
      audience,
      uri,
      jobs: this.#jobsOn(printer),
    });
  }

  #jobsOn({ id }: Pick<Printer, 'id'>): number {
    return jobsOn({ device: null, queue: id }, this.#spool.active());
  }
}

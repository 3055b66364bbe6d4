/** Printing as a whole: own printers and neighbours', one spool, the IPP front, and the faces' view of it all. */
import { NethoodError } from '../../protocol/errors.ts';
import type { JobView, PrinterView } from '../../protocol/control.ts';
import type { JobId } from '../../protocol/ids.ts';
import type { Audience, RemotePrinter } from '../../protocol/resources.ts';
import { Emitter } from '../base/emitter.ts';
import { Scope } from '../base/scope.ts';
import type { Announcement } from '../discovery/discovery.ts';
import type { HttpRoute } from '../peers/neighbours.ts';
import { access, type Asker } from '../trust/access.ts';
import { checkFormat, documentFormats } from './document-format.ts';
import { attributes, integer } from './ipp-attributes.ts';
import type { Identification } from './ipp-exchange.ts';
import { createIppRoute } from './ipp-server.ts';
import { type Destination, type Job, jobsOn } from './job.ts';
import { jobWatch } from './job-watch.ts';
import { NeighbourPrinters } from './neighbour-printers.ts';
import type { PrintEvents, PrintOrder } from './print-service.ts';
import type { LocalPrintService, PrintServiceDeps } from './print-service-deps.ts';
import { printTarget } from './print-target.ts';
import {
  absentQueue,
  jobEvent,
  jobView,
  neighbourPrinterView,
  ownPrinterView,
  remotePrinter,
  senderOf,
} from './print-views.ts';
import { printerAnnouncements } from './printer-announcements.ts';
import { acceptedFormats } from './printer-attributes.ts';
import { cutToBytes, printerDisplayName } from './printer-name.ts';
import type { Printer } from './printer.ts';
import { OwnPrinters } from './printers.ts';
import { expectErrors, openSpool, type Spool, type SpoolLimits } from './spool.ts';
import type { Target } from './spool-attempts.ts';

/** Jobs that wait, of all senders and of one. */
const quota = { jobs: 5_000, jobsPerSender: 500 } as const;

export async function createPrintService(deps: PrintServiceDeps): Promise<LocalPrintService> {
  const { config, clock, log } = deps;
  const { cups, pdf } = deps.backends;
  const scope = new Scope();
  const backends = [pdf, cups].filter((backend) => backend !== undefined);
  for (const backend of backends) scope.use(backend);
  const own = scope.use(
    new OwnPrinters({
      backends,
      isOn: (backend) => backend !== pdf || config.current.printing.pdf,
      clock,
      log,
    }),
  );
  const remote = scope.use(new NeighbourPrinters(deps.neighbours, clock));
  const backendFor = ({ device, queue }: Destination): Target | undefined => {
    if (device !== null) return { backend: remote.backend(device), queue };
    const printer = own.get(queue);
    return printer && { backend: printer.backend, queue: printer.queue.id };
  };
  const limits = (): SpoolLimits => {
    const { largestDocument, reserve, expiryHours } = config.current.printing;
    return { ...quota, largestDocument, reserve, patienceMs: expiryHours * 3_600_000 };
  };
  try {
    const { folder, random } = deps;
    const spool = scope.use(await openSpool({ folder, backendFor, clock, random, log, limits }));
    return new PrintServiceOfAgent(deps, scope, { own, remote, spool });
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

interface Parts {
  readonly own: OwnPrinters;
  readonly remote: NeighbourPrinters;
  readonly spool: Spool;
}

class PrintServiceOfAgent implements LocalPrintService {
  readonly events = new Emitter<PrintEvents>();
  readonly ippRoute: HttpRoute;
  readonly #deps: PrintServiceDeps;
  readonly #scope: Scope;
  readonly #own: OwnPrinters;
  readonly #remote: NeighbourPrinters;
  readonly #spool: Spool;

  constructor(deps: PrintServiceDeps, scope: Scope, { own, remote, spool }: Parts) {
    this.#deps = deps;
    this.#scope = scope;
    this.#own = own;
    this.#remote = remote;
    this.#spool = spool;
    this.ippRoute = createIppRoute({
      prefix: '/ipp/print/',
      spool,
      findPrinter: (asker, queue) => this.#visible(asker).find(({ id }) => id === queue),
      device: deps.deviceId,
      deviceName: () => deps.deviceName(),
      names: deps.names,
      identify: (printer, request) => this.#identify(printer, request),
      started: deps.clock.wall(),
      clock: deps.clock,
      log: deps.log,
    });
    this.#listen();
    own.start();
  }

  printers(): readonly PrinterView[] {
    const remote = this.#remote
      .offered()
      .map(({ neighbour, printer }) =>
        neighbourPrinterView(
          printer,
          neighbour,
          jobsOn({ device: neighbour.id, queue: printer.id }, this.#spool.active()),
        ),
      );
    return [...this.#own.list().map((printer) => this.#view(printer)), ...remote];
  }

  async share(name: string, audience: Audience): Promise<PrinterView> {
    const printer = this.#ownNamed(name);
    if (printer.queue.unshareable !== undefined) throw new NethoodError('not-permitted', printer.queue.unshareable);
    const { id } = printer;
    await this.#deps.config.update((config) => {
      const others = config.printers.filter(({ queue }) => queue !== id);
      return { ...config, printers: [...others, { queue: id, audience }] };
    });
    return this.#view(printer);
  }

  async unshare(name: string): Promise<PrinterView> {
    const known = this.#own.named(name).length > 0;
    const shared = this.#deps.config.current.printers.find(({ queue }) => queue === name);
    const printer =
      known || shared === undefined ? this.#ownNamed(name) : { id: shared.queue, queue: absentQueue(shared.queue) };
    await this.#deps.config.update((config) => ({
      ...config,
      printers: config.printers.filter(({ queue }) => queue !== printer.id),
    }));
    return this.#view(printer);
  }

  visibleTo(asker: Asker): readonly RemotePrinter[] {
    return this.#visible(asker).map((printer) =>
      remotePrinter(printer, jobsOn(printer.destination, this.#spool.active())),
    );
  }

  async print({ on, name, copies, user, document }: PrintOrder, signal: AbortSignal): Promise<JobView> {
    const { neighbours } = this.#deps;
    expectErrors({ stream: document });
    const target = printTarget(on, {
      own: (text) => this.#own.named(text),
      neighbours,
      lastSeen: (device) => this.#remote.lastSeen(device),
    });
    // What a neighbour's printer takes it says itself; what none of them takes is refused here.
    const formats = target.own === undefined ? documentFormats : acceptedFormats(await target.own.describe());
    const order = {
      destination: target.destination,
      label: target.label,
      owner: { kind: 'self', user: cutToBytes(user, 255) },
      name: cutToBytes(name.replaceAll(/\p{Cc}/gu, ' ').trim(), 255) || 'Untitled',
      template: attributes(copies > 1 ? { copies: integer(copies) } : {}),
    } as const;
    const check = (head: Buffer): string => {
      if (head.length === 0) throw new NethoodError('bad-document', `${order.name} is empty.`);
      return checkFormat(head, undefined, formats);
    };
    return this.#jobView(await this.#spool.accept(order, { stream: document, check }, signal));
  }

  jobs(): readonly JobView[] {
    return this.#spool.jobs().map((job) => this.#jobView(job));
  }

  async cancel(id: JobId): Promise<JobView> {
    const own = this.#spool.get(id)?.owner.kind === 'self';
    return this.#jobView(await this.#spool.cancel(id, own ? 'user' : 'operator'));
  }

  async hold(id: JobId): Promise<JobView> {
    return this.#jobView(await this.#spool.hold(id));
  }

  async release(id: JobId): Promise<JobView> {
    return this.#jobView(await this.#spool.release(id));
  }

  async *watch(id: JobId, signal: AbortSignal): AsyncGenerator<JobView, void, undefined> {
    for await (const job of jobWatch(this.#spool, id, signal)) yield this.#jobView(job);
  }

  announcements(guestsPort: number): readonly Announcement[] {
    const { deviceId: device, names } = this.#deps;
    const deviceName = this.#deps.deviceName();
    const printers = this.#visible({ kind: 'guest', onLink: true }).flatMap(({ id, queue }) => {
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  #listen(): void {
    const { config, neighbours } = this.#deps;
    const changed = (): void => this.events.emit('printers');
    this.#scope.use(
      this.#own.events.on('changed', () => {
        neighbours.resourcesChanged();
        changed();
      }),
    );
    this.#scope.use(this.#own.events.on('reachable', () => this.#spool.nudge(null)));
    this.#scope.use(this.#remote.events.on('changed', changed));
    this.#scope.use(this.#remote.events.on('reachable', (device) => this.#spool.nudge(device)));
    this.#scope.use(config.events.on('changed', changed));
    this.#scope.use(this.#spool.events.on('changed', (job) => this.#onJob(job)));
  }

  #identify({ id, queue }: Printer, { actions, message, owner }: Identification): void {
    const { neighbours, log } = this.#deps;
    const deviceName = this.#deps.deviceName();
    const from = senderOf({ owner }, { deviceName, neighbour: (device) => neighbours.get(device) });
    const printer = printerDisplayName(queue.info, id);
    log.info({ printer, actions, from, message }, 'Somebody asks where this printer is.');
    this.events.emit('identify', { printer, actions, from, message });
  }

  #onJob(job: Job): void {
    if (job.owner.kind === 'device') this.#deps.neighbours.sendJobEvent(job.owner.id, jobEvent(job));
    this.events.emit('job', this.#jobView(job));
  }

  #visible(asker: Asker): readonly Printer[] {
    const { paused } = this.#deps.config.current;
    return this.#own.list().filter((printer) => {
      const audience = this.#audienceOf(printer);
      if (audience === undefined) return false;
      return access(asker, { audience, rights: 'read' }, 'print', { paused });
    });
  }

  /** Undefined where it is not shared, or must never be. */
  #audienceOf({ id, queue }: Pick<Printer, 'id' | 'queue'>): Audience | undefined {
    if (queue.unshareable !== undefined) return undefined;
    return this.#deps.config.current.printers.find((shared) => shared.queue === id)?.audience;
  }

  /** @throws NethoodError `not-found`, `ambiguous` */
  #ownNamed(name: string): Printer {
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
      jobs: jobsOn({ device: null, queue: printer.id }, this.#spool.active()),
    });
  }

  #jobView(job: Job): JobView {
    const { neighbours } = this.#deps;
    return jobView(job, { deviceName: this.#deps.deviceName(), neighbour: (id) => neighbours.get(id) });
  }
}

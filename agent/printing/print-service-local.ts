/** Printing as a whole: own printers and neighbours', one spool, the IPP front, and the faces' view of it all. */
import type { JobView, PrinterView } from '../../protocol/control.ts';
import type { JobId } from '../../protocol/ids.ts';
import type { AccountingLine, InstalledPrinter } from '../../protocol/print-order.ts';
import type { Audience, RemotePrinter } from '../../protocol/resources.ts';
import { Emitter } from '../base/emitter.ts';
import { Scope } from '../base/scope.ts';
import type { Announcement } from '../discovery/discovery.ts';
import type { HttpRoute } from '../peers/neighbours.ts';
import type { Asker } from '../trust/access.ts';
import { Accounting, type AccountingQuery } from './accounting.ts';
import type { Gateway } from './gateway.ts';
import { openGateway, type OpenedGateway } from './gateway-open.ts';
import type { Identification } from './ipp-exchange.ts';
import { createIppRoute } from './ipp-server.ts';
import { jobAlert } from './job-alert.ts';
import { type Destination, type Job, jobsOn } from './job.ts';
import { jobWatch } from './job-watch.ts';
import { NeighbourPrinters } from './neighbour-printers.ts';
import { PrintOrders } from './print-orders.ts';
import type { PrintEvents, PrintOrder } from './print-service.ts';
import type { LocalPrintService, PrintServiceDeps } from './print-service-deps.ts';
import { jobEvent, type JobFactsForPeople, jobView, neighbourPrinterView, senderOf } from './print-views.ts';
import { printerDisplayName } from './printer-name.ts';
import type { Printer } from './printer.ts';
import { OwnPrinters } from './printers.ts';
import { SharedPrinters } from './shared-printers.ts';
import { openSpool, type Spool, type SpoolLimits } from './spool.ts';
import type { Target } from './spool-attempts.ts';

const tellWaitingMs = 300;
/** Jobs that wait, of all senders and of one. */
const quota = { jobs: 5_000, jobsPerSender: 500 } as const;

export async function createPrintService(deps: PrintServiceDeps): Promise<LocalPrintService> {
  const { config, clock, log } = deps;
  const { cups, windows, pdf } = deps.backends;
  const scope = new Scope();
  const backends = [pdf, cups, windows].filter((backend) => backend !== undefined);
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
    const from = (job: Job): string => senderOf(job, factsOf(deps));
    const accounting = scope.use(await Accounting.open({ folder, from, log }, spool.jobs()));
    const gateway = await openGateway(scope, deps, { own, remote, spool });
    return new PrintServiceOfAgent(deps, scope, { own, remote, spool, accounting, gateway });
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw error;
  }
}

function factsOf(deps: PrintServiceDeps): JobFactsForPeople {
  return { deviceName: deps.deviceName(), neighbour: (id) => deps.neighbours.get(id) };
}

interface Parts {
  readonly own: OwnPrinters;
  readonly remote: NeighbourPrinters;
  readonly spool: Spool;
  readonly accounting: Accounting;
  readonly gateway: OpenedGateway;
}

class PrintServiceOfAgent implements LocalPrintService {
  readonly events = new Emitter<PrintEvents>();
  readonly ippRoute: HttpRoute;
  readonly gateway: Gateway;
  readonly #deps: PrintServiceDeps;
  readonly #scope: Scope;
  readonly #parts: Parts;
  readonly #shared: SharedPrinters;
  readonly #orders: PrintOrders;
  /** Jobs under way as they were told last. */
  readonly #told = new Map<JobId, JobView>();
  #toTell: Disposable | undefined;

  constructor(deps: PrintServiceDeps, scope: Scope, parts: Parts) {
    this.#deps = deps;
    this.#scope = scope;
    this.#parts = parts;
    this.#shared = new SharedPrinters(deps, parts.own, parts.spool);
    this.#orders = new PrintOrders({ ...parts, neighbours: deps.neighbours, clock: deps.clock });
    this.gateway = parts.gateway.gateway;
    this.ippRoute = createIppRoute({
      prefix: '/ipp/print/',
      spool: parts.spool,
      findPrinter: (asker, queue) => this.#shared.visible(asker).find(({ id }) => id === queue),
      device: deps.deviceId,
      deviceName: () => deps.deviceName(),
      names: deps.names,
      identify: (printer, request) => this.#identify(printer, request),
      started: deps.clock.wall(),
      clock: deps.clock,
      log: deps.log,
    });
    for (const job of parts.spool.active()) this.#told.set(job.id, this.#view(job));
    this.#listen();
    parts.own.start();
  }

  printers(): readonly PrinterView[] {
    const { remote, spool, gateway } = this.#parts;
    const neighbours = remote.offered().map(({ neighbour, printer }) => {
      const jobs = jobsOn({ device: neighbour.id, queue: printer.id }, spool.active());
      const installed = gateway.installedAs(neighbour.id, printer.id);
      return neighbourPrinterView(printer, neighbour, { jobs, installed });
    });
    return [...this.#shared.views(), ...neighbours];
  }

  share(name: string, audience: Audience): Promise<PrinterView> {
    return this.#shared.share(name, audience);
  }

  unshare(name: string): Promise<PrinterView> {
    return this.#shared.unshare(name);
  }

  install(name: string, signal: AbortSignal): Promise<InstalledPrinter> {
    return this.#parts.gateway.installs.install(name, signal);
  }

  uninstall(name: string, signal: AbortSignal): Promise<InstalledPrinter> {
    return this.#parts.gateway.installs.uninstall(name, signal);
  }

  visibleTo(asker: Asker): readonly RemotePrinter[] {
    return this.#shared.visibleTo(asker);
  }

  async print(order: PrintOrder, signal: AbortSignal): Promise<JobView> {
    return this.#view(await this.#orders.accept(order, signal));
  }

  jobs(newest = Number.MAX_SAFE_INTEGER): readonly JobView[] {
    const jobs = this.#parts.spool.jobs().toSorted((a, b) => a.id - b.id);
    return jobs.slice(-newest).map((job) => this.#view(job));
  }

  async cancel(id: JobId): Promise<JobView> {
    const { spool } = this.#parts;
    const own = spool.get(id)?.owner.kind === 'self';
    return this.#view(await spool.cancel(id, own ? 'user' : 'operator'));
  }

  async hold(id: JobId): Promise<JobView> {
    return this.#view(await this.#parts.spool.hold(id));
  }

  async release(id: JobId): Promise<JobView> {
    return this.#view(await this.#parts.spool.release(id));
  }

  async *watch(id: JobId, signal: AbortSignal): AsyncGenerator<JobView, void, undefined> {
    for await (const job of jobWatch(this.#parts.spool, id, signal)) yield this.#view(job);
  }

  accounting(query: AccountingQuery): Promise<readonly AccountingLine[]> {
    return this.#parts.accounting.lines(query);
  }

  announcements(guestsPort: number): readonly Announcement[] {
    return this.#shared.announcements(guestsPort);
  }

  problems(): readonly string[] {
    return [...this.#shared.problems(), ...this.#parts.gateway.installs.problems()];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  #listen(): void {
    const { config, neighbours } = this.#deps;
    const { own, remote, spool } = this.#parts;
    const changed = (): void => this.events.emit('printers');
    this.#scope.use(
      own.events.on('changed', () => {
        neighbours.resourcesChanged();
        changed();
      }),
    );
    this.#scope.use(own.events.on('reachable', () => spool.nudge(null)));
    this.#scope.use(remote.events.on('changed', changed));
    this.#scope.use(remote.events.on('reachable', (device) => spool.nudge(device)));
    this.#scope.use(config.events.on('changed', changed));
    this.#scope.defer(() => this.#toTell?.[Symbol.dispose]());
    this.#scope.use(spool.events.on('changed', (job) => this.#onJob(job)));
  }

  #identify({ id, queue }: Printer, { actions, message, owner }: Identification): void {
    const from = senderOf({ owner }, factsOf(this.#deps));
    const printer = printerDisplayName(queue.info, id);
    this.#deps.log.info({ printer, actions, from, message }, 'Somebody asks where this printer is.');
    this.events.emit('identify', { printer, actions, from, message });
  }

  #onJob(job: Job): void {
    if (job.owner.kind === 'device') this.#deps.neighbours.sendJobEvent(job.owner.id, jobEvent(job));
    this.#parts.accounting.note(job);
    const view = this.#view(job);
    const alert = jobAlert(this.#told.get(job.id), view);
    if (job.phase === 'ended' || !this.#told.has(job.id)) this.#tellWaiting();
    if (job.phase === 'ended') this.#told.delete(job.id);
    else this.#told.set(job.id, view);
    this.events.emit('job', view);
    if (alert !== undefined) this.events.emit('alert', alert);
  }

  /** How many jobs wait for a printer is part of it; of hundreds a second nobody wants to hear each. */
  #tellWaiting(): void {
    this.#toTell ??= this.#deps.clock.timer(tellWaitingMs, () => {
      this.#toTell = undefined;
      this.#deps.neighbours.resourcesChanged();
      this.events.emit('printers');
    });
  }

  #view(job: Job): JobView {
    return jobView(job, factsOf(this.#deps));
  }
}

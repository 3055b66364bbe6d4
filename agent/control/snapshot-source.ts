/** The snapshot of this agent: which part each section comes from, and which event makes it stale. */
import type { ConfigStore } from '../../config/config-store.ts';
import type { JobView, NeighbourView, Snapshot } from '../../protocol/control.ts';
import type { DeviceId } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import { Scope } from '../base/scope.ts';
import type { Shares, Transfers } from '../files/files-service.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import type { PrintService } from '../printing/print-service.ts';
import type { NoticeBoard } from './notices.ts';
import { SnapshotStore } from './snapshot.ts';
import { neighbourView } from './views.ts';

/** A face shows the newest, and these first; the spool keeps them all. */
const mostJobs = 500;

export interface SnapshotSourceDeps {
  readonly clock: Clock;
  readonly config: ConfigStore;
  readonly shares: Pick<Shares, 'events' | 'list'>;
  readonly transfers: Pick<Transfers, 'events' | 'list'>;
  readonly printing: Pick<PrintService, 'events' | 'printers' | 'jobs'>;
  readonly neighbours: Pick<Neighbours, 'events' | 'list'>;
  readonly notices: NoticeBoard;
  readonly version: string;
  readonly device: { readonly id: DeviceId; readonly defaultName: string };
  /** Whoever opens or closes the guests port touches `ports` of the store. */
  readonly ports: () => Snapshot['ports'];
}

export interface SnapshotSource extends AsyncDisposable {
  readonly store: SnapshotStore;
}

export function createSnapshotSource(deps: SnapshotSourceDeps): SnapshotSource {
  const { config, shares, transfers, printing, neighbours, notices, device } = deps;
  const scope = new Scope();
  const store = scope.use(
    new SnapshotStore(
      {
        device: () => ({ id: device.id, name: config.current.name ?? device.defaultName }),
        version: () => deps.version,
        paused: () => config.current.paused,
        ports: deps.ports,
        page: () => null,
        shares: () => [...shares.list()],
        printers: () => [...printing.printers()],
        neighbours: () => neighbours.list().map(neighbourView).toSorted(byName),
        jobs: () => newest(printing.jobs(mostJobs)),
        transfers: () => [...transfers.list()],
        notices: () => [...configNotices(config), ...notices.list()],
      },
      deps.clock,
    ),
  );
  scope.use(config.events.on('changed', () => store.touch('device', 'paused', 'shares', 'printers', 'notices')));
  scope.use(shares.events.on('changed', () => store.touch('shares')));
  scope.use(transfers.events.on('changed', () => store.touch('transfers')));
  scope.use(printing.events.on('printers', () => store.touch('printers')));
  scope.use(printing.events.on('job', () => store.touch('jobs')));
  // The list of printers names those of neighbours too.
  scope.use(neighbours.events.on('changed', () => store.touch('neighbours', 'printers')));
  scope.use(neighbours.events.on('removed', () => store.touch('neighbours', 'printers')));
  scope.use(notices.events.on('changed', () => store.touch('notices')));
  return { store, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
}

/** Ids tell two of one name apart, so that the order does not change by itself. */
function byName(a: NeighbourView, b: NeighbourView): number {
  return a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1);
}

function newest(jobs: readonly JobView[]): JobView[] {
  return jobs.toSorted((a, b) => b.id - a.id).slice(0, mostJobs);
}

function configNotices({ problem }: ConfigStore): Snapshot['notices'] {
  return problem === undefined ? [] : [{ code: 'config-invalid', part: 'config', message: problem }];
}

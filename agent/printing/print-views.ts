/** Printers and jobs as the faces see them (`protocol/control.ts`). */
import type { JobView, PrinterView } from '../../protocol/control.ts';
import { type DeviceId, shortId } from '../../protocol/ids.ts';
import type { JobEvent } from '../../protocol/peer.ts';
import { type Audience, Keyword, type RemotePrinter } from '../../protocol/resources.ts';
import type { Neighbour } from '../peers/neighbours.ts';
import { expiryOf } from './job-patience.ts';
import type { Job } from './job.ts';
import type { Queue } from './print-backend.ts';
import { printerDisplayName } from './printer-name.ts';
import type { Printer } from './printer.ts';

export interface OwnPrinterFacts {
  readonly device: DeviceId;
  readonly deviceName: string;
  /** Undefined where it is not shared. */
  readonly audience: Audience | undefined;
  /** Where guests print; null where they cannot. */
  readonly uri: string | null;
  /** In our spool, waiting or printing. */
  readonly jobs: number;
}

export function ownPrinterView({ id, queue }: Pick<Printer, 'id' | 'queue'>, facts: OwnPrinterFacts): PrinterView {
  return {
    ...remotePrinter({ id, queue }, facts.jobs),
    owner: facts.deviceName,
    ownerId: facts.device,
    local: true,
    shared: facts.audience !== undefined,
    audience: facts.audience ?? null,
    unshareable: queue.unshareable ?? null,
    installed: null,
    uri: facts.uri,
  };
}

/** @param jobs of ours that are on their way there */
interface OwnSide {
  /** Of ours, on the way there. */
  readonly jobs: number;
  /** The local queue that leads there. */
  readonly installed: string | null;
}

export function neighbourPrinterView(
  printer: RemotePrinter,
  neighbour: Neighbour,
  { jobs, installed }: OwnSide,
): PrinterView {
  return {
    ...printer,
    supplies: [...printer.supplies],
    // Those of ours that it has already are counted by both.
    jobs: Math.max(jobs, printer.jobs),
    stateReasons: [...printer.stateReasons],
    owner: neighbour.name,
    ownerId: neighbour.id,
    local: false,
    shared: false,
    audience: null,
    unshareable: null,
    installed,
    uri: null,
  };
}

export function remotePrinter({ id, queue }: Pick<Printer, 'id' | 'queue'>, jobs: number): RemotePrinter {
  return {
    id,
    name: printerDisplayName(queue.info, id),
    state: queue.state,
    stateReasons: keywords(queue.stateReasons),
    accepting: queue.accepting,
    supplies: [...(queue.supplies ?? [])],
    jobs,
  };
}

/** A queue that is shared by the configuration and not there now. */
export function absentQueue(id: Queue['id']): Queue {
  return { id, info: id, location: '', makeAndModel: '', state: 'stopped', stateReasons: [], accepting: false };
}

export interface JobFactsForPeople {
  readonly deviceName: string;
  neighbour(id: DeviceId): Neighbour | undefined;
}

export function jobView(job: Job, facts: JobFactsForPeople): JobView {
  const expires = expiryOf(job);
  return {
    id: job.id,
    uuid: job.uuid,
    printer: printerOf(job, facts),
    from: senderOf(job, facts),
    own: job.owner.kind === 'self',
    name: job.name,
    state: job.state,
    stateReasons: keywords(job.reasons),
    message: job.message ?? null,
    pages: job.pages ?? null,
    pagesTotal: job.pagesTotal ?? null,
    bytes: job.document?.bytes ?? 0,
    created: new Date(job.created).toISOString(),
    expires: expires === undefined ? null : new Date(expires).toISOString(),
  };
}

/** What the submitting device is told. */
export function jobEvent(job: Job): JobEvent {
  const expires = expiryOf(job);
  return {
    type: 'job',
    uuid: job.uuid,
    state: job.state,
    stateReasons: keywords(job.reasons),
    ...(job.message === undefined ? {} : { message: job.message }),
    ...(job.pages === undefined ? {} : { pagesCompleted: job.pages }),
    ...(job.pagesTotal === undefined ? {} : { pagesTotal: job.pagesTotal }),
    ...(expires === undefined ? {} : { expires: Math.round(expires) }),
  };
}

function printerOf({ destination, label }: Job, facts: JobFactsForPeople): string {
  if (destination.device === null) return destination.queue;
  const neighbour = facts.neighbour(destination.device);
  return neighbour === undefined ? label : `${neighbour.name}/${destination.queue}`;
}

/** `<user> on <device or address>` */
export function senderOf({ owner }: Pick<Job, 'owner'>, facts: JobFactsForPeople): string {
  switch (owner.kind) {
    case 'self':
      return `${owner.user} on ${facts.deviceName}`;
    case 'device':
      return `${owner.user} on ${facts.neighbour(owner.id)?.name ?? shortId(owner.id)}`;
    case 'guest':
      return `${owner.user} on ${owner.address}`;
  }
}

function keywords(reasons: readonly string[]): string[] {
  return reasons.filter((reason) => Keyword.safeParse(reason).success).slice(0, 32);
}

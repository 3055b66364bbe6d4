/** What the control API asks of printing: printers, and the jobs of our own spool. */
import type { Readable } from 'node:stream';
import type { JobView, PrinterView } from '../../protocol/control.ts';
import type { JobId } from '../../protocol/ids.ts';
import type { AccountingLine, InstalledPrinter, PrintTicket } from '../../protocol/print-order.ts';
import type { Audience, RemotePrinter } from '../../protocol/resources.ts';
import type { Emitter } from '../base/emitter.ts';
import type { Asker } from '../trust/access.ts';
import type { AccountingQuery } from './accounting.ts';
import type { JobAlert } from './job-alert.ts';

export interface PrintOrder {
  /** `<neighbour>/<printer>`, or the name of an own one. */
  readonly on: string;
  readonly name: string;
  readonly ticket: PrintTicket;
  /** The user of this agent. */
  readonly user: string;
  readonly document: Readable;
}

/** Somebody wants to see at which PC a printer is (Identify-Printer, PWG 5100.13 section 3.1). */
export interface IdentifyEvent {
  /** For people. */
  readonly printer: string;
  /** `display` */
  readonly actions: readonly string[];
  /** `<user> on <device or address>` */
  readonly from: string;
  /** In that person's words; often empty. */
  readonly message: string;
}

export type PrintEvents = {
  printers: [];
  job: [JobView];
  identify: [IdentifyEvent];
  /** For a notification: what a person wants to hear who is doing something else. */
  alert: [JobAlert];
};

export interface PrintService {
  readonly events: Emitter<PrintEvents>;
  /** Own ones first, then those of neighbours in session. */
  printers(): readonly PrinterView[];
  /** @throws `not-found`, `not-permitted` (a queue that must never be shared again) */
  share(name: string, audience: Audience): Promise<PrinterView>;
  /** @throws `not-found` */
  unshare(name: string): Promise<PrinterView>;
  /** `<neighbour>/<printer>` as a queue of this PC's print system. @throws `not-found`, `ambiguous`, `unreachable`, `unsupported`, `unavailable` */
  install(name: string, signal: AbortSignal): Promise<InstalledPrinter>;
  /** @throws `not-found`, `ambiguous`, `unavailable` */
  uninstall(name: string, signal: AbortSignal): Promise<InstalledPrinter>;
  visibleTo(asker: Asker): readonly RemotePrinter[];
  /** Kept when the document is in our own spool, durably. @throws `not-found`, `ambiguous`, `not-supported`, `usage`, `bad-document`, `too-large`, `no-space` */
  print(order: PrintOrder, signal: AbortSignal): Promise<JobView>;
  /** All, or the newest so many, by id. */
  jobs(newest?: number): readonly JobView[];
  /** @throws `not-found`, `not-permitted` (it has ended) */
  cancel(id: JobId): Promise<JobView>;
  /** Here or at its destination. @throws `not-found`, `not-permitted`, `unsupported`, `unreachable` */
  hold(id: JobId): Promise<JobView>;
  release(id: JobId): Promise<JobView>;
  /** The present state, then each change until a final one. @throws `not-found` */
  watch(id: JobId, signal: AbortSignal): AsyncIterable<JobView>;
  /** Jobs that ended on printers of this PC, the newest first. */
  accounting(query: AccountingQuery): Promise<readonly AccountingLine[]>;
}

/** Where documents go: the local print system, the built-in PDF printer, or a neighbour's printer. One front, one spool before all. */
import type { Readable } from 'node:stream';
import type { JobUuid, QueueName } from '../../protocol/ids.ts';
import type { JobState, PrinterState, Supply } from '../../protocol/resources.ts';
import type { AttributeGroup } from './ipp-values.ts';

export interface Queue {
  readonly id: QueueName;
  /** printer-info, for people. */
  readonly info: string;
  readonly location: string;
  readonly makeAndModel: string;
  readonly state: PrinterState;
  readonly stateReasons: readonly string[];
  readonly accepting: boolean;
  /** Absent where it has none, or does not say. */
  readonly supplies?: readonly Supply[] | undefined;
  /** Why it must never be shared again, one sentence; absent where it may be. */
  readonly unshareable?: string | undefined;
}

export interface Document {
  readonly uuid: JobUuid;
  readonly name: string;
  /** `user` as requesting-user-name, for the banner and the accounting. */
  readonly user: string;
  /** MIME type, sniffed. */
  readonly format: string;
  readonly bytes: number;
  /** Job template attributes (copies, sides, media …) as they came. */
  readonly template: AttributeGroup;
  /** It shall not be printed otherwise than the template says. */
  readonly fidelity?: boolean;
  /** It shall wait there until it is released; asked of neighbours alone. */
  readonly hold?: boolean;
  open(): Readable;
}

/** What the destination itself says of a job. */
export interface BackendJob {
  /** The destination's own number or name for it. */
  readonly reference: string;
  readonly state: JobState;
  readonly stateReasons: readonly string[];
  readonly message?: string | undefined;
  readonly pagesCompleted?: number | undefined;
  /** Of how many, once that is known. */
  readonly pagesTotal?: number | undefined;
  /**
   * The destination will not try any more, and nobody wished so: its state is `aborted`, part of the document may be on
   * paper. A person decides whether it is sent once more.
   */
  readonly gaveUp?: boolean | undefined;
  /** When it is given up there, wall-clock milliseconds; absent while it does not wait for its printer. */
  readonly expires?: number | undefined;
}

export interface PrintBackend extends AsyncDisposable {
  /** Calls back when a queue may have changed, where the destination tells so by itself. */
  onChange?(listener: () => void): Disposable;
  /** Queues there now; `unavailable` when the print system cannot be asked. */
  list(signal: AbortSignal): Promise<readonly Queue[]>;
  /** Printer attributes (RFC 8011 5.4) as the destination gives them. */
  describe(queue: QueueName, signal: AbortSignal): Promise<AttributeGroup>;
  /** Hands the document over; kept when the destination has it whole. @throws `unreachable` (try again), `bad-document`, `not-found`, `no-space`, `busy` */
  submit(queue: QueueName, document: Document, signal: AbortSignal): Promise<BackendJob>;
  /** After a crash: what became of this job; undefined = it never arrived. @throws `unavailable` where that cannot be told now, `unsupported` where it never can */
  find(queue: QueueName, uuid: JobUuid, signal: AbortSignal): Promise<BackendJob | undefined>;
  cancel(queue: QueueName, reference: string, signal: AbortSignal): Promise<void>;
  /**
   * A job that waits there waits on until it is released; once more changes nothing. @throws `unsupported` (no job ever
   * waits there), `not-permitted` (it prints, or has ended), `not-found`, `unreachable`
   */
  hold(queue: QueueName, reference: string, signal: AbortSignal): Promise<void>;
  /** @throws `unsupported`, `not-permitted` (it is not held), `not-found`, `unreachable` */
  release(queue: QueueName, reference: string, signal: AbortSignal): Promise<void>;
  /** Each state until a final one; ends then. @throws `unreachable` when contact is lost (call again) */
  watch(queue: QueueName, reference: string, signal: AbortSignal): AsyncIterable<BackendJob>;
}

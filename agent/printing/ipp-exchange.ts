/** What every operation of the front is given: who asks for what, and the spool and printers to answer from. */
import type { Readable } from 'node:stream';
import type { DeviceId } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Asker } from '../trust/access.ts';
import { firstString, groupOf } from './ipp-attributes.ts';
import type { IppSubject } from './ipp-request.ts';
import type { AttributeGroup, IppRequest } from './ipp-values.ts';
import { type Destination, type JobOwner, jobsOn } from './job.ts';
import type { FrontAddress, PrinterFacts } from './printer-attributes.ts';
import { announcedInstance, plainLine, type AnnouncedNames } from './printer-name.ts';
import type { Printer } from './printer.ts';
import type { Spool } from './spool.ts';

/** Where a key is not enough, or there is none. */
interface FrontLock {
  /** What HTTP status 401 asks for (RFC 9110 section 11.6.1). */
  readonly challenge: string;
  opens(operation: number): boolean;
}

export interface IppFrontDeps {
  /** What stands before the name of a queue, in requests and in every URI: `/ipp/print/`. */
  readonly prefix: string;
  readonly lock?: FrontLock;
  readonly spool: Spool;
  /** Undefined for a queue that is not there and for one that the asker may not print on. */
  findPrinter(asker: Asker, queue: string): Printer | undefined;
  readonly device: DeviceId;
  deviceName(): string;
  readonly names: AnnouncedNames;
  /** Identify-Printer: shows people which PC the printer is at. Must not wait for them. */
  identify(printer: Printer, request: Identification): void;
  /** Wall-clock milliseconds when the agent started. */
  readonly started: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Identify-Printer (PWG 5100.13 section 3.1) as it was asked for. */
export interface Identification {
  /** Of those that the front offers, never none. */
  readonly actions: readonly string[];
  /** The asker's own words for people; may be empty. */
  readonly message: string;
  readonly owner: JobOwner;
}

export interface IppExchange {
  readonly deps: IppFrontDeps;
  readonly asker: Asker;
  readonly owner: JobOwner;
  readonly address: FrontAddress;
  readonly request: IppRequest;
  readonly operation: AttributeGroup;
  readonly subject: IppSubject;
  /** What follows the attributes. */
  readonly body: Readable;
  /** Of the whole request, where the sender said so. */
  readonly declaredBytes: number | undefined;
  readonly signal: AbortSignal;
}

/** Key or address, and the name that the sender gives itself: only both together are an owner. */
export function ownerOf(asker: Asker, address: string, request: IppRequest): JobOwner {
  const claimed = firstString(groupOf(request, 'operation'), 'requesting-user-name') ?? '';
  const user = plainLine(claimed, 255) || 'anonymous';
  switch (asker.kind) {
    case 'device':
      return { kind: 'device', id: asker.id, user };
    case 'guest':
      return { kind: 'guest', address, user };
    case 'owner':
      return { kind: 'self', user };
  }
}

export function factsFor({ deps }: IppExchange, printer: Printer): PrinterFacts {
  return {
    device: deps.device,
    instanceName: announcedInstance(printer, deps),
    started: deps.started,
    now: deps.clock.wall(),
    queuedJobs: jobsOn(printer.destination, deps.spool.active()),
  };
}

export function isOn(
  { destination }: { readonly destination: Destination },
  { device, queue }: { readonly device: DeviceId | null; readonly queue: string },
): boolean {
  return destination.device === device && destination.queue === queue;
}

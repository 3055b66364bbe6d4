/** A job in the queue of a Windows printer: what it is called there, so that it is known again, and what it says of itself. */
import { z } from 'zod';
import { NethoodError } from '../../protocol/errors.ts';
import { JobUuid } from '../../protocol/ids.ts';
import type { BackendJob } from '../printing/print-backend.ts';
import { oneLine } from './one-line.ts';
import type { WindowsJob, WindowsPrinter } from './windows-protocol.ts';
import { jobStateFrom, printerStateFrom } from './windows-status.ts';

/** Windows gives numbers again after the spooler was restarted; the uuid tells whose it is now. */
const Reference = z.tuple([z.int().min(0), JobUuid]);

export interface WindowsReference {
  /** 0 where the job had left the queue before it could be looked up. */
  readonly id: number;
  readonly uuid: JobUuid;
}

export function windowsReference({ id, uuid }: WindowsReference): string {
  return JSON.stringify([id, uuid]);
}

/** @throws `not-found` for one that is not ours */
export function readWindowsReference(text: string): WindowsReference {
  try {
    const [id, uuid] = Reference.parse(JSON.parse(text));
    return { id, uuid };
  } catch (error) {
    throw new NethoodError('not-found', `${JSON.stringify(text)} is no job of the print system.`, { cause: error });
  }
}

/** Windows cuts long names, from the end where this stands. */
const longestName = 100;

/** The end of its name in the queue's window: all that Windows keeps of ours. */
export function markOf(uuid: JobUuid): string {
  return `[nethood ${uuid.slice('urn:uuid:'.length)}]`;
}

export function documentName(name: string, uuid: JobUuid): string {
  return `${oneLine(name, longestName) || 'document'} ${markOf(uuid)}`;
}

/** What the queue and its printer say of a job that is there. */
export function windowsJobReport(job: WindowsJob, printer: WindowsPrinter, uuid: JobUuid): BackendJob {
  const { state, stateReasons } = jobStateFrom(job.JobStatus);
  const ofPrinter = printerStateFrom(printer);
  const stopped = ofPrinter.state === 'stopped' && state !== 'completed' && state !== 'pending-held';
  const reasons = stopped ? ['printer-stopped', ...stateReasons, ...ofPrinter.stateReasons] : stateReasons;
  return {
    reference: windowsReference({ id: job.Id, uuid }),
    // RFC 8011 5.3.7: what has begun does not go back to waiting.
    state: stopped && state === 'processing' ? 'processing-stopped' : state,
    stateReasons: Array.from(new Set(reasons)),
    message: stopped ? 'The printer has stopped, says Windows.' : undefined,
    pagesCompleted: job.PagesPrinted,
    pagesTotal: job.TotalPages > 0 ? job.TotalPages : undefined,
  };
}

/** One that has left the queue. That paper came out is more than Windows tells. */
export function goneReport(uuid: JobUuid, how: 'completed' | 'canceled', id = 0): BackendJob {
  const stateReasons = [how === 'completed' ? 'job-completed-successfully' : 'job-canceled-by-user'];
  return { reference: windowsReference({ id, uuid }), state: how, stateReasons };
}

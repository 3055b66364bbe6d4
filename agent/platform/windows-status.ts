/** The status bits of printers and jobs in Windows (winspool.h) in the words of RFC 8011 sections 5.3.7, 5.3.8, 5.4.11 and 5.4.12. */
import type { JobState, PrinterState } from '../../protocol/resources.ts';
import type { WindowsPrinter } from './windows-protocol.ts';

/** PRINTER_STATUS_*, as `Get-Printer` gives them too. */
const printerBits = {
  paused: 0x1,
  error: 0x2,
  pendingDeletion: 0x4,
  paperJam: 0x8,
  paperOut: 0x10,
  manualFeed: 0x20,
  paperProblem: 0x40,
  offline: 0x80,
  ioActive: 0x100,
  busy: 0x200,
  printing: 0x400,
  outputBinFull: 0x800,
  notAvailable: 0x1000,
  waiting: 0x2000,
  processing: 0x4000,
  initializing: 0x8000,
  warmingUp: 0x10000,
  tonerLow: 0x20000,
  noToner: 0x40000,
  pagePunt: 0x80000,
  userIntervention: 0x100000,
  outOfMemory: 0x200000,
  doorOpen: 0x400000,
  serverUnknown: 0x800000,
  powerSave: 0x1000000,
  serverOffline: 0x2000000,
  driverUpdateNeeded: 0x4000000,
} as const;

/** JOB_STATUS_*. */
export const jobBits = {
  paused: 0x1,
  error: 0x2,
  deleting: 0x4,
  spooling: 0x8,
  printing: 0x10,
  offline: 0x20,
  paperOut: 0x40,
  printed: 0x80,
  deleted: 0x100,
  blockedQueue: 0x200,
  userIntervention: 0x400,
  restart: 0x800,
  complete: 0x1000,
  retained: 0x2000,
  renderingLocally: 0x4000,
} as const;

const reasonsOfPrinter: Readonly<Partial<Record<keyof typeof printerBits, string>>> = {
  paused: 'paused',
  error: 'other-error',
  pendingDeletion: 'shutdown',
  paperJam: 'media-jam-error',
  paperOut: 'media-empty-error',
  manualFeed: 'media-needed-report',
  paperProblem: 'media-needed-error',
  offline: 'offline-report',
  outputBinFull: 'output-area-full-error',
  notAvailable: 'offline-report',
  tonerLow: 'toner-low-warning',
  noToner: 'toner-empty-error',
  pagePunt: 'interpreter-resource-unavailable-warning',
  userIntervention: 'other-error',
  outOfMemory: 'interpreter-resource-unavailable-error',
  doorOpen: 'door-open-error',
  serverUnknown: 'offline-report',
  serverOffline: 'offline-report',
  driverUpdateNeeded: 'other-error',
};

const reasonsOfJob: Readonly<Partial<Record<keyof typeof jobBits, string>>> = {
  offline: 'offline-report',
  paperOut: 'media-empty-error',
  blockedQueue: 'printer-stopped',
  error: 'other-error',
  userIntervention: 'other-error',
};

const works = printerBits.printing | printerBits.processing | printerBits.busy | printerBits.ioActive;

/** What keeps a printer from printing until a person comes. */
const stops =
  printerBits.paused |
  printerBits.error |
  printerBits.pendingDeletion |
  printerBits.paperJam |
  printerBits.paperOut |
  printerBits.paperProblem |
  printerBits.offline |
  printerBits.outputBinFull |
  printerBits.notAvailable |
  printerBits.noToner |
  printerBits.userIntervention |
  printerBits.outOfMemory |
  printerBits.doorOpen |
  printerBits.serverUnknown |
  printerBits.serverOffline |
  printerBits.driverUpdateNeeded;

export interface WindowsState {
  readonly state: PrinterState;
  readonly stateReasons: readonly string[];
}

type Status = Pick<WindowsPrinter, 'PrinterStatus' | 'WorkOffline'>;

export function printerStateFrom({ PrinterStatus, WorkOffline }: Status): WindowsState {
  const bits = WorkOffline ? PrinterStatus | printerBits.offline : PrinterStatus;
  const stateReasons = reasonsOf(bits, printerBits, reasonsOfPrinter);
  if (has(bits, stops)) return { state: 'stopped', stateReasons };
  return { state: has(bits, works) ? 'processing' : 'idle', stateReasons };
}

/** Its queue lasts no longer than the jobs in it. */
export function accepts({ PrinterStatus }: Status): boolean {
  return !has(PrinterStatus, printerBits.pendingDeletion);
}

export interface WindowsJobState {
  readonly state: JobState;
  readonly stateReasons: readonly string[];
}

/** Whether Windows has come so far with it that it may be on paper. */
function isPrinted(bits: number): boolean {
  return has(bits, jobBits.printed | jobBits.complete);
}

/** Somebody took it back. */
export function isDeleted(bits: number): boolean {
  return has(bits, jobBits.deleting | jobBits.deleted) && !isPrinted(bits);
}

export function jobStateFrom(bits: number): WindowsJobState {
  if (isPrinted(bits)) return { state: 'completed', stateReasons: ['job-completed-successfully'] };
  const troubles = reasonsOf(bits, jobBits, reasonsOfJob);
  const prints = has(bits, jobBits.printing);
  if (isDeleted(bits))
    return { state: prints ? 'processing' : 'pending', stateReasons: ['processing-to-stop-point', ...troubles] };
  const { state, reason } = prints ? printing(bits, troubles.length > 0) : waiting(bits);
  return { state, stateReasons: [...(reason === undefined ? [] : [reason]), ...troubles] };
}

interface Told {
  readonly state: JobState;
  readonly reason?: string;
}

function printing(bits: number, isTroubled: boolean): Told {
  if (has(bits, jobBits.paused)) return { state: 'processing-stopped', reason: 'job-stopped' };
  return isTroubled ? { state: 'processing-stopped' } : { state: 'processing', reason: 'job-printing' };
}

function waiting(bits: number): Told {
  if (has(bits, jobBits.paused)) return { state: 'pending-held', reason: 'job-hold-until-specified' };
  if (has(bits, jobBits.renderingLocally)) return { state: 'processing', reason: 'job-transforming' };
  return { state: 'pending', reason: has(bits, jobBits.spooling) ? 'job-incoming' : 'job-queued' };
}

function reasonsOf<Bit extends string>(
  bits: number,
  table: Readonly<Record<Bit, number>>,
  words: Readonly<Partial<Record<Bit, string>>>,
): string[] {
  const names = Object.keys(table) as Bit[];
  return Array.from(new Set(names.flatMap((name) => (has(bits, table[name]) ? (words[name] ?? []) : []))));
}

function has(bits: number, some: number): boolean {
  return (bits & some) !== 0;
}

import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** What the spooler in the place of Windows has and does. */
export interface SpoolerJob {
  readonly printer: string;
  readonly Id: number;
  readonly DocumentName: string;
  JobStatus: number;
  readonly TotalPages: number;
  PagesPrinted: number;
  /** At it while it was being deleted: it goes only after it was seen so. */
  looks: number;
}

export interface SpoolerState {
  /** As `Get-Printer` gives them. */
  readonly printers: { Name: string; PrinterStatus: number; [property: string]: unknown }[];
  readonly abilities: object;
  jobs: SpoolerJob[];
  nextId: number;
  /** Names of documents that came out. */
  readonly printed: string[];
  readonly wishes: object[];
  starts: number;
  /** The job that prints goes on printing. */
  endless?: boolean;
  /** Requests that are never answered. */
  silent?: string[];
  faults?: Record<string, object>;
  /** Written before each answer. */
  noise?: string;
  dies?: 'while-printing' | 'after-printing' | 'never';
}

export function readSpooler(file: string): SpoolerState {
  return JSON.parse(readFileSync(file, 'utf8')) as SpoolerState;
}

/** Whole at any moment: the test reads while the program writes. */
export function writeSpooler(file: string, state: SpoolerState): void {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, JSON.stringify(state));
  renameSync(fresh, file);
}

/** A backend of Windows before a spooler that speaks its protocol (test/programs/windows-spooler.ts). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { openWindowsBackend } from '../../agent/platform/windows-printing.ts';
import { type ProcessLimits, WindowsProcess } from '../../agent/platform/windows-process.ts';
import type { PrintBackend } from '../../agent/printing/print-backend.ts';
import { QueueName } from '../../protocol/ids.ts';
import { readSpooler, type SpoolerState, writeSpooler } from '../office/windows-spooler-state.ts';
import { recorded } from './windows-recorded.ts';

const program = join(import.meta.dirname, '../../dist/test/programs/windows-spooler.js');

/** `HP LaserJet 400` of the recorded printers. */
export const laser = QueueName.parse('HP-LaserJet-400');

export interface WindowsOffice extends AsyncDisposable {
  readonly state: SpoolerState;
  set(change: Partial<SpoolerState>): void;
  process(limits?: Partial<ProcessLimits>): WindowsProcess;
  /** Each opens the same folder, as an agent that starts again does. */
  backend(limits?: Partial<ProcessLimits>): Promise<PrintBackend>;
}

export async function openWindowsOffice(): Promise<WindowsOffice> {
  const folder = await mkdtemp(join(tmpdir(), 'nh-windows-'));
  const file = join(folder, 'spooler.json');
  const first: SpoolerState = {
    ...(recorded('printers') as Pick<SpoolerState, 'printers'>),
    ...(recorded('abilities') as Pick<SpoolerState, 'abilities'>),
    jobs: [],
    nextId: 1,
    printed: [],
    wishes: [],
    starts: 0,
  };
  writeSpooler(file, first);
  const read = (): SpoolerState => readSpooler(file);
  const open = (limits: Partial<ProcessLimits> = {}): WindowsProcess =>
    new WindowsProcess({
      command: [process.execPath, program, file],
      env: process.env,
      clock: systemClock,
      random: () => 1,
      log: silentLog,
      limits,
    });
  return {
    get state() {
      return read();
    },
    set: (change) => writeSpooler(file, { ...read(), ...change }),
    process: open,
    backend: (limits) =>
      openWindowsBackend({
        process: open(limits),
        stateFolder: join(folder, 'windows'),
        clock: systemClock,
        instances: () => new Set(),
      }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

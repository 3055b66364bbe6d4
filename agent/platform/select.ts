/** Which print systems this PC has. */
import { join } from 'node:path';
import type { Paths } from '../../config/paths.ts';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { PrintBackend } from '../printing/print-backend.ts';
import type { PrinterInstaller } from '../printing/printer-installer.ts';
import { createCupsBackend } from './cups.ts';
import { openPdfPrinter } from './pdf-printer.ts';
import { CupsInstaller } from './printer-install-cups.ts';

export interface BackendDeps {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly paths: Paths;
  readonly instances: () => ReadonlySet<string>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface Backends {
  readonly cups?: PrintBackend;
  readonly windows?: PrintBackend;
  readonly pdf: PrintBackend;
}

/** CUPS is everywhere but on Windows; the PDF printer everywhere. */
export async function selectBackends(deps: BackendDeps): Promise<Backends> {
  const { platform, env, paths, clock, instances, log } = deps;
  const pdf = await openPdfPrinter({ folder: paths.files, stateFolder: join(paths.state, 'pdf'), clock });
  if (platform === 'win32') return { windows: await (await forWindows()).windowsBackend(deps), pdf };
  return { cups: createCupsBackend({ env, clock, instances, log: log.child({ part: 'cups' }) }), pdf };
}

/** A seventh of the agent's code, which no other system needs to load. */
const forWindows = () => import('./select-windows.ts');

interface InstallerDeps extends Pick<BackendDeps, 'platform' | 'env' | 'clock'> {
  readonly user: string;
}

/** Who makes queues in the print system of this PC. */
export async function selectInstaller(deps: InstallerDeps): Promise<PrinterInstaller> {
  return deps.platform === 'win32' ? (await forWindows()).windowsInstaller(deps.env) : new CupsInstaller(deps);
}

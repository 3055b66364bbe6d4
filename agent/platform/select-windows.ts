/** What printing on Windows is made of; loaded on no other system. */
import { join } from 'node:path';
import type { PrintBackend } from '../printing/print-backend.ts';
import type { PrinterInstaller } from '../printing/printer-installer.ts';
import { powershellCommand, scriptRunner, windowsEnvironment } from './powershell-script.ts';
import { WindowsInstaller } from './printer-install-windows.ts';
import type { BackendDeps } from './select.ts';
import { openWindowsBackend } from './windows-printing.ts';
import { WindowsProcess } from './windows-process.ts';
import { windowsScript } from './windows-script.ts';

/** Nothing is started before Windows is asked for the first time. */
export function windowsBackend({ env, paths, clock, random, instances, log }: BackendDeps): Promise<PrintBackend> {
  const process = new WindowsProcess({
    command: [...powershellCommand(env), windowsScript],
    env: windowsEnvironment(env),
    clock,
    random,
    log: log.child({ part: 'windows' }),
  });
  return openWindowsBackend({ process, stateFolder: join(paths.state, 'windows'), clock, instances });
}

export function windowsInstaller(env: BackendDeps['env']): PrinterInstaller {
  return new WindowsInstaller(scriptRunner(powershellCommand(env)));
}

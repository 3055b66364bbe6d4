/** Shows a folder in the desktop's file manager. Programs get arguments, never a command line. */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { NethoodError } from '../protocol/errors.ts';

export interface OpenCommand {
  readonly program: string;
  readonly args: readonly string[];
}

/** Those of the user's session, not of the tray's process. */
export interface OpenOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** A folder that the user chose to share, or our own. */
export function openFolderCommand(folder: string, platform: NodeJS.Platform): OpenCommand {
  if (platform === 'win32') return { program: 'explorer.exe', args: [folder] };
  // By the file manager's name: a folder called `x.app` would be started otherwise.
  if (platform === 'darwin') return { program: 'open', args: ['-a', 'Finder', folder] };
  return { program: 'xdg-open', args: [folder] };
}

/** Something that came from a neighbour is pointed at, never opened: opening can mean running. */
export function showInFolderCommand(path: string, platform: NodeJS.Platform): OpenCommand {
  if (platform === 'win32') return { program: 'explorer.exe', args: [`/select,${path}`] };
  if (platform === 'darwin') return { program: 'open', args: ['-R', path] };
  return openFolderCommand(dirname(path), platform);
}

/** Kept when the program runs; it is left to itself. @throws NethoodError `unavailable` */
export async function runOpenCommand({ program, args }: OpenCommand, options: OpenOptions): Promise<void> {
  const child = spawn(program, args, { stdio: 'ignore', detached: true, ...options });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve).once('error', (cause) => {
      reject(new NethoodError('unavailable', `The folder cannot be shown: ${program} does not start.`, { cause }));
    });
  });
  child.unref();
}

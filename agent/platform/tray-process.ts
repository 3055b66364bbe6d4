/** The tray as a child of the agent where a display is. It may fail or end as it likes: the agent goes on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Log } from '../base/log.ts';

interface TrayInput {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Windows and macOS sessions always have one; elsewhere X11 or Wayland says so. */
export function hasDisplay({ platform, env }: TrayInput): boolean {
  if (platform === 'win32' || platform === 'darwin') return true;
  return [env['DISPLAY'], env['WAYLAND_DISPLAY']].some((name) => name !== undefined && name !== '');
}

interface TrayProcessDeps {
  /** The program and its arguments up to the command: `node …/cli/main.js`. */
  readonly program: readonly [string, ...string[]];
  readonly home: string | undefined;
  readonly log: Log;
}

export function startTray({ program, home, log }: TrayProcessDeps): AsyncDisposable {
  const [command, ...first] = program;
  const child = spawn(command, [...first, 'tray', ...(home === undefined ? [] : ['--home', home])], {
    stdio: ['ignore', 'ignore', 'pipe'],
    windowsHide: true,
  });
  child.on('error', (error) => log.warn({ error: error.message }, 'the tray did not start'));
  child.on('exit', (code, signal) => log.info({ code, signal }, 'the tray ended'));
  child.stderr
    .setEncoding('utf8')
    .on('data', (text: string) => log.info({ text: text.slice(0, 1000) }, 'the tray says'));
  return {
    async [Symbol.asyncDispose]() {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The tray as the desktop session starts it: a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { until } from '../office/until.ts';

const trayMain = new URL('../../dist/tray/main.js', import.meta.url).href;
const script = `const { main } = await import(${JSON.stringify(trayMain)});
process.exitCode = await main({ home: process.argv[1] });`;

interface TrayOptions {
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
  /** The working folder it is started from. */
  readonly cwd?: string;
}

export class TrayProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  stderr = '';

  constructor({ home, env, cwd }: TrayOptions) {
    const outer = { PATH: process.env['PATH'], HOME: home };
    this.#child = spawn(process.execPath, ['--input-type=module', '-e', script, home], {
      env: { ...outer, ...env },
      cwd: cwd ?? fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child.stderr?.on('data', (data: Buffer) => (this.stderr += data.toString()));
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The process id of the helper program, once there is one that is not `but`. */
  async helperPid(but?: number): Promise<number> {
    return until(
      async () => {
        const children = await childrenOf(this.#child.pid ?? 0);
        return children.find((pid) => pid !== but);
      },
      { what: () => `the helper of the tray: ${this.stderr}`, withinMs: 10_000 },
    );
  }

  /** The exit code, when it ends by itself. */
  async exitCode(withinMs = 5_000): Promise<number | null> {
    await until(() => !this.running, { what: () => `the tray to end: ${this.stderr}`, withinMs });
    return this.#child.exitCode;
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.running) {
      const exited = once(this.#child, 'exit');
      this.#child.kill(signal);
      await exited;
    }
    return this.#child.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
  }
}

/** Running children (Linux): zombies are none. */
async function childrenOf(parent: number): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // A process may end between the listing and the reading.
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(ppid) === parent && state !== 'Z') found.push(Number(name));
  }
  return found;
}

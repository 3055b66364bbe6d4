/** Real agents and the real command line, on this machine or on a host of an office. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { until } from './until.ts';

/** The program as it is built; `test/run` builds it first. */
export const program = fileURLToPath(new URL('../../bundle/cli/main.js', import.meta.url));

/** Where a program runs: this machine, or a host of an office (`nsenter …`). */
export interface Host {
  /** The words to put before a command so that it runs there. */
  readonly prefix: readonly string[];
}
export const thisHost: Host = { prefix: [] };

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface AgentOptions {
  readonly host?: Host;
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly home?: string;
}

/** The last that `nethood run` says at its start: from then on everything answers. */
const servingLine = 'Looking for neighbours.';

/** One agent in a home of its own. */
export class TestAgent implements AsyncDisposable {
  readonly home: string;
  readonly #host: Host;
  readonly #env: NodeJS.ProcessEnv;
  readonly #name: string | undefined;
  #process: ChildProcess | undefined;
  readonly #said: { readonly at: number; readonly length: number }[] = [];
  output = '';

  private constructor(home: string, options: AgentOptions) {
    this.home = home;
    this.#host = options.host ?? thisHost;
    this.#name = options.name;
    // Nothing of the user's own: no tray, no print system but one that the test names.
    this.#env = {
      PATH: process.env['PATH'],
      HOME: home,
      LANG: 'C.UTF-8',
      CUPS_SERVER: join(home, 'no-cups.sock'),
      ...options.env,
    };
  }

  /** With a home, not yet started. */
  static async prepare(options: AgentOptions = {}): Promise<TestAgent> {
    const agent = new TestAgent(options.home ?? (await mkdtemp(join(tmpdir(), 'nh-'))), options);
    await mkdir(agent.files, { recursive: true });
    return agent;
  }

  static async start(options: AgentOptions = {}): Promise<TestAgent> {
    const agent = await TestAgent.prepare(options);
    await agent.start();
    return agent;
  }

  /** Of its user: the one place in a home where something may be put. */
  get files(): string {
    return join(this.home, 'files');
  }

  get pid(): number {
    if (this.#process?.pid === undefined) throw new Error('the agent was not started');
    return this.#process.pid;
  }

  /** Over the card of its host in an office, until now. */
  async bytesReceived(): Promise<number> {
    const cards = await readFile(`/proc/${this.pid}/net/dev`, 'utf8');
    return Number(/eth0:\s*(\d+)/.exec(cards)?.[1]);
  }

  /** Until it serves. */
  async start(): Promise<void> {
    const name = this.#name === undefined ? [] : ['--name', this.#name];
    const child = this.#spawn(['run', '--no-tray', ...name]);
    this.#process = child;
    child.stdout?.on('data', (data: Buffer) => this.#hear(data));
    child.stderr?.on('data', (data: Buffer) => this.#hear(data));
    const from = this.output.length;
    await until(
      () => {
        if (child.exitCode !== null) throw new Error(`the agent ended with ${child.exitCode}: ${this.output}`);
        return Promise.resolve(this.output.includes(servingLine, from));
      },
      { what: () => `the agent to serve: ${this.output}`, withinMs: 30_000 },
    );
  }

  /** By `performance.now()`: when its output first matched. */
  saidAt(pattern: RegExp): number | undefined {
    const end = pattern.exec(this.output);
    return end === null ? undefined : this.#said.find(({ length }) => length >= end.index + end[0].length)?.at;
  }

  /** SIGKILL; gone when the promise is kept. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async nethood(...args: string[]): Promise<CliResult> {
    const child = this.#spawn(args);
    return collect(child);
  }

  /** The command line as a process of its own, for tests that kill it. */
  spawnCli(...args: string[]): ChildProcess {
    return this.#spawn(args);
  }

  /** The one document of `--json`. */
  async json<T>(schema: z.ZodType<T>, ...args: string[]): Promise<T> {
    const result = await this.nethood(...args, '--json');
    if (result.code !== 0)
      throw new Error(
        `nethood ${args.join(' ')} ended with ${result.code}: ${result.stdout}${result.stderr}\n${this.output}`,
      );
    return schema.parse(JSON.parse(result.stdout));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGTERM');
    await rm(this.home, { recursive: true, force: true });
  }

  #hear(data: Buffer): void {
    this.output += data.toString();
    this.#said.push({ at: performance.now(), length: this.output.length });
  }

  /** The prefix (nsenter) becomes the program by exec, so that the child's id is the agent's own. */
  #spawn(args: string[]): ChildProcess {
    const words = [...this.#host.prefix, process.execPath, program, ...args, '--home', this.home];
    const [command = process.execPath, ...rest] = words;
    return spawn(command, rest, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  }
}

async function collect(child: ChildProcess): Promise<CliResult> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  await once(child, 'close');
  return { code: child.exitCode, stdout, stderr };
}

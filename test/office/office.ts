/**
 * An office for tests: hosts are network namespaces on one switch, made by the script `office` beside this file. Host k
 * has the card eth0 with 10.77.0.k and fd77::k, its own host name, /run, D-Bus and Avahi; the disk is this machine's.
 *
 *     await using office = await startOffice(2);
 *     await office.run(2, "curl", [`http://${office.address(1)}/`]);
 *
 * Whatever was started inside ends with the office, also when the test's process is killed. Needs root.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface OfficeOptions {
  /** Gives host k a second card eth1 on a second LAN (10.78.0.k). */
  readonly secondCards?: readonly number[];
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the root folder. */
  readonly cwd?: string;
  /** Written to stdin, which is closed then. */
  readonly input?: string;
  /** Keeps stdin open, for `write`. */
  readonly keepStdin?: boolean;
  /** Milliseconds after which it is killed. `exec` default: 60,000; `spawn`: never. */
  readonly timeoutMs?: number;
}

export interface Finished {
  /** Exit code; 128 + 9 for a kill, as a shell tells it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const script = join(import.meta.dirname, 'office');
let offices = 0;

export async function startOffice(hosts: number, options: OfficeOptions = {}): Promise<Office> {
  // Host names are made of it: letters and digits, short enough for an interface's name.
  const prefix = `o${process.pid.toString(36)}${(offices++).toString(36)}x`;
  const office = new Office(prefix, hosts);
  try {
    await office.script('up', String(hosts));
    for (const k of options.secondCards ?? []) await office.nic(k);
  } catch (error) {
    await office[Symbol.asyncDispose]();
    throw error;
  }
  return office;
}

/** A process in a host. */
export class OfficeProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly exited: Promise<Finished>;
  readonly #waiting = new Set<() => void>();
  stdout = '';
  stderr = '';

  constructor(child: ChildProcess, timeoutMs?: number) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#grow('stdout', text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#grow('stderr', text));
    const timer = timeoutMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        clearTimeout(timer);
        resolve({ code: code ?? 137, stdout: this.stdout, stderr: this.stderr });
        this.#wake();
      });
    });
    // Whoever wants to know awaits `exited`; a process that nobody waits for must not end the test run.
    this.exited.catch(() => {});
  }

  /** nsenter becomes the command itself: this is the command's own id. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('The process did not start.');
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.#child.kill(signal);
  }

  /** To its stdin, where `keepStdin` was given. */
  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits until its output (stdout, then stderr) matches. @throws with the whole output when it ends before, or the deadline passes */
  async waitFor(pattern: RegExp, deadlineMs = 10_000): Promise<RegExpExecArray> {
    const until = Date.now() + deadlineMs;
    for (;;) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match !== null) return match;
      const why = this.running ? (Date.now() >= until ? `not within ${deadlineMs} ms` : '') : 'it has ended';
      if (why !== '') throw new Error(`${String(pattern)} not seen, ${why}:\n${this.stdout}\n${this.stderr}`);
      await this.#nextChange(until - Date.now());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.running) this.kill('SIGKILL');
    await this.exited.catch(() => {});
  }

  #nextChange(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#waiting.add(done);
    });
  }

  #grow(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.#wake();
  }

  #wake(): void {
    for (const done of Array.from(this.#waiting)) done();
  }
}

export class Office implements AsyncDisposable {
  readonly prefix: string;
  readonly hosts: number;
  readonly #state: string;
  readonly #processes: OfficeProcess[] = [];

  constructor(prefix: string, hosts: number) {
    this.prefix = prefix;
    this.hosts = hosts;
    this.#state = join(tmpdir(), `office-${prefix}`);
  }

  /** What the host calls itself, and Avahi announces as `<name>.local`. */
  hostName(k: number): string {
    return `${this.prefix}${k}`;
  }

  address(k: number, lan = 1): string {
    return `10.${76 + lan}.0.${k}`;
  }

  /** Runs it to its end; whatever its exit code. */
  async exec(k: number, command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Finished> {
    const process = await this.spawn(k, command, args, { timeoutMs: 60_000, ...options });
    return process.exited;
  }

  /** As `exec`, but @throws unless it exits with 0. Answers its stdout. */
  async run(k: number, command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(k, command, args, options);
    if (code !== 0) throw new Error(`Host ${k}: ${command} ${args.join(' ')} exited with ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** The words to put before a command so that it runs in host k. */
  async entry(k: number): Promise<readonly string[]> {
    const holder = (await readFile(join(this.#state, String(k), 'holder'), 'utf8')).trim();
    return ['nsenter', '-t', holder, '-m', '-u', '-n', '--'];
  }

  async spawn(
    k: number,
    command: string,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<OfficeProcess> {
    const [enter = '', ...rest] = await this.entry(k);
    // env execs the command, as nsenter does: no process between us and it.
    const child = spawn(enter, [...rest, 'env', '-C', options.cwd ?? '/', command, ...args], {
      env: { ...process.env, ...options.env },
      stdio: [options.input !== undefined || options.keepStdin === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    if (options.keepStdin !== true) child.stdin?.end(options.input);
    const started = new OfficeProcess(child, options.timeoutMs);
    this.#processes.push(started);
    return started;
  }

  /** A second card, eth1 on LAN 2. */
  nic(k: number, lan = 2): Promise<string> {
    return this.script('nic', String(k), String(lan));
  }

  removeNic(k: number, lan = 2): Promise<string> {
    return this.script('nic-del', String(k), String(lan));
  }

  /** The link stays up, nothing passes: a switch's uplink is lost. */
  partition(k: number): Promise<string> {
    return this.script('partition', String(k));
  }

  heal(k: number): Promise<string> {
    return this.script('heal', String(k));
  }

  /** Multicast of others does not reach the host any more; all else does. */
  filterMulticast(k: number): Promise<string> {
    return this.script('filter', String(k));
  }

  /** The host lets nothing in to UDP port 5353, as its own firewall would: not even its own multicast comes back. */
  blockMdns(k: number): Promise<string> {
    return this.script('firewall', String(k));
  }

  /** The host sees its carrier go. */
  unplug(k: number): Promise<string> {
    return this.script('unplug', String(k));
  }

  plug(k: number): Promise<string> {
    return this.script('plug', String(k));
  }

  /** Another IPv4 address for eth0, such as `10.77.0.101`. */
  readdress(k: number, address: string): Promise<string> {
    return this.script('readdress', String(k), address);
  }

  /** Stops every process of the host and takes its link down. */
  sleep(k: number): Promise<string> {
    return this.script('sleep', String(k));
  }

  wake(k: number): Promise<string> {
    return this.script('wake', String(k));
  }

  /** `loss 5% delay 20ms 5ms`, or `off`. */
  netem(k: number, spec: string): Promise<string> {
    return this.script('netem', String(k), ...spec.split(' '));
  }

  avahi(k: number, what: 'start' | 'stop' | 'kill' | 'log'): Promise<string> {
    return this.script('avahi', String(k), what);
  }

  /** The script `office` itself, for what has no method here. Answers its stdout. */
  script(...args: string[]): Promise<string> {
    const env = { ...process.env, OFFICE: this.prefix, OFFICE_STATE: this.#state, OFFICE_OWNER: String(process.pid) };
    return new Promise((resolve, reject) => {
      execFile(script, args, { env, timeout: 60_000, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`office ${args.join(' ')}: ${stderr.trim() || error.message}`));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map((started) => started[Symbol.asyncDispose]()));
    await this.script('down');
  }
}

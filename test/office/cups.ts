/** An own cupsd for a test (`cupsd-up` beside this file): own folder, port and socket, never the system's print system. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export interface CupsOptions {
  /** Where it runs: this machine, or a host of an office. */
  readonly prefix?: readonly string[];
  /** Default: a free one. */
  readonly port?: number;
  /** Seconds that a job spends printing. */
  readonly delay?: number;
  /** For `cupsd-up`: LOGLEVEL, SHARED, LISTEN … */
  readonly env?: Readonly<Record<string, string>>;
}

/** Queues `laser` (each job becomes a file in `printedFolder`) and `broken` (stops at its first job). */
export class CupsServer implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  readonly #options: CupsOptions;

  constructor(folder: string, port: number, options: CupsOptions) {
    this.folder = folder;
    this.port = port;
    this.#options = options;
  }

  /** For CUPS_SERVER: the path of its socket. */
  get server(): string {
    return join(this.folder, 'cups.sock');
  }

  get printedFolder(): string {
    return join(this.folder, 'printed');
  }

  uri(queue: string): string {
    return `ipp://127.0.0.1:${this.port}/printers/${queue}`;
  }

  /** Starts it, again after `stop` or `kill`: queues and jobs are kept as cupsd keeps them. */
  async up(): Promise<void> {
    const env = { ...process.env, KEEP_DELAY: String(this.#options.delay ?? 0), ...this.#options.env };
    const [program, ...words] = this.#words(script('cupsd-up'));
    await run(program, [...words, this.folder, String(this.port)], { env });
  }

  async stop(): Promise<void> {
    await run(script('cupsd-down'), [this.folder]);
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await run(script('cupsd-down'), ['-k', this.folder]);
  }

  /** Seconds that each job from now on spends printing. */
  async setDelay(seconds: number): Promise<void> {
    await writeFile(join(this.printedFolder, '.delay'), `${seconds}\n`);
  }

  /** The files that came out, `job-<number>-<times>.bin`; <times> above 1 is a job printed again. */
  async printed(): Promise<string[]> {
    const names = await readdir(this.printedFolder);
    return names.filter((name) => name.endsWith('.bin')).toSorted();
  }

  async printedFile(name: string): Promise<Buffer> {
    return readFile(join(this.printedFolder, name));
  }

  /** One line a document that came out, the last one last: `<job number> <job name>`, `<job number> <options>`. */
  async printedWith(what: 'titles' | 'options'): Promise<string[]> {
    const text = await readFile(join(this.printedFolder, what), 'utf8');
    return text.trimEnd().split('\n');
  }

  /** Runs one of CUPS' commands against it: `cups.command('lpadmin', '-x', 'laser')`. */
  async command(program: string, ...args: string[]): Promise<string> {
    const [first, ...words] = this.#words(program);
    const { stdout } = await run(first, [...words, ...args], { env: { ...process.env, CUPS_SERVER: this.server } });
    return stdout;
  }

  #words(program: string): [string, ...string[]] {
    const { prefix = [] } = this.#options;
    const [first, ...words] = prefix;
    return first === undefined ? [program] : [first, ...words, program];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Already down when the test took it down itself.
    await run(script('cupsd-down'), ['-a', this.folder]).catch(() => undefined);
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function startCups(options: CupsOptions = {}): Promise<CupsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'nh-cups-'));
  const cups = new CupsServer(folder, options.port ?? (await freePort()), options);
  try {
    await cups.up();
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return cups;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => void server.close(resolve));
  return port;
}

/** Programs run and timed. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const endWithinMs = 5_000;

export interface Timed {
  readonly seconds: number;
  readonly stdout: string;
}

/** From start to exit, as a person at a prompt would see it. @throws Error with what the program said */
export async function timed(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Timed> {
  const begin = performance.now();
  const { stdout } = await exec(program, args, { maxBuffer: 64 << 20, ...(env === undefined ? {} : { env }) });
  return { seconds: (performance.now() - begin) / 1000, stdout };
}

/** The first of the programs that is not installed; undefined where all are. */
export async function missingOf(...programs: readonly string[]): Promise<string | undefined> {
  for (const program of programs) {
    const found = await exec('/bin/sh', ['-c', 'command -v "$1"', 'sh', program]).then(
      () => true,
      () => false,
    );
    if (!found) return program;
  }
  return undefined;
}

/** A program that runs until it is disposed; ended by its own process id. */
export class Service implements AsyncDisposable {
  readonly child: ChildProcess;
  output = '';

  constructor(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output = `${this.output}${text}`.slice(-4000)));
    this.child.on('error', (error) => (this.output += error.message));
  }

  get ended(): boolean {
    return this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.ended) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const hard = setTimeout(() => this.child.kill('SIGKILL'), endWithinMs);
    await exited;
    clearTimeout(hard);
  }
}

/** Asks every 2 ms until it answers. @throws Error with what the service said, after 20 s or its end; the service is ended then */
export async function untilUp<T>(service: Service, ask: () => Promise<T | undefined>): Promise<T> {
  for (const end = performance.now() + 20_000; performance.now() < end && !service.ended;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const said = service.output.trim();
  await service[Symbol.asyncDispose]();
  throw new Error(`it does not come up: ${said}`);
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}

/** Agents as users run them: real processes of the built program, each in a home of its own, on loopback only. */
import { mkdir, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readAgentFile } from '../config/agent-file.ts';
import { ControlClient } from '../protocol/control-client.ts';
import type { Snapshot } from '../protocol/control.ts';
import { hasCode } from '../protocol/errors.ts';
import type { JobId } from '../protocol/ids.ts';
import { Service, timed, type Timed, untilUp } from './command.ts';
import type { Mover } from './mover.ts';

const program = fileURLToPath(new URL('../../bundle/cli/main.js', import.meta.url));

export class BenchAgent implements AsyncDisposable {
  readonly #home: string;
  readonly #cups: string;
  #service: Service | undefined;

  /** @param cups CUPS_SERVER; without it a home has no print system */
  constructor(home: string, cups = join(home, 'no-cups.sock')) {
    this.#home = home;
    this.#cups = cups;
  }

  /** Milliseconds from the start of the process until it answers. */
  async start(name: string): Promise<number> {
    await mkdir(this.#home, { recursive: true });
    await writeFile(join(this.#home, 'config.json'), JSON.stringify({ version: 1, name, lan: loopbackOnly() }));
    const begin = performance.now();
    const args = [program, 'run', '--no-tray', '--home', this.#home];
    const service = new Service(process.execPath, args, this.#env());
    this.#service = service;
    await untilUp(service, () => this.snapshot());
    return performance.now() - begin;
  }

  get pid(): number {
    const pid = this.#service?.child.pid;
    if (pid === undefined) throw new Error('The agent was not started.');
    return pid;
  }

  async snapshot(): Promise<Snapshot> {
    return new ControlClient(await readAgentFile(join(this.#home, 'run'))).snapshot();
  }

  /** One that ends meanwhile is as good as cancelled. */
  async cancel(job: JobId): Promise<void> {
    const client = new ControlClient(await readAgentFile(join(this.#home, 'run')));
    await client.call('job-cancel', { id: job }).catch((error: unknown) => {
      if (!hasCode(error, 'not-permitted')) throw error;
    });
  }

  nethood(...args: readonly string[]): Promise<Timed> {
    return timed(process.execPath, [program, ...args, '--home', this.#home], this.#env());
  }

  /** Waits until its snapshot shows something. */
  async until<T>(look: (snapshot: Snapshot) => T | undefined): Promise<T> {
    if (this.#service === undefined) throw new Error('The agent was not started.');
    return untilUp(this.#service, async () => look(await this.snapshot()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
  }

  /** Nothing of the user's own: neither his print system nor a display. */
  #env(): NodeJS.ProcessEnv {
    return { PATH: process.env['PATH'], HOME: this.#home, CUPS_SERVER: this.#cups };
  }
}

/** Nothing is announced outside of this machine. */
function loopbackOnly(): { use: string[]; ignore: string[] } {
  const cards = Object.entries(networkInterfaces());
  const isLoopback = ([, infos = []]: (typeof cards)[number]): boolean => infos.some(({ internal }) => internal);
  return {
    use: cards.filter(isLoopback).map(([name]) => name),
    ignore: cards.filter((card) => !isLoopback(card)).map(([name]) => name),
  };
}

const GetResult = z.object({ seconds: z.number() });

/** The asker is told the owner's address, and sees its share. */
export async function introduce(asker: BenchAgent, owner: BenchAgent, folder: string): Promise<void> {
  await owner.nethood('share', folder, '--name', 'Bench');
  const { ports } = await owner.snapshot();
  await asker.nethood('neighbour', 'add', `127.0.0.1:${ports.peers}`);
  await asker.until(({ neighbours }) =>
    neighbours.find(({ state, shares }) => state === 'ready' && shares.some(({ name }) => name === 'Bench')),
  );
}

/** `nethood get` by the asker, of a file in the share of `introduce`. */
export async function openGet(asker: BenchAgent, owner: BenchAgent, name: string): Promise<Mover> {
  const { device } = await owner.snapshot();
  return {
    name: 'nethood get',
    move: async (target) => {
      const { seconds, stdout } = await asker.nethood('get', `${device.id}/Bench/${name}`, target, '--json');
      return { seconds, movingSeconds: GetResult.parse(JSON.parse(stdout)).seconds };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

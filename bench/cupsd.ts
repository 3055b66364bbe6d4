/** A print system of the benchmark's own: cupsd as the tests start it, with a queue whose device swallows what it gets. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, timed } from './command.ts';

/** From dist/bench. */
const script = (name: string): string => fileURLToPath(new URL(`../../test/office/${name}`, import.meta.url));

const device = `#!/bin/bash
[ $# -eq 0 ] && { echo 'direct swallow:/ "Unknown" "Swallows all"'; exit 0; }
if [ -n "\${6:-}" ]; then cat "$6"; else cat; fi > /dev/null
`;

export const benchQueue = 'bench';

export class BenchCups implements AsyncDisposable {
  readonly folder: string;
  readonly port: number;

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
  }

  static async start(folder: string): Promise<BenchCups> {
    const port = await freePort();
    await timed(script('cupsd-up'), [folder, String(port)], { ...process.env, KEEPFILES: 'No' });
    const cups = new BenchCups(folder, port);
    const backend = join(folder, 'bin', 'backend', 'swallow');
    await writeFile(backend, device);
    await chmod(backend, 0o755);
    await cups.addRawQueue(benchQueue, 'swallow:/');
    return cups;
  }

  get server(): string {
    return join(this.folder, 'cups.sock');
  }

  uri(queue = benchQueue): string {
    return `ipp://127.0.0.1:${this.port}/printers/${queue}`;
  }

  /** Documents pass it as they are. */
  async addRawQueue(queue: string, place: string): Promise<void> {
    await this.command('lpadmin', '-p', queue, '-E', '-v', place, '-m', 'raw', '-o', 'printer-is-shared=false');
  }

  async command(program: string, ...args: string[]): Promise<string> {
    return (await timed(program, args, { ...process.env, CUPS_SERVER: this.server })).stdout;
  }

  async isIdle(): Promise<boolean> {
    return (await this.command('lpstat', '-o')) === '';
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await timed(script('cupsd-down'), ['-a', this.folder]);
  }
}

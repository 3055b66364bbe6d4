/** A queue of a test's own cupsd whose device does as it is told: jams, counts pages, fails, prints. */
import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { QueueName } from '../../protocol/ids.ts';
import type { CupsServer } from './cups.ts';
import { until } from './until.ts';

export class ToldPrinter {
  readonly queue = QueueName.parse('told');
  readonly #cups: CupsServer;
  readonly #folder: string;

  private constructor(cups: CupsServer) {
    this.#cups = cups;
    this.#folder = join(cups.folder, 'told');
  }

  /** With the error policy that Debian gives every queue; a job waits in its device until it is told to end. */
  static async add(cups: CupsServer, policy = 'retry-job'): Promise<ToldPrinter> {
    const printer = new ToldPrinter(cups);
    await printer.install(policy);
    return printer;
  }

  async install(policy = 'retry-job'): Promise<void> {
    const ppd = join(this.#cups.folder, 'pdf.ppd');
    const place = ['-v', `told:${this.#folder}`, '-P', ppd, '-o', `printer-error-policy=${policy}`];
    await this.#cups.command('lpadmin', '-p', this.queue, '-E', ...place);
  }

  /** `say STATE: +media-jam-error`, `say PAGE: 1 1`, `exit 1`; to the job that is in the device. */
  async tell(...lines: readonly string[]): Promise<void> {
    await this.reached();
    const file = join(this.#folder, '.told');
    // The device of user lp takes it away whole.
    await writeFile(`${file}-new`, `${lines.join('\n')}\n`);
    await rename(`${file}-new`, file);
    await until(async () => !(await readdir(this.#folder)).includes('.told'), {
      what: 'the device to do it',
      withinMs: 10_000,
    });
  }

  /** A job is in the device. */
  async reached(): Promise<void> {
    await until(async () => (await readdir(this.#folder)).some((name) => name.startsWith('.printing-')), {
      what: 'a job in the device',
      withinMs: 20_000,
    });
  }

  /** What came out: `job-<number>-<times>.bin`. */
  async printed(): Promise<string[]> {
    return (await readdir(this.#folder)).filter((name) => name.endsWith('.bin')).toSorted();
  }
}

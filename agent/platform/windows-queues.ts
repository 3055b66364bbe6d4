/** The printers of Windows under the names of their queues, as they were listed last. */
import { NethoodError } from '../../protocol/errors.ts';
import type { JobUuid, QueueName } from '../../protocol/ids.ts';
import type { Queue } from '../printing/print-backend.ts';
import { lostAs } from './cups-client.ts';
import { markOf } from './windows-job.ts';
import type { WindowsProcess } from './windows-process.ts';
import type { WindowsJob, WindowsPrinter } from './windows-protocol.ts';
import { queueNames, windowsQueue } from './windows-queue.ts';

export interface ListedPrinter {
  readonly queue: Queue;
  readonly printer: WindowsPrinter;
}

export interface FoundJob {
  readonly job: WindowsJob;
  readonly printer: WindowsPrinter;
}

export class WindowsQueues {
  readonly #process: WindowsProcess;
  readonly #instances: () => ReadonlySet<string>;
  #listed = new Map<QueueName, ListedPrinter>();

  constructor(process: WindowsProcess, instances: () => ReadonlySet<string>) {
    this.#process = process;
    this.#instances = instances;
  }

  /** @throws `unavailable` */
  async list(signal: AbortSignal): Promise<readonly Queue[]> {
    const { printers } = await this.#process.ask('printers', {}, signal).catch((error: unknown) => {
      throw lostAs('unavailable', error);
    });
    const byName = new Map(printers.map((printer) => [printer.Name, printer]));
    const instances = this.#instances();
    this.#listed = new Map(
      Array.from(queueNames([...byName.keys()])).flatMap(([id, name]): [QueueName, ListedPrinter][] => {
        const printer = byName.get(name);
        return printer === undefined ? [] : [[id, { printer, queue: windowsQueue(id, printer, instances) }]];
      }),
    );
    return Array.from(this.#listed.values(), ({ queue }) => queue);
  }

  /** @throws `not-found`, `unavailable` */
  async get(id: QueueName, signal: AbortSignal): Promise<ListedPrinter> {
    if (!this.#listed.has(id)) await this.list(signal);
    const listed = this.#listed.get(id);
    if (listed === undefined) throw new NethoodError('not-found', `Windows has no printer ${id}.`);
    return listed;
  }

  /** Undefined where the queue no longer has it, or is no more. @throws `unavailable` */
  async job(id: QueueName, uuid: JobUuid, signal: AbortSignal): Promise<FoundJob | undefined> {
    if (!this.#listed.has(id)) await this.list(signal);
    const name = this.#listed.get(id)?.printer.Name;
    if (name === undefined) return undefined;
    const { printers } = await this.#process.ask('jobs', { printers: [name] }, signal);
    const mark = markOf(uuid);
    for (const printer of printers) {
      const job = printer.jobs.findLast(({ DocumentName }) => DocumentName.endsWith(mark));
      if (job !== undefined) return { job, printer };
    }
    return undefined;
  }
}

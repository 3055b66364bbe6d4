/**
 * The print system of Windows as a place where documents go, asked through one long-lived PowerShell. Windows tells less than
 * CUPS: a job is known by the end of its name alone, and is gone from the queue when it is done. What is missing is kept
 * beside it (windows-delivery.ts).
 */
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { JobUuid, QueueName } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import type { BackendJob, Document, PrintBackend, Queue } from '../printing/print-backend.ts';
import { lostAs } from './cups-client.ts';
import { windowsAttributes, windowsFormats } from './windows-attributes.ts';
import { WindowsDeliveries } from './windows-delivery.ts';
import { pagesBefore } from './windows-faults.ts';
import { followWindowsJob } from './windows-follow.ts';
import { documentName, goneReport, markOf, readWindowsReference, windowsJobReport } from './windows-job.ts';
import type { WindowsProcess } from './windows-process.ts';
import type { AnswerTo, PrintWish, WindowsAbilities, WindowsPrinter } from './windows-protocol.ts';
import { WindowsQueues } from './windows-queues.ts';
import { unprintable } from './windows-queue.ts';
import { jobStateFrom } from './windows-status.ts';
import { printSettings } from './windows-ticket.ts';

export interface WindowsDeps {
  readonly process: WindowsProcess;
  /** Of our own state: how far each job came. */
  readonly stateFolder: string;
  readonly clock: Clock;
  /** DNS-SD names under which agents announce printers now, our own included: queues that lead there are not shared again. */
  readonly instances: () => ReadonlySet<string>;
}

export async function openWindowsBackend(deps: WindowsDeps): Promise<PrintBackend> {
  return new WindowsBackend(deps, await WindowsDeliveries.open(deps.stateFolder, deps.clock.wall()));
}

const kinds = new Map<string, PrintWish['kind']>([
  ['application/pdf', 'pdf'],
  ['image/pwg-raster', 'pdf'],
  ['image/urf', 'pdf'],
  ['image/jpeg', 'jpeg'],
  ['text/plain', 'text'],
]);

class WindowsBackend implements PrintBackend {
  readonly #deps: WindowsDeps;
  readonly #process: WindowsProcess;
  readonly #deliveries: WindowsDeliveries;
  readonly #queues: WindowsQueues;
  /** Documents that PowerShell works on. */
  readonly #printing = new Map<JobUuid, Promise<unknown>>();
  #closed = false;

  constructor(deps: WindowsDeps, deliveries: WindowsDeliveries) {
    this.#deps = deps;
    this.#process = deps.process;
    this.#deliveries = deliveries;
    this.#queues = new WindowsQueues(deps.process, deps.instances);
  }

  list(signal: AbortSignal): Promise<readonly Queue[]> {
    return this.#queues.list(signal);
  }

  async describe(id: QueueName, signal: AbortSignal): Promise<AttributeGroup> {
    const { queue, printer } = await this.#queues.get(id, signal);
    return windowsAttributes(queue, await this.#abilities(id, printer, signal));
  }

  async submit(id: QueueName, document: Document, signal: AbortSignal): Promise<BackendJob> {
    signal.throwIfAborted();
    const { printer } = await this.#queues.get(id, signal).catch(orUnreachable);
    const why = unprintable(printer);
    if (why !== undefined)
      throw new NethoodError('not-supported', `Nothing can be printed on "${printer.Name}": ${why}`);
    const kind = kinds.get(document.format);
    if (kind === undefined)
      throw new NethoodError('bad-document', `Windows prints ${windowsFormats.join(', ')}, not ${document.format}.`);
    const abilities = await this.#abilities(id, printer, signal).catch(orUnreachable);
    const file = await this.#deliveries.take(document, signal);
    return this.#print(document.uuid, printer, { ...this.#wish(document, printer, abilities), file, kind }, signal);
  }

  async find(id: QueueName, uuid: JobUuid, signal: AbortSignal): Promise<BackendJob | undefined> {
    await this.#settled(uuid, signal);
    const found = await this.#queues.job(id, uuid, signal).catch(orUnavailable);
    if (found !== undefined) return windowsJobReport(found.job, found.printer, uuid);
    switch (await this.#deliveries.how(uuid)) {
      case 'never':
        return undefined;
      case 'whole':
        return goneReport(uuid, 'completed');
      case 'removed':
        return goneReport(uuid, 'canceled');
      case 'unknown':
        throw new NethoodError(
          'unsupported',
          'Windows had begun to take the document and cannot tell how far that came.',
        );
    }
  }

  async cancel(id: QueueName, reference: string, signal: AbortSignal): Promise<void> {
    const { uuid } = await this.#known(reference);
    const found = await this.#queues.job(id, uuid, signal).catch(orUnreachable);
    // It has ended, and that is as good.
    if (found === undefined) return;
    await this.#change(found, 'remove', uuid, signal);
    await this.#deliveries.removed(uuid);
  }

  async hold(id: QueueName, reference: string, signal: AbortSignal): Promise<void> {
    const { found, state, uuid } = await this.#waiting(id, reference, signal);
    if (state === 'pending-held') return;
    if (state !== 'pending')
      throw new NethoodError('not-permitted', `The job cannot be held any more: it is ${state}.`);
    await this.#change(found, 'pause', uuid, signal);
  }

  async release(id: QueueName, reference: string, signal: AbortSignal): Promise<void> {
    const { found, state, uuid } = await this.#waiting(id, reference, signal);
    if (state !== 'pending-held') throw new NethoodError('not-permitted', `The job is not held: it is ${state}.`);
    await this.#change(found, 'resume', uuid, signal);
  }

  async *watch(id: QueueName, reference: string, signal: AbortSignal): AsyncIterable<BackendJob> {
    const { uuid } = await this.#known(reference);
    yield* followWindowsJob(
      { queues: this.#queues, deliveries: this.#deliveries, clock: this.#deps.clock },
      id,
      uuid,
      signal,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#process[Symbol.asyncDispose]();
    await Promise.allSettled(this.#printing.values());
  }

  async #abilities(id: QueueName, printer: WindowsPrinter, signal: AbortSignal): Promise<WindowsAbilities> {
    const { abilities } = await this.#process.ask('abilities', { printer: printer.Name }, signal);
    if (abilities === null) throw new NethoodError('not-found', `Windows cannot open its printer ${id}.`);
    return abilities;
  }

  #wish({ uuid, name, template }: Document, printer: WindowsPrinter, abilities: WindowsAbilities) {
    return {
      ...printSettings(template, abilities),
      printer: printer.Name,
      document: documentName(name, uuid),
      mark: markOf(uuid),
      done: this.#deliveries.path(uuid, 'done'),
    };
  }

  /** What was begun comes to its end and into the records, whoever still waits for it. */
  async #print(uuid: JobUuid, printer: WindowsPrinter, wish: PrintWish, signal: AbortSignal): Promise<BackendJob> {
    await this.#deliveries.begin(uuid);
    const { id, answer } = this.#process.begin('print', wish);
    const printing = this.#recorded(uuid, printer, answer).finally(() => this.#printing.delete(uuid));
    this.#printing.set(uuid, printing);
    return orAborted(printing, signal, () => {
      // An agent that stops lets it go on.
      if (!hasCode(signal.reason, 'cancelled')) return;
      this.#process.begin('stop', { print: id }).answer.catch(() => undefined);
    });
  }

  async #recorded(uuid: JobUuid, printer: WindowsPrinter, answer: Promise<AnswerTo<'print'>>): Promise<BackendJob> {
    try {
      const { stopped, job } = await answer;
      if (stopped) await this.#deliveries.removed(uuid);
      if (stopped || job === null) return goneReport(uuid, stopped ? 'canceled' : 'completed');
      return windowsJobReport(job, printer, uuid);
    } catch (error) {
      // Only a fault that was told, and came before the first page, says for certain that nothing is on paper.
      if (pagesBefore(error) === 0) await this.#deliveries.undo(uuid);
      throw lostAs('unreachable', error);
    } finally {
      // What PowerShell still prints when the agent stops, it still reads.
      if (!this.#closed) await this.#deliveries.drop(uuid).catch(() => undefined);
    }
  }

  async #settled(uuid: JobUuid, signal: AbortSignal): Promise<void> {
    const printing = this.#printing.get(uuid);
    if (printing !== undefined)
      await orAborted(
        printing.catch(() => undefined),
        signal,
        () => undefined,
      );
  }

  async #known(reference: string): Promise<{ uuid: JobUuid }> {
    const { uuid } = readWindowsReference(reference);
    if ((await this.#deliveries.how(uuid)) === 'never') throw unknownJob();
    return { uuid };
  }

  async #waiting(id: QueueName, reference: string, signal: AbortSignal) {
    const { uuid } = await this.#known(reference);
    const found = await this.#queues.job(id, uuid, signal).catch(orUnreachable);
    if (found === undefined) throw unknownJob();
    return { found, uuid, state: jobStateFrom(found.job.JobStatus).state };
  }

  async #change(
    { job, printer }: { readonly job: { readonly Id: number }; readonly printer: WindowsPrinter },
    to: 'pause' | 'resume' | 'remove',
    uuid: JobUuid,
    signal: AbortSignal,
  ): Promise<void> {
    const change = { printer: printer.Name, job: job.Id, mark: markOf(uuid), to };
    const { found } = await this.#process.ask('change', change, signal).catch(orUnreachable);
    if (!found && to !== 'remove') throw unknownJob();
  }
}

function unknownJob(): NethoodError {
  return new NethoodError('not-found', 'Windows no longer has the job in its queue.');
}

function orUnreachable(error: unknown): never {
  throw lostAs('unreachable', error);
}

function orUnavailable(error: unknown): never {
  throw lostAs('unavailable', error);
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal, onAbort: () => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      onAbort();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

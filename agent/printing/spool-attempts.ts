/** What is done with destinations for one job at a time: hand over, ask, watch, cancel. Each ends as an event for the job. */
import { hasCode, NethoodError, toNethoodError } from '../../protocol/errors.ts';
import type { JobId, QueueName } from '../../protocol/ids.ts';
import { backoff } from '../base/backoff.ts';
import { sleep, type Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Scope } from '../base/scope.ts';
import { attributesFromJson } from './ipp-json.ts';
import type { Destination, Job } from './job.ts';
import type { JobEvents } from './job-events.ts';
import type { BackendJob, Document, PrintBackend } from './print-backend.ts';
import type { SpoolDocuments } from './spool-documents.ts';

export interface Target {
  readonly backend: PrintBackend;
  /** The queue as the backend calls it. */
  readonly queue: QueueName;
}

/** An event without its time, which the spool adds. */
export type PlainJobEvent = { [T in keyof JobEvents]: { readonly type: T } & JobEvents[T] }[keyof JobEvents];

export interface AttemptDeps {
  readonly scope: Scope;
  readonly documents: SpoolDocuments;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Undefined where the destination is not there at all now. */
  backendFor(destination: Destination): Target | undefined;
  dispatch(id: JobId, event: PlainJobEvent): Promise<Job>;
}

export class SpoolAttempts {
  readonly #deps: AttemptDeps;
  readonly #underWay = new Map<JobId, AbortController>();
  readonly #watched = new Set<JobId>();

  constructor(deps: AttemptDeps) {
    this.#deps = deps;
  }

  submit(job: Job): void {
    let sent = false;
    this.#try(
      job,
      async ({ backend, queue }, signal) => {
        const document = this.#documentOf(job, () => (sent = true));
        return { type: 'accepted', report: await backend.submit(queue, document, signal) };
      },
      () => sent,
    );
  }

  find(job: Job): void {
    this.#try(
      job,
      async ({ backend, queue }, signal) => {
        const report = await backend.find(queue, job.uuid, signal);
        return report === undefined ? { type: 'absent' } : { type: 'accepted', report };
      },
      () => false,
    );
  }

  interrupt(id: JobId): void {
    this.#underWay.get(id)?.abort(new NethoodError('cancelled', `Job ${id} was cancelled.`));
  }

  watch(job: Job): void {
    if (this.#watched.has(job.id)) return;
    this.#watched.add(job.id);
    this.#run(job.id, async (signal) => {
      const event = await this.#follow(job, signal);
      this.#watched.delete(job.id);
      if (event !== undefined && !signal.aborted) await this.#deps.dispatch(job.id, event);
    });
  }

  /** Tried until the destination has heard it or the job is over by itself. */
  insist(job: Job, on: 'cancel' | 'release'): void {
    const delays = backoff({ firstMs: 1_000, mostMs: 30_000, jitter: 0.2, random: this.#deps.random });
    this.#run(job.id, async (signal) => {
      for (let tries = 0; tries < 8; tries++) {
        const failure = await this.#told(job, on, signal);
        if (failure === undefined || hasCode(failure, 'not-found', 'not-permitted', 'unsupported')) return;
        await sleep(this.#deps.clock, delays.next().value, signal);
      }
    });
  }

  /** Of a job that the destination has: told there, and what it says of the job then. @throws NethoodError the destination's */
  async ask(job: Job, what: 'hold' | 'release', signal: AbortSignal): Promise<BackendJob | undefined> {
    const { backend, queue } = this.#target(job);
    await backend[what](queue, job.reference ?? '', signal);
    return backend.find(queue, job.uuid, signal);
  }

  async #told(job: Job, what: 'cancel' | 'release', signal: AbortSignal): Promise<NethoodError | undefined> {
    try {
      const { backend, queue } = this.#target(job);
      await backend[what](queue, job.reference ?? '', signal);
      return undefined;
    } catch (error) {
      const { message } = toNethoodError(error);
      this.#deps.log.info({ job: job.id, what, error: message }, 'The destination did not do what the job was told.');
      return toNethoodError(error);
    }
  }

  #try(job: Job, work: (target: Target, signal: AbortSignal) => Promise<PlainJobEvent>, sent: () => boolean): void {
    const controller = new AbortController();
    this.#underWay.set(job.id, controller);
    this.#run(job.id, async (signal) => {
      const event = await this.#tried(
        job,
        (target) => work(target, AbortSignal.any([signal, controller.signal])),
        sent,
      );
      this.#underWay.delete(job.id);
      // A try that our own end cut off is found again by the next start.
      if (!signal.aborted) await this.#deps.dispatch(job.id, event);
    });
  }

  async #tried(
    job: Job,
    work: (target: Target) => Promise<PlainJobEvent>,
    sent: () => boolean,
  ): Promise<PlainJobEvent> {
    try {
      return await work(this.#target(job));
    } catch (error) {
      const { code, message } = toNethoodError(error);
      if (code === 'internal') this.#deps.log.warn({ job: job.id, error }, 'A print backend failed.');
      return { type: 'failed', code, message: message.slice(0, 1023), sent: sent() };
    }
  }

  /** Undefined when the job ended. */
  async #follow(job: Job, signal: AbortSignal): Promise<PlainJobEvent | undefined> {
    try {
      const { backend, queue } = this.#target(job);
      for await (const report of backend.watch(queue, job.reference ?? '', signal)) {
        const now = await this.#deps.dispatch(job.id, { type: 'report', report });
        if (now.phase === 'ended') return undefined;
      }
      return { type: 'contact-lost', code: 'interrupted', message: `${job.label} says no more about the job.` };
    } catch (error) {
      const { code, message } = toNethoodError(error);
      if (code === 'not-found') return { type: 'vanished' };
      return { type: 'contact-lost', code, message: message.slice(0, 1023) };
    }
  }

  #run(id: JobId, work: (signal: AbortSignal) => Promise<void>): void {
    this.#deps.scope.run(work, (error) => this.#deps.log.error({ job: id, error }, 'The spool failed at a job.'));
  }

  #target(job: Job): Target {
    const target = this.#deps.backendFor(job.destination);
    if (target === undefined) throw new NethoodError('unavailable', `The printer ${job.label} is not there now.`);
    return target;
  }

  #documentOf(job: Job, sent: () => void): Document {
    const { document } = job;
    if (document === undefined) throw new NethoodError('job-failed', `Job ${job.id} has no document.`);
    return {
      uuid: job.uuid,
      name: job.name,
      user: job.owner.user,
      format: document.format,
      bytes: document.bytes,
      template: attributesFromJson(job.template),
      fidelity: job.fidelity === true,
      hold: job.hold === 'wanted',
      // Once its last byte is read, the destination may have it whole, whatever the answer.
      open: () => this.#deps.documents.read(document).once('end', sent),
    };
  }
}

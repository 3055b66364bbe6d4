/**
 * One spool for every destination: a queue of this PC, the PDF printer, a neighbour's printer. Whoever hands over a
 * document is told "accepted" only when document and record are on disk; from then on the job is never lost, and never
 * printed twice without a person having said so, whatever is killed.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NethoodError, toNethoodError } from '../../protocol/errors.ts';
import type { DeviceId, JobId, JobUuid } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import { attributesToJson } from './ipp-json.ts';
import type { AttributeGroup } from './ipp-values.ts';
import { type Destination, type Job, type JobOwner, newJobUuid, submissionKey } from './job.ts';
import { entered } from './job-hold.ts';
import type { Target } from './spool-attempts.ts';
import { type DocumentLimits, type IncomingDocument, SpoolDocuments } from './spool-documents.ts';
import { documentSender, refuseBeyondQuota, type SpoolQuota } from './spool-quota.ts';
import { SpoolRunner } from './spool-runner.ts';
import { type KeptRecords, SpoolStore, usualRecords } from './spool-store.ts';

export interface SpoolDeps {
  /** Of the spool alone; made if need be. */
  readonly folder: string;
  /** Undefined where the destination is not there at all now. */
  backendFor(destination: Destination): Target | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly limits: () => SpoolLimits;
  /** Of jobs that ended. */
  readonly records?: KeptRecords;
}

export interface SpoolLimits extends DocumentLimits, SpoolQuota {
  /** How long a job waits for its destination; default: a day. */
  readonly patienceMs?: number;
}

export interface JobOrder {
  readonly destination: Destination;
  readonly label: string;
  readonly owner: JobOwner;
  readonly name: string;
  readonly template: AttributeGroup;
  /** It waits until it is released: here, or for a neighbour's printer there. */
  readonly hold?: boolean;
  /** Rather not printed than otherwise than the template says. */
  readonly fidelity?: boolean;
  /** The sender's own name for the job: the same one twice from the same device is the same job. */
  readonly uuid?: JobUuid | undefined;
}

/** multiple-operation-time-out (RFC 8011 section 5.4.31), seconds: how long Create-Job waits for its document. */
export const multipleOperationTimeOut = 60;
const tidyEveryMs = 6 * 3_600_000;

export async function openSpool(deps: SpoolDeps): Promise<Spool> {
  await mkdir(deps.folder, { recursive: true, mode: 0o700 });
  const store = await SpoolStore.open(deps.folder, deps.log, deps.records);
  const spool = new Spool(deps, store);
  try {
    await spool.start();
    return spool;
  } catch (error) {
    await spool[Symbol.asyncDispose]();
    throw error;
  }
}

export class Spool implements AsyncDisposable {
  readonly events = new Emitter<{ changed: [Job] }>();
  readonly #deps: SpoolDeps;
  readonly #scope = new Scope();
  readonly #store: SpoolStore;
  readonly #documents: SpoolDocuments;
  readonly #runner: SpoolRunner;
  readonly #bySubmission = new Map<string, JobId>();
  /** Submissions whose document comes in just now. */
  readonly #arriving = new Map<string, { stop: AbortController; done: Promise<unknown> }>();
  /** Of jobs made by Create-Job: the clock that runs while nothing comes. */
  readonly #createTimers = new Map<JobId, Disposable>();
  #endedSinceTidy = 0;

  constructor(deps: SpoolDeps, store: SpoolStore) {
    this.#deps = deps;
    this.#store = this.#scope.use(store);
    this.#documents = this.#scope.use(new SpoolDocuments(join(deps.folder, 'documents'), deps.limits));
    this.#runner = new SpoolRunner({
      ...deps,
      backendFor: (destination) => deps.backendFor(destination),
      scope: this.#scope,
      store,
      documents: this.#documents,
      changed: (job) => this.#tell(job),
    });
  }

  async start(): Promise<void> {
    const live = this.jobs().filter(({ phase }) => phase !== 'ended');
    const there = await this.#documents.open(new Set(live.flatMap(({ document }) => document?.file ?? [])));
    for (const job of this.jobs()) this.#remember(job);
    await this.#runner.restart(({ document }) => document !== undefined && there.has(document.file));
    for (const { id, phase } of live) if (phase === 'receiving') this.#expectDocument(id);
    this.#tidyLater(0);
    this.#scope.defer(() => {
      for (const timer of this.#createTimers.values()) timer[Symbol.dispose]();
    });
  }

  /** Of the last week, by id. */
  jobs(): readonly Job[] {
    return [...this.#store.jobs.values()];
  }

  /** Those that have not ended. */
  active(): Iterable<Job> {
    return this.#runner.active();
  }

  get(id: number): Job | undefined {
    return this.#store.jobs.get(id as JobId);
  }

  /** The job of this sender under this name. */
  submitted(owner: JobOwner, uuid: JobUuid): Job | undefined {
    const key = submissionKey(owner, uuid);
    const id = key === undefined ? undefined : this.#bySubmission.get(key);
    return id === undefined ? undefined : this.get(id);
  }

  /** Kept when document and record are durable. @throws NethoodError `busy`, `too-large`, `no-space`, `bad-document`, `interrupted`, `write-failed` */
  accept(order: JobOrder, document: IncomingDocument, signal: AbortSignal): Promise<Job> {
    expectErrors(document);
    return this.#once(order, signal, async (stop) => {
      refuseBeyondQuota(order.owner, this.#runner.active(), this.#deps.limits());
      const sender = documentSender(order.owner, () => this.#runner.active());
      const received = await this.#documents.receive(document, stop, sender);
      try {
        return await this.#enter(entered(this.#newJob(order), received));
      } catch (error) {
        await this.#documents.remove(received);
        throw error;
      }
    });
  }

  /** Create-Job: the job is there, its document comes later. @throws NethoodError `busy`, `write-failed` */
  create(order: JobOrder, signal: AbortSignal): Promise<Job> {
    return this.#once(order, signal, async () => {
      refuseBeyondQuota(order.owner, this.#runner.active(), this.#deps.limits());
      const job = await this.#enter(this.#newJob(order));
      this.#expectDocument(job.id);
      return job;
    });
  }

  /** Send-Document. A document that is refused or breaks off ends its job. @throws NethoodError as `accept`, `not-permitted` (it has its document) */
  async addDocument(id: JobId, document: IncomingDocument, signal: AbortSignal): Promise<Job> {
    expectErrors(document);
    const job = this.get(id);
    const timer = this.#createTimers.get(id);
    // Without its timer a document is coming in already.
    if (job?.phase !== 'receiving' || timer === undefined)
      throw new NethoodError('not-permitted', `Job ${id} takes no document now.`);
    timer[Symbol.dispose]();
    this.#createTimers.delete(id);
    try {
      const stop = AbortSignal.any([signal, this.#scope.signal]);
      const sender = documentSender(job.owner, () => this.#runner.active());
      const received = await this.#documents.receive(document, stop, sender);
      return await this.#runner.dispatch(id, { type: 'received', document: received });
    } catch (error) {
      const { message } = toNethoodError(error);
      await this.#runner.dispatch(id, { type: 'receive-ended', message: message.slice(0, 1023) });
      throw error;
    }
  }

  /** @throws NethoodError `not-found`, `not-permitted` (it has ended) */
  cancel(id: JobId, by: 'user' | 'operator'): Promise<Job> {
    return this.#runner.dispatch(id, { type: 'cancel', by });
  }

  /** @throws NethoodError `not-found`, `not-permitted` (it prints already), `unsupported`, `unreachable` (it is at its destination) */
  hold(id: JobId): Promise<Job> {
    return this.#runner.hold(id, 'hold');
  }

  /** @throws NethoodError `not-found`, `not-permitted` (it is not held), `unsupported`, `unreachable` */
  release(id: JobId): Promise<Job> {
    return this.#runner.hold(id, 'release');
  }

  /** The neighbour is there again, or (null) the local print system: its jobs do not wait out their back-off. */
  nudge(device: DeviceId | null): void {
    this.#runner.nudge(device);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  /** The same submission twice is one job; a second one under way replaces the first, whose connection is dead to its sender. */
  async #once(order: JobOrder, signal: AbortSignal, make: (stop: AbortSignal) => Promise<Job>): Promise<Job> {
    const key = order.uuid === undefined ? undefined : submissionKey(order.owner, order.uuid);
    if (key === undefined) return make(AbortSignal.any([signal, this.#scope.signal]));
    for (let other = this.#arriving.get(key); other !== undefined; other = this.#arriving.get(key)) {
      other.stop.abort();
      await other.done;
    }
    const known = order.uuid === undefined ? undefined : this.submitted(order.owner, order.uuid);
    if (known !== undefined) return known;
    const stop = new AbortController();
    const work = make(AbortSignal.any([signal, this.#scope.signal, stop.signal]));
    const done = work.catch(() => undefined).finally(() => this.#arriving.delete(key)); // Told to who asked.
    this.#arriving.set(key, { stop, done });
    return work;
  }

  async #enter(job: Job): Promise<Job> {
    await this.#store.put(job);
    this.#remember(job);
    this.#runner.adopt(job);
    return job;
  }

  #newJob({ uuid = newJobUuid(), template, hold = false, fidelity = false, ...order }: JobOrder): Job {
    return {
      ...order,
      ...(hold ? { hold: 'wanted' } : {}),
      ...(fidelity ? { fidelity } : {}),
      patienceMs: this.#deps.limits().patienceMs,
      label: order.label.slice(0, 512),
      name: order.name.slice(0, 1023),
      id: this.#store.nextId(),
      uuid,
      template: attributesToJson(template),
      phase: 'receiving',
      state: 'pending-held',
      reasons: ['job-incoming'],
      unsure: false,
      failures: 0,
      created: this.#deps.clock.wall(),
    };
  }

  #remember(job: Job): void {
    const key = submissionKey(job.owner, job.uuid);
    if (key !== undefined) this.#bySubmission.set(key, job.id);
  }

  #expectDocument(id: JobId): void {
    const end = async (): Promise<void> => {
      this.#createTimers.delete(id);
      const message = `No document came within ${multipleOperationTimeOut} s.`;
      await this.#runner.dispatch(id, { type: 'receive-ended', message });
    };
    const timer = this.#deps.clock.timer(multipleOperationTimeOut * 1000, () =>
      this.#scope.run(end, (error) => this.#deps.log.error({ job: id, error }, 'A job could not be ended.')),
    );
    this.#createTimers.set(id, timer);
  }

  #tidy(): void {
    this.#endedSinceTidy = 0;
    const tidy = async (): Promise<void> => {
      await this.#store.tidy(this.#deps.clock.wall());
      for (const [key, id] of this.#bySubmission) if (this.get(id) === undefined) this.#bySubmission.delete(key);
    };
    this.#scope.run(tidy, (error) => this.#deps.log.warn({ error }, 'The print spool cannot be tidied.'));
  }

  #tidyLater(ms: number): void {
    const timer = this.#deps.clock.timer(ms, () => {
      this.#tidy();
      this.#tidyLater(tidyEveryMs);
    });
    this.#scope.defer(() => timer[Symbol.dispose]());
  }

  #tell(job: Job): void {
    const { ofOne } = this.#deps.records ?? usualRecords;
    if (job.phase === 'ended' && ++this.#endedSinceTidy >= ofOne / 2) this.#tidy();
    try {
      this.events.emit('changed', job);
    } catch (error) {
      // Who listens is not the spool's affair; the job goes on.
      this.#deps.log.error({ error }, 'A listener of the print spool failed.');
    }
  }
}

/** A stream may fail while nobody reads it yet; whoever reads it then is told. Without a listener the process would end. */
export function expectErrors({ stream }: Pick<IncomingDocument, 'stream'>): void {
  stream.on('error', () => undefined);
}

/** Drives every job through `job-state`: one event after the other, on disk first, then its effects; lanes give the turns. */
import { NethoodError, toNethoodError } from '../../protocol/errors.ts';
import type { DeviceId, JobId } from '../../protocol/ids.ts';
import type { Job } from './job.ts';
import { laneOf } from './job.ts';
import type { JobEffect } from './job-events.ts';
import { mustRecord, step } from './job-state.ts';
import { SpoolAttempts, type AttemptDeps, type PlainJobEvent } from './spool-attempts.ts';
import { SpoolLane } from './spool-lane.ts';
import { SpoolRush } from './spool-rush.ts';
import type { SpoolStore } from './spool-store.ts';

interface RunnerDeps extends Omit<AttemptDeps, 'dispatch'> {
  readonly store: SpoolStore;
  changed(job: Job): void;
}

/** How long a lane rests when its journal cannot be written. */
const diskRestMs = 10_000;

export class SpoolRunner {
  readonly #deps: RunnerDeps;
  readonly #attempts: SpoolAttempts;
  readonly #lanes = new Map<string, SpoolLane>();
  /** Events of one job follow one another. */
  readonly #last = new Map<JobId, Promise<unknown>>();
  readonly #timers = new Map<JobId, Disposable>();
  readonly #rush = new SpoolRush();

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
    this.#attempts = new SpoolAttempts({ ...deps, dispatch: (id, event) => this.dispatch(id, event) });
    deps.scope.defer(() => {
      for (const timer of this.#timers.values()) timer[Symbol.dispose]();
      for (const { resting } of this.#lanes.values()) resting?.[Symbol.dispose]();
    });
  }

  /** Jobs that have not ended, of all lanes. */
  *active(): Generator<Job, void, undefined> {
    for (const lane of this.#lanes.values())
      for (const id of lane.ids) {
        const job = this.#deps.store.jobs.get(id);
        if (job !== undefined) yield job;
      }
  }

  /** A job that is in the store since now. */
  adopt(job: Job): void {
    this.#rush.note(this.#deps.clock.now());
    this.#laneOf(job).note(job);
    this.#deps.changed(job);
    this.#kick(job);
  }

  /** What the spool was doing when it stopped; no turn is given before all are known. */
  async restart(thereIs: (job: Job) => boolean): Promise<void> {
    const jobs = [...this.#deps.store.jobs.values()].filter(({ phase }) => phase !== 'ended').toSorted(byId);
    for (const job of jobs) this.#laneOf(job).note(job);
    for (const job of jobs) await this.dispatch(job.id, { type: 'restarted', documentThere: thereIs(job) });
    for (const job of jobs) this.#kick(job);
  }

  /** The job after the event. @throws NethoodError what `step` throws, `not-found` */
  dispatch(id: JobId, event: PlainJobEvent): Promise<Job> {
    const before = this.#last.get(id) ?? Promise.resolve();
    const after = before.then(() => this.#apply(id, event));
    const settled = after
      .catch(() => undefined) // Told to who sent the event; the next one is not held up.
      .finally(() => {
        if (this.#last.get(id) === settled) this.#last.delete(id);
      });
    this.#last.set(id, settled);
    return after;
  }

  /** Held or released where it is: here, or at its destination. @throws NethoodError what `step` or the destination throws */
  async hold(id: JobId, what: 'hold' | 'release'): Promise<Job> {
    const job = this.#deps.store.jobs.get(id);
    if (job?.phase !== 'submitted') return this.dispatch(id, { type: what });
    const report = await this.#attempts.ask(job, what, this.#deps.scope.signal);
    return report === undefined ? job : this.dispatch(id, { type: 'report', report });
  }

  /** This neighbour, or (null) the local print system, can be reached again: nobody waits out a back-off. */
  nudge(device: DeviceId | null): void {
    for (const id of this.#timers.keys())
      if (this.#deps.store.jobs.get(id)?.destination.device === device) this.#retry(id);
  }

  async #apply(id: JobId, event: PlainJobEvent): Promise<Job> {
    const { store, clock } = this.#deps;
    const before = store.jobs.get(id);
    if (before === undefined) throw new NethoodError('not-found', `There is no job ${id}.`);
    const { job, effects } = step(before, { ...event, now: clock.wall() });
    if (job === before && effects.length === 0) return job;
    await this.#save(before, job, event);
    this.#laneOf(job).note(job);
    if (job.phase !== before.phase) this.#clearTimer(id);
    if (job.phase === 'ended') await this.#bury(job);
    this.#deps.changed(job);
    for (const effect of effects) this.#act(job, effect);
    this.#kick(job);
    return job;
  }

  /** What a person asked and what lets a document out must be on disk; what the destination said it will say again. */
  async #save(before: Job, job: Job, event: PlainJobEvent): Promise<void> {
    if (!mustRecord(before, job)) return this.#deps.store.touch(job);
    try {
      await this.#deps.store.put(job);
    } catch (error) {
      this.#deps.log.error({ job: job.id, error }, 'The journal of the print spool cannot be written.');
      if (mustLast.has(event.type)) throw toDiskError(error);
      this.#deps.store.touch(job);
    }
  }

  async #bury(job: Job): Promise<void> {
    if (job.document === undefined) return;
    await this.#deps.documents.remove(job.document).catch((error: unknown) => {
      // The next start removes it.
      this.#deps.log.warn({ job: job.id, error }, 'The document of an ended job cannot be deleted.');
    });
  }

  #act(job: Job, effect: JobEffect): void {
    switch (effect.type) {
      case 'submit':
        return this.#attempts.submit(job);
      case 'find':
        return this.#attempts.find(job);
      case 'watch':
        return this.#attempts.watch(job);
      case 'cancel':
      case 'release':
        return this.#attempts.insist(job, effect.type);
      case 'interrupt':
        return this.#attempts.interrupt(job.id);
      case 'retry':
        return this.#retryAfter(job.id, effect.afterMs * (1 - 0.2 * this.#deps.random()));
    }
  }

  #retryAfter(id: JobId, ms: number): void {
    this.#clearTimer(id);
    this.#timers.set(
      id,
      this.#deps.clock.timer(ms, () => this.#retry(id)),
    );
  }

  #retry(id: JobId): void {
    this.#clearTimer(id);
    const job = this.#deps.store.jobs.get(id);
    if (job?.phase === 'waiting') this.#kick(job);
    else if (job?.phase === 'submitted') this.#background(id, this.dispatch(id, { type: 'retry' }));
  }

  #clearTimer(id: JobId): void {
    this.#timers.get(id)?.[Symbol.dispose]();
    this.#timers.delete(id);
  }

  #kick(job: Job): void {
    const lane = this.#lanes.get(laneOf(job.destination));
    const next = lane?.next(
      (id) => this.#deps.store.jobs.get(id),
      (id) => this.#timers.has(id),
    );
    if (lane === undefined || next === undefined || this.#deps.scope.signal.aborted) return;
    const restMs = this.#rush.restMs(this.#deps.clock.now());
    if (restMs > 0 && !lane.rested) return this.#rest(job, lane, restMs);
    lane.rested = false;
    lane.busy = next;
    this.#background(next, this.#turn(next, lane));
  }

  #rest(job: Job, lane: SpoolLane, ms: number): void {
    lane.resting ??= this.#deps.clock.timer(ms, () => {
      lane.resting = undefined;
      lane.rested = true;
      this.#kick(job);
    });
  }

  async #turn(id: JobId, lane: SpoolLane): Promise<void> {
    try {
      const job = await this.dispatch(id, { type: 'turn' });
      // Held or cancelled just before: the turn goes on.
      if (lane.busy === id) lane.note(job);
      this.#kick(job);
    } catch (error) {
      this.#retryAfter(id, diskRestMs);
      if (lane.busy === id) lane.busy = undefined;
      throw error;
    }
  }

  #background(id: JobId, work: Promise<unknown>): void {
    this.#deps.scope.run(
      async () => void (await work),
      (error) => this.#deps.log.error({ job: id, error }, 'A step of a print job failed.'),
    );
  }

  #laneOf(job: Job): SpoolLane {
    const key = laneOf(job.destination);
    const lane = this.#lanes.get(key) ?? new SpoolLane();
    this.#lanes.set(key, lane);
    return lane;
  }
}

const mustLast: ReadonlySet<PlainJobEvent['type']> = new Set(['received', 'turn', 'hold', 'release', 'cancel']);

function byId(a: Job, b: Job): number {
  return a.id - b.id;
}

function toDiskError(error: unknown): NethoodError {
  const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
  const code = full ? 'no-space' : 'write-failed';
  return new NethoodError(code, `The print spool cannot be written: ${toNethoodError(error).message}`, {
    cause: error,
  });
}

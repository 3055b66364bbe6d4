/**
 * What happens in CUPS, told to those who wait for it. One subscription serves all queues and jobs; while there is none
 * (an old CUPS, one that is away, no room) everybody asks by himself, as `live` says.
 */
import { hasCode, toNethoodError } from '../../protocol/errors.ts';
import { finalJobStates } from '../../protocol/resources.ts';
import { backoff } from '../base/backoff.ts';
import { sleep, type Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import { Wakeable } from '../base/wakeable.ts';
import type { CupsClient } from './cups-client.ts';
import { CupsSubscription, type CupsEvent } from './cups-subscription.ts';

interface CupsEventsDeps {
  readonly client: CupsClient;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the print system said when a job ended. */
export type JobEnd = NonNullable<CupsEvent['job']> & Pick<CupsEvent, 'text'>;

/** Between two looks: nobody waits for a job; somebody does, right after news and when it is long quiet. */
const idleMs = 1_000;
const watchedMs = { first: 25, most: 400 } as const;
/** After a failure, and where there are no events at all. */
const retryMs = { first: 500, most: 5_000, unsupported: 60_000 } as const;
const endsKept = 1_000;
const goodbyeMs = 1_000;

export class CupsEvents implements AsyncDisposable {
  /** `queues`: one may have changed. */
  readonly events = new Emitter<{ queues: [] }>();
  readonly #deps: CupsEventsDeps;
  readonly #scope = new Scope();
  readonly #ends = new Map<number, JobEnd>();
  readonly #followers = new Set<{ readonly id: number; readonly wakeable: Wakeable }>();
  readonly #pace: Wakeable;
  #subscription: CupsSubscription | undefined;
  #started = false;

  constructor(deps: CupsEventsDeps) {
    this.#deps = deps;
    this.#pace = new Wakeable(deps.clock);
  }

  /** Whether news will come by themselves. */
  get live(): boolean {
    return this.#subscription !== undefined;
  }

  /** From the first question to CUPS on; once more changes nothing. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#scope.run(
      (signal) => this.#listenForEver(signal),
      (error) => this.#deps.log.error({ error }, 'Events of the print system are no longer heard.'),
    );
  }

  /** How this job ended, where that was told since CUPS runs. */
  endOf(id: number): JobEnd | undefined {
    return this.#ends.get(id);
  }

  /** Woken by each event that may concern the job. */
  follow(id: number): Disposable & Pick<Wakeable, 'wait'> {
    const follower = { id, wakeable: new Wakeable(this.#deps.clock) };
    this.#followers.add(follower);
    this.#pace.wake();
    return {
      wait: (ms, signal) => follower.wakeable.wait(ms, signal),
      [Symbol.dispose]: () => void this.#followers.delete(follower),
    };
  }

  /** Looks at once, for whoever must know now. */
  async fetch(signal: AbortSignal): Promise<void> {
    const subscription = this.#subscription;
    if (subscription !== undefined) this.#tell(await subscription.fetch(signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
    await this.#subscription?.cancel(AbortSignal.timeout(goodbyeMs));
    this.#subscription = undefined;
  }

  async #listenForEver(signal: AbortSignal): Promise<never> {
    const { client, clock, log } = this.#deps;
    let retries = retryDelays();
    for (;;) {
      try {
        this.#subscription = await CupsSubscription.open(client, clock, signal);
        retries = retryDelays();
        this.#forget();
        await this.#listen(this.#subscription, signal);
      } catch (error) {
        signal.throwIfAborted();
        const lost = this.#subscription;
        this.#subscription = undefined;
        this.#forget();
        log.debug({ error: toNethoodError(error).message }, 'There are no events of the print system now.');
        // Where CUPS lives on it would keep it until its lease is over.
        if (lost !== undefined && !hasCode(error, 'unreachable', 'not-found'))
          await lost.cancel(AbortSignal.any([signal, AbortSignal.timeout(goodbyeMs)]));
        const unable = hasCode(error, 'unsupported', 'not-permitted', 'bad-request');
        await sleep(clock, unable ? retryMs.unsupported : retries.next().value, signal);
      }
    }
  }

  async #listen(subscription: CupsSubscription, signal: AbortSignal): Promise<never> {
    let delays = watchedDelays();
    for (;;) {
      const news = await subscription.fetch(signal);
      if (news.length > 0) delays = watchedDelays();
      this.#tell(news);
      const followed = this.#followers.size > 0;
      if (await this.#pace.wait(followed ? delays.next().value : idleMs, signal)) delays = watchedDelays();
    }
  }

  #tell(news: readonly CupsEvent[]): void {
    const jobs = new Set<number>();
    let queues = false;
    for (const { what, text, job } of news) {
      // Its numbers may begin anew.
      if (what.startsWith('server-')) this.#ends.clear();
      if (job !== undefined) {
        jobs.add(job.id);
        if (finalJobStates.includes(job.state)) this.#keepEnd({ ...job, text });
      } else queues = true;
    }
    // A printer's trouble is that of its job.
    for (const { id, wakeable } of this.#followers) if (queues || jobs.has(id)) wakeable.wake();
    if (queues) this.events.emit('queues');
  }

  /** Anything may have happened meanwhile: all look for themselves. */
  #forget(): void {
    this.#ends.clear();
    for (const { wakeable } of this.#followers) wakeable.wake();
    this.events.emit('queues');
  }

  #keepEnd(end: JobEnd): void {
    // CUPS tells a second end, a cancellation, when it deletes the record of a job that was printed long ago.
    if (this.#ends.has(end.id)) return;
    this.#ends.set(end.id, end);
    for (const id of this.#ends.keys()) {
      if (this.#ends.size <= endsKept) return;
      this.#ends.delete(id);
    }
  }
}

function watchedDelays(): Generator<number, never, undefined> {
  return backoff({ firstMs: watchedMs.first, mostMs: watchedMs.most, jitter: 0, random: () => 0 });
}

function retryDelays(): Generator<number, never, undefined> {
  return backoff({ firstMs: retryMs.first, mostMs: retryMs.most, jitter: 0, random: () => 0 });
}

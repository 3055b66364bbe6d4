/** One transfer: what it shows, how it ends. */
import { type TransferState, type TransferView } from '../../protocol/control.ts';
import { NethoodError, toNethoodError } from '../../protocol/errors.ts';
import { type DeviceId, TransferId } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import { randomId } from '../base/random-id.ts';
import { TransferProgress } from './transfer-progress.ts';

/** Faces are told at most four times a second. */
const tellEveryMs = 250;

export interface TransferStart {
  readonly direction: TransferView['direction'];
  readonly neighbour: DeviceId;
  /** Of the neighbour. */
  readonly name: string;
  /** Both for people: a path of this PC, or `<neighbour>/<share>/<path>`. */
  readonly source: string;
  readonly destination: string;
}

export class Transfer {
  readonly id = TransferId.parse(randomId().slice(0, 16));
  readonly progress: TransferProgress;
  readonly #start: TransferStart;
  readonly #clock: Clock;
  readonly #tell: (view: TransferView) => void;
  readonly #begunAt: number;
  readonly #cancelled = new AbortController();
  #state: TransferState = 'running';
  #destination: string;
  #error: NethoodError | undefined;
  #endedAt: number | undefined;
  #told = Number.NEGATIVE_INFINITY;
  #timer: Disposable | undefined;
  /** Kept when it has ended, however. */
  readonly ended: Promise<void>;
  #end: () => void = () => undefined;

  constructor(start: TransferStart, clock: Clock, tell: (view: TransferView) => void) {
    this.#start = start;
    this.#clock = clock;
    this.#tell = tell;
    this.#begunAt = clock.now();
    this.#destination = start.destination;
    this.progress = new TransferProgress(clock, start.direction, () => this.#changed());
    this.ended = new Promise((resolve) => (this.#end = resolve));
  }

  get signal(): AbortSignal {
    return this.#cancelled.signal;
  }

  get final(): boolean {
    return this.#endedAt !== undefined;
  }

  view(): TransferView {
    const { direction, neighbour, name, source } = this.#start;
    return {
      id: this.id,
      direction,
      neighbour: name,
      neighbourId: neighbour,
      source,
      destination: this.#destination,
      state: this.#state,
      ...this.progress.counts,
      rate: this.#state === 'running' ? this.progress.rate : 0,
      secondsLeft: this.#state === 'running' ? this.progress.secondsLeft : null,
      limit: this.#limit,
      seconds: ((this.#endedAt ?? this.#clock.now()) - this.#begunAt) / 1000,
      error: this.#error === undefined ? null : { code: this.#error.code, message: this.#error.message },
    };
  }

  /** While it waits for its neighbour, that is told by its state. */
  get #limit(): TransferView['limit'] {
    const { limit } = this.progress;
    if (this.final) return limit.mostly;
    return this.#state === 'running' ? limit.now : null;
  }

  /** Asks it to end; `ended` tells when it has. */
  cancel(): void {
    const { source, direction } = this.#start;
    const kept = `what has ${direction === 'get' ? 'come' : 'gone'} is kept for 24 hours, and the same command goes on`;
    this.#cancelled.abort(new NethoodError('cancelled', `"${source}" is cancelled; ${kept}.`));
  }

  /** The neighbour is away, or there again. */
  turn(state: 'running' | 'waiting'): void {
    if (this.#state === state || this.final) return;
    this.#state = state;
    if (state === 'running') this.progress.limit.restart();
    this.#tellNow();
  }

  /** @param destination the final name, which may be a numbered one */
  done(destination: string): void {
    this.#destination = destination;
    const { files, bytes } = this.progress.counts;
    this.progress.totals(files, bytes);
    this.#finish('done');
  }

  failed(error: unknown): void {
    this.#error = toNethoodError(error);
    this.#finish(this.signal.aborted ? 'cancelled' : 'failed');
  }

  #finish(state: TransferState): void {
    this.#endedAt = this.#clock.now();
    this.#state = state;
    this.#tellNow();
    this.#end();
  }

  #changed(): void {
    const wait = this.#told + tellEveryMs - this.#clock.now();
    if (wait <= 0) this.#tellNow();
    else this.#timer ??= this.#clock.timer(wait, () => this.#tellNow());
  }

  #tellNow(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#told = this.#clock.now();
    this.#tell(this.view());
  }
}

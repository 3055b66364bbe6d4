/**
 * What keeps a transfer from being faster, from what both sides wait for. Pure but for the look at our own processor,
 * which is passed in.
 */
import type { TransferLimit } from '../../protocol/control.ts';
import type { SenderLoad } from './block-frames.ts';

/** Long enough to tell a stutter from a limit. */
const windowMs = 1000;
/** Of a window shorter than this nothing can be said. */
const leastMs = 200;
/** Percent of the time in which something is waited for, to be called the limit. */
const much = 50;
/** The same of a processor, which also has work to do where it is not the limit. */
const busy = 80;

/** Percent. */
export interface LoadOfBoth {
  /** Our disk made us wait. */
  readonly ourDisk: number;
  readonly ourProcessor: number;
  /** Our setting did. */
  readonly ourSetting: number;
  /** What the sender said of itself; undefined where it does not. */
  readonly sender: SenderLoad | undefined;
}

/** A sender that waits for the connection waits for us, where we are slow: so ours comes first, and the network last. */
export function limitOf({ ourDisk, ourProcessor, ourSetting, sender }: LoadOfBoth): TransferLimit | null {
  if (Math.max(ourSetting, sender?.setting ?? 0) >= much) return 'setting';
  if (ourDisk >= much) return 'our-disk';
  if (ourProcessor >= busy) return 'processor';
  if (sender === undefined) return null;
  if (sender.disk >= much) return 'their-disk';
  if (sender.processor >= busy) return 'processor';
  return sender.wire >= much ? 'network' : null;
}

export interface LimitMeterDeps {
  readonly now: () => number;
  /** Milliseconds that our processor was at work, ever more. */
  readonly busyMs: () => number;
}

/** Gathers what is waited for, and says once a second what the limit was. */
export class LimitMeter {
  readonly #deps: LimitMeterDeps;
  #begun: number;
  #busy: number;
  #waited = { disk: 0, setting: 0 };
  #sender: SenderLoad | undefined;
  #last: TransferLimit | null = null;
  /** Windows by their limit, for what is told in the end. */
  readonly #windows = new Map<TransferLimit, number>();

  constructor(deps: LimitMeterDeps) {
    this.#deps = deps;
    this.#begun = deps.now();
    this.#busy = deps.busyMs();
  }

  heard(sender: SenderLoad): void {
    this.#sender = sender;
  }

  async waiting<T>(what: 'disk' | 'setting', wait: Promise<T>): Promise<T> {
    const begun = this.#deps.now();
    const value = await wait;
    this.waited(what, this.#deps.now() - begun);
    return value;
  }

  waited(what: 'disk' | 'setting', ms: number): void {
    this.#waited[what] += ms;
  }

  /** Of the last whole second; null while unknown. */
  get now(): TransferLimit | null {
    if (this.#deps.now() - this.#begun >= windowMs) this.#look();
    return this.#last;
  }

  /** Of all its time. */
  get mostly(): TransferLimit | null {
    if (this.#windows.size === 0 && this.#deps.now() - this.#begun >= leastMs) this.#look();
    const [most] = [...this.#windows].toSorted(([, one], [, other]) => other - one);
    return most?.[0] ?? null;
  }

  /** The time until now does not count: nothing moved in it. */
  restart(): void {
    this.#begun = this.#deps.now();
    this.#busy = this.#deps.busyMs();
    this.#waited = { disk: 0, setting: 0 };
    this.#last = null;
  }

  #look(): void {
    const passed = this.#deps.now() - this.#begun;
    const percent = (ms: number): number => (ms * 100) / passed;
    const limit = limitOf({
      ourDisk: percent(this.#waited.disk),
      ourProcessor: percent(this.#deps.busyMs() - this.#busy),
      ourSetting: percent(this.#waited.setting),
      sender: this.#sender,
    });
    this.restart();
    this.#last = limit;
    if (limit !== null) this.#windows.set(limit, (this.#windows.get(limit) ?? 0) + 1);
  }
}

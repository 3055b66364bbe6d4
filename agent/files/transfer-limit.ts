/**
 * What keeps a transfer from being faster, from what both sides wait for. Pure but for the look at our own processor,
 * which is passed in.
 */
import type { TransferLimit } from '../../protocol/control.ts';
import type { SideLoad } from './block-frames.ts';

/** Long enough to tell a stutter from a limit. */
const windowMs = 1000;
/** Of a window shorter than this nothing can be said. */
const leastMs = 200;
/** Percent of the time in which something is waited for, to be called the limit. */
const much = 50;
/** The same of a processor, which also has work to do where it is not the limit. */
const busy = 80;

type Wait = 'disk' | 'setting' | 'wire';
const nothing: Readonly<Record<Wait, number>> = { disk: 0, setting: 0, wire: 0 };

export interface LoadOfBoth {
  readonly ours: SideLoad;
  /** What they said of themselves; undefined where they do not. */
  readonly theirs: SideLoad | undefined;
  readonly sender: 'us' | 'them';
}

/** A sender that waits for the connection waits for a slow receiver too: so that one comes first, and the network last. */
export function limitOf({ ours, theirs, sender }: LoadOfBoth): TransferLimit | null {
  const they = theirs ?? { ...nothing, processor: 0 };
  if (Math.max(ours.setting, they.setting) >= much) return 'setting';
  const [own, other] = [boundOf(ours, 'our-disk'), boundOf(they, 'their-disk')];
  const bound = sender === 'us' ? (other ?? own) : (own ?? other);
  if (bound !== undefined) return bound;
  const { wire } = sender === 'us' ? ours : they;
  return theirs !== undefined && wire >= much ? 'network' : null;
}

function boundOf({ disk, processor }: SideLoad, itsDisk: TransferLimit): TransferLimit | undefined {
  if (disk >= much) return itsDisk;
  return processor >= busy ? 'processor' : undefined;
}

export interface LimitMeterDeps {
  readonly sender: LoadOfBoth['sender'];
  readonly now: () => number;
  /** Milliseconds that our processor was at work, ever more. */
  readonly busyMs: () => number;
}

/** Gathers what is waited for, and says once a second what the limit was. */
export class LimitMeter {
  readonly #deps: LimitMeterDeps;
  #begun: number;
  #busy: number;
  #waited = { ...nothing };
  #theirs: SideLoad | undefined;
  #last: TransferLimit | null = null;
  /** Milliseconds by what was their limit, for what is told in the end. */
  readonly #windows = new Map<TransferLimit, number>();

  constructor(deps: LimitMeterDeps) {
    this.#deps = deps;
    this.#begun = deps.now();
    this.#busy = deps.busyMs();
  }

  /** What they say of themselves. */
  heard(load: SideLoad): void {
    this.#theirs = load;
  }

  /** Kept when the next is read and the last is sent, done at the same time: who is waited for at the end holds up the other. */
  async whileSending<T>(sending: Promise<void>, reading: Promise<T>): Promise<T> {
    const now = (): number => this.#deps.now();
    const sent = sending.then(now, now);
    const value = await reading;
    const readAt = now();
    await sending;
    const sentAt = await sent;
    this.waited(sentAt > readAt ? 'wire' : 'disk', Math.abs(sentAt - readAt));
    return value;
  }

  async waiting<T>(what: Wait, wait: Promise<T>): Promise<T> {
    const begun = this.#deps.now();
    const value = await wait;
    this.waited(what, this.#deps.now() - begun);
    return value;
  }

  waited(what: Wait, ms: number): void {
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
    this.#waited = { ...nothing };
    this.#last = null;
  }

  #look(): void {
    const passed = this.#deps.now() - this.#begun;
    const percent = (ms: number): number => (ms * 100) / passed;
    const { disk, setting, wire } = this.#waited;
    const processor = percent(this.#deps.busyMs() - this.#busy);
    const ours = { disk: percent(disk), setting: percent(setting), wire: percent(wire), processor };
    const limit = limitOf({ ours, theirs: this.#theirs, sender: this.#deps.sender });
    this.restart();
    this.#last = limit;
    if (limit !== null) this.#windows.set(limit, (this.#windows.get(limit) ?? 0) + passed);
  }
}

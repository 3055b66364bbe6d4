/** When each browsed type is asked for: at once, then after 1, 2, 4 … seconds, at last every hour (RFC 6762 5.2). */
import { setKey } from './cache.ts';
import { nameKey } from './dns-name.ts';
import { type DnsName, recordTypes } from './dns-types.ts';
import { type Due, DueQueue } from './due-queue.ts';

/**
 * 5.2: what many machines do at the same moment for a reason that they share (power is back, a switch is up) is spread.
 * The delay counts from that reason, as far as it is known.
 */
export const firstDelay = { leastMs: 20, spreadMs: 100 } as const;
const firstIntervalMs = 1_000;
const longestIntervalMs = 3_600_000;
/** Machines that fell into step by hearing one question (7.3) must not all ask the next one at once. */
const spread = 0.2;

export interface Browse extends Due {
  readonly type: DnsName;
  readonly key: string;
  /** Of its question. */
  readonly setKey: string;
  mayUnicast: boolean;
  sent: number;
  intervalMs: number;
  /** Since when another's question counts as ours: the later half of the wait (7.3). */
  askedFrom: number;
}

export class BrowseSchedule {
  readonly #random: () => number;
  readonly #browses = new Map<string, Browse>();
  readonly #queue = new DueQueue<Browse>();
  /** One for all types, so that they are asked for in one packet. */
  #pace = 1;

  constructor(random: () => number) {
    this.#random = random;
  }

  get nextAt(): number {
    return this.#queue.nextAt;
  }

  get(key: string): Browse | undefined {
    return this.#browses.get(key);
  }

  add(type: DnsName, mayUnicast: boolean): Browse {
    const key = nameKey(type);
    const counts = { sent: 0, intervalMs: 0, askedFrom: 0, due: Infinity, slot: -1 };
    const browse = this.#browses.get(key) ?? {
      type,
      key,
      setKey: setKey(type, recordTypes.PTR),
      mayUnicast,
      ...counts,
    };
    browse.mayUnicast = mayUnicast;
    this.#browses.set(key, browse);
    return browse;
  }

  /** From the beginning; together with another that has not been sent yet. `began`: what it is started for. */
  start(browse: Browse, now: number, began = now): void {
    const waiting = Array.from(this.#browses.values()).find(({ sent, due }) => sent === 0 && due < Infinity);
    if (waiting === undefined) this.#pace = 1 + spread * this.#random();
    browse.sent = 0;
    browse.askedFrom = now;
    this.#queue.set(browse, waiting?.due ?? began + firstDelay.leastMs + firstDelay.spreadMs * this.#random());
  }

  startAll(now: number): void {
    for (const browse of this.#browses.values()) this.#queue.remove(browse);
    for (const browse of this.#browses.values()) this.start(browse, now);
  }

  /** The next that is due; its following one is scheduled, whether it is sent or was asked by another. */
  take(now: number): { readonly browse: Browse; readonly isFirst: boolean; readonly askedFrom: number } | undefined {
    const browse = this.#queue.take(now);
    if (browse === undefined) return undefined;
    const { askedFrom } = browse;
    const isFirst = browse.sent === 0;
    browse.sent++;
    browse.intervalMs = isFirst ? firstIntervalMs * this.#pace : Math.min(browse.intervalMs * 2, longestIntervalMs);
    browse.askedFrom = now + browse.intervalMs / 2;
    this.#queue.set(browse, now + browse.intervalMs);
    return { browse, isFirst, askedFrom };
  }
}

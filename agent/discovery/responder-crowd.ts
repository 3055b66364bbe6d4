/**
 * How fast an answer is given that many others give too. Pure.
 *
 * RFC 6762 6 spreads shared answers over 100 ms and lets each be said once a second. Where 500 answer one question, that
 * is a burst that receive buffers cannot hold, and while newcomers keep asking, 500 packets in every second. Both are
 * stretched with the number of those who are known to answer, so that up to 500 of us together send at most some 200
 * answers in a second, and one answer of mine serves all who asked meanwhile.
 *
 * Up to 20 of us nothing changes, and up to 100 all is said within the 500 ms that the RFC allows for putting answers
 * together (6.4). Beyond that we exceed them, up to 2.5 s. That is safe: the second between two multicasts is the least
 * time, not the longest (6); who asks gets a late answer as well as an early one, and asks again where one was lost
 * (5.2); what is new is announced without this wait. However many of us somebody pretends, it ends there.
 */
const perOther = { spreadMs: 5, everyMs: 8 } as const;
/** RFC 6762 6 */
const least = { spreadMs: 100, everyMs: 1_000 } as const;
const most = { spreadMs: 2_300, everyMs: 2_500 } as const;

export interface Pace {
  /** The answer leaves within this time. */
  readonly spreadMs: number;
  /** Between two multicasts of the record. */
  readonly everyMs: number;
  /** Slower than where few answer. */
  readonly crowded: boolean;
}

/** `others`: how many are known to answer the same question. */
export function paceAmong(others: number): Pace {
  const spreadMs = clamp(others * perOther.spreadMs, least.spreadMs, most.spreadMs);
  const everyMs = clamp(others * perOther.everyMs, least.everyMs, most.everyMs);
  return { spreadMs, everyMs, crowded: spreadMs > least.spreadMs };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

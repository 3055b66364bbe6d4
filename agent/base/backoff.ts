interface BackoffOptions {
  readonly firstMs: number;
  readonly mostMs: number;
  /** 0 to 1: how much of each delay is left to chance, so that many do not retry in step. */
  readonly jitter: number;
  readonly random: () => number;
}

/** Endless delays in milliseconds: doubling from the first to the most, each shortened by up to `jitter` of itself. */
export function* backoff({ firstMs, mostMs, jitter, random }: BackoffOptions): Generator<number, never, undefined> {
  for (let delay = firstMs; ; delay = Math.min(delay * 2, mostMs)) {
    yield Math.round(delay * (1 - jitter * random()));
  }
}

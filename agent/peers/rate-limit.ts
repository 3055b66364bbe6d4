/** A token bucket: `burst` at once, then `perSecond`. */
export interface RateLimit {
  readonly burst: number;
  readonly perSecond: number;
}

export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

export function fullBucket({ burst }: RateLimit, now: number): Bucket {
  return { tokens: burst, at: now };
}

/** Takes one token; `retryAfterMs` 0 means that it was there. */
export function take(limit: RateLimit, bucket: Bucket, now: number): { bucket: Bucket; retryAfterMs: number } {
  const tokens = Math.min(limit.burst, bucket.tokens + (Math.max(0, now - bucket.at) * limit.perSecond) / 1000);
  if (tokens >= 1) return { bucket: { tokens: tokens - 1, at: now }, retryAfterMs: 0 };
  return { bucket: { tokens, at: now }, retryAfterMs: Math.ceil(((1 - tokens) * 1000) / limit.perSecond) };
}

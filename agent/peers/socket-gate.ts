/**
 * Counts connections per address before anything is spent on them: a TLS handshake costs ten times what a refusal
 * here does. Full buckets without sockets are forgotten, so the table stays as small as the recent past.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { plainAddress } from './host-header.ts';
import { type Bucket, fullBucket, type RateLimit, take } from './rate-limit.ts';

export interface GateLimits {
  /** Open sockets of one address. */
  readonly perAddress: number;
  /** Open sockets in all. */
  readonly total: number;
  /** New sockets of one address. */
  readonly newOfOne: RateLimit;
  /** New sockets of all addresses together. */
  readonly newOfAll: RateLimit;
}

/** A neighbour needs one session and up to eight requests at once; several agents may live behind one address. */
export const peerGateLimits: GateLimits = {
  perAddress: 64,
  total: 1500,
  newOfOne: { burst: 64, perSecond: 20 },
  newOfAll: { burst: 500, perSecond: 200 },
};

interface Visitor {
  sockets: number;
  bucket: Bucket;
}

const sweepAbove = 1024;
const sweepEveryMs = 1000;
const tellEveryMs = 10_000;

interface GateDeps {
  readonly limits: GateLimits;
  readonly clock: Clock;
  readonly log: Log;
}

export class SocketGate {
  readonly #deps: GateDeps;
  readonly #visitors = new Map<string, Visitor>();
  #open = 0;
  #all: Bucket;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #refused = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(deps: GateDeps) {
    this.#deps = deps;
    this.#all = fullBucket(deps.limits.newOfAll, deps.clock.now());
  }

  get open(): number {
    return this.#open;
  }

  /** Destroys the socket and says false where it is one too many; else counts it until it closes. */
  admit(socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress ?? '');
    // No address: it is closed already.
    if (address === '' || !this.#enter(address)) {
      if (address !== '') this.#tell(address);
      socket.destroy();
      return false;
    }
    socket.once('close', () => this.#leave(address));
    return true;
  }

  #enter(address: string): boolean {
    const { limits, clock } = this.#deps;
    const now = clock.now();
    if (this.#visitors.size > sweepAbove && now - this.#sweptAt >= sweepEveryMs) this.#sweep(now);
    const visitor = this.#visitors.get(address) ?? { sockets: 0, bucket: fullBucket(limits.newOfOne, now) };
    if (this.#open >= limits.total || visitor.sockets >= limits.perAddress) return false;
    const own = take(limits.newOfOne, visitor.bucket, now);
    if (own.retryAfterMs > 0) return false;
    const all = take(limits.newOfAll, this.#all, now);
    if (all.retryAfterMs > 0) return false;
    visitor.bucket = own.bucket;
    this.#all = all.bucket;
    visitor.sockets++;
    this.#open++;
    this.#visitors.set(address, visitor);
    return true;
  }

  #leave(address: string): void {
    this.#open--;
    const visitor = this.#visitors.get(address);
    if (visitor !== undefined) visitor.sockets--;
  }

  #sweep(now: number): void {
    this.#sweptAt = now;
    const { burst, perSecond } = this.#deps.limits.newOfOne;
    for (const [address, { sockets, bucket }] of this.#visitors) {
      const full = bucket.tokens + ((now - bucket.at) * perSecond) / 1000 >= burst;
      if (sockets === 0 && full) this.#visitors.delete(address);
    }
  }

  #tell(address: string): void {
    this.#refused++;
    const now = this.#deps.clock.now();
    if (now - this.#toldAt < tellEveryMs) return;
    this.#deps.log.warn({ address, refused: this.#refused }, 'Too many connections; the latest were refused.');
    this.#toldAt = now;
    this.#refused = 0;
  }
}

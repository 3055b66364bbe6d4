/**
 * Bodies may be as long as they like but must move. Counted is only the time in which the other side owes something
 * (bytes of its request, or room for our answer): a slow disk of ours is nobody's fault.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { deadlines } from '../../protocol/peer.ts';

export interface BodyState {
  readonly at: number;
  readonly moved: number;
  /** Milliseconds in which the other side owed us something, and bytes that moved meanwhile. */
  readonly owedMs: number;
  readonly owedBytes: number;
  /** Of these, without a byte. */
  readonly quietMs: number;
}

export interface BodySample {
  readonly now: number;
  /** Bytes of the connection so far, both ways. */
  readonly moved: number;
  readonly owed: boolean;
}

export interface BodyLimits {
  /** Milliseconds without a byte. */
  readonly stall: number;
  /** Bytes a second, on average; looked at after a stall's time. */
  readonly leastRate: number;
}

export const bodyLimits: BodyLimits = { stall: deadlines.stall, leastRate: 64 };

const everyMs = 5000;

export function bodyBegins({ now, moved }: BodySample): BodyState {
  return { at: now, moved, owedMs: 0, owedBytes: 0, quietMs: 0 };
}

export function bodyStep(
  state: BodyState,
  { now, moved, owed }: BodySample,
  limits: BodyLimits,
): { state: BodyState; tooSlow: boolean } {
  // After a sleep of the PC the other side gets a round of grace.
  const passed = Math.min(now - state.at, 2 * everyMs);
  const bytes = moved - state.moved;
  const owedMs = state.owedMs + (owed ? passed : 0);
  const owedBytes = state.owedBytes + bytes;
  const quietMs = owed && bytes === 0 ? state.quietMs + passed : 0;
  const crawls = owedMs >= limits.stall && owedBytes < (owedMs / 1000) * limits.leastRate;
  return {
    state: { at: now, moved, owedMs, owedBytes, quietMs },
    tooSlow: owed && (quietMs >= limits.stall || crawls),
  };
}

interface Watched {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** A request loses it when it is destroyed by who reads it. */
  readonly socket: Socket;
  state: BodyState;
}

/** Looks at all exchanges of a port every five seconds and destroys the sockets of those that stall or crawl. */
export class BodyWatch implements Disposable {
  readonly #clock: Clock;
  readonly #limits: BodyLimits;
  readonly #watched = new Set<Watched>();
  #timer: Disposable | undefined;

  constructor(clock: Clock, limits: BodyLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Until the response closes. */
  watch(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const watched = { request, response, socket, state: bodyBegins(this.#sample({ request, socket })) };
    this.#watched.add(watched);
    response.once('close', () => this.#watched.delete(watched));
    this.#timer ??= this.#clock.timer(everyMs, () => this.#look());
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    this.#watched.clear();
  }

  #look(): void {
    for (const watched of this.#watched) {
      const { state, tooSlow } = bodyStep(watched.state, this.#sample(watched), this.#limits);
      watched.state = state;
      if (tooSlow) watched.socket.destroy();
    }
    this.#timer = this.#watched.size === 0 ? undefined : this.#clock.timer(everyMs, () => this.#look());
  }

  #sample({ request, socket }: Pick<Watched, 'request' | 'socket'>): BodySample {
    const askedMore = !request.complete && request.readableLength === 0;
    return {
      now: this.#clock.now(),
      moved: socket.bytesRead + socket.bytesWritten,
      owed: askedMore || socket.writableLength > 0,
    };
  }
}

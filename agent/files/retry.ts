/** Keeps on trying while a neighbour is away, for a while. */
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { backoff } from '../base/backoff.ts';
import type { Clock } from '../base/clock.ts';

/** Without a byte for so long a transfer gives up; what it has stays. */
const giveUpAfterMs = 30_000;

export interface RetryDeps {
  readonly clock: Clock;
  readonly random: () => number;
  /** Grows with every byte: a connection that breaks after some progress has its full time again. */
  readonly moved: () => number;
  /** Told when waiting begins. */
  readonly waiting: () => void;
  /** Aborts with `interrupted` when the neighbour is found to be gone: its sockets may stay silent for long. */
  readonly lost: () => AbortSignal;
  /** Waits so long, or until the neighbour is there again. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** @throws `interrupted` after 30 s in vain, at once whatever trying again cannot mend, the signal's reason */
export async function persistently<T>(
  deps: RetryDeps,
  signal: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const newDelays = (): Generator<number, never> =>
    backoff({ firstMs: 200, mostMs: 3_000, jitter: 0.5, random: deps.random });
  let delays = newDelays();
  let brokenAt: number | undefined;
  let moved = deps.moved();
  for (;;) {
    const begun = deps.clock.now();
    try {
      return await attempt(AbortSignal.any([signal, deps.lost()]));
    } catch (error) {
      signal.throwIfAborted();
      if (!hasCode(error, 'interrupted', 'unreachable', 'timeout', 'busy')) throw error;
      if (brokenAt === undefined || deps.moved() !== moved) {
        brokenAt = deps.moved() === moved ? begun : deps.clock.now();
        moved = deps.moved();
        delays = newDelays();
      }
      if (deps.clock.now() - brokenAt >= giveUpAfterMs) throw gaveUp(error);
      deps.waiting();
      await deps.pause(Math.max(delays.next().value, retryAfter(error)), signal);
    }
  }
}

function retryAfter(error: unknown): number {
  return Math.min((error instanceof NethoodError ? error.retryAfterMs : undefined) ?? 0, 10_000);
}

/** Of a neighbour that was never reached it would be wrong to say that the connection broke. */
function gaveUp(error: unknown): unknown {
  const told = error instanceof Error ? error.message : '';
  if (hasCode(error, 'unreachable'))
    return new NethoodError('unreachable', `${told} The same command goes on when it is back.`, { cause: error });
  if (!hasCode(error, 'interrupted', 'timeout')) return error;
  return new NethoodError('interrupted', `${told} It did not come back within 30 s; the same command resumes.`, {
    cause: error,
  });
}

/** Several ways to one goal, tried 250 ms apart or as soon as one has failed; the first that succeeds wins (RFC 8305 section 5). */
import type { Clock } from '../base/clock.ts';

const raceStepMs = 250;

export interface Race<Way, Prize> {
  readonly ways: readonly Way[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly attempt: (way: Way, signal: AbortSignal) => Promise<Prize>;
  /** Takes care of a prize that came too late. */
  readonly discard: (prize: Prize) => void;
}

/** @throws what the first way failed with, when all did; the signal's reason when it aborts; a RangeError without any way */
export function race<Way, Prize>(deps: Race<Way, Prize>): Promise<{ way: Way; prize: Prize }> {
  const { ways, clock, signal, attempt, discard } = deps;
  if (ways.length === 0) return Promise.reject(new RangeError('There is no way to try.'));
  const losers = new AbortController();
  let timer: Disposable | undefined;
  let settled = false;
  return new Promise((resolve, reject) => {
    let begun = 0;
    let failures = 0;
    const errors: unknown[] = [];
    const finish = (): void => {
      settled = true;
      timer?.[Symbol.dispose]();
      signal.removeEventListener('abort', abort);
      losers.abort(signal.aborted ? signal.reason : new DOMException('Another way was faster.', 'AbortError'));
    };
    const abort = (): void => {
      finish();
      reject(signal.reason as Error);
    };
    const won = (way: Way, prize: Prize): void => {
      if (settled) return discard(prize);
      finish();
      resolve({ way, prize });
    };
    const failed = (at: number, error: unknown): void => {
      if (settled) return;
      errors[at] = error;
      failures += 1;
      if (failures < ways.length) return next();
      finish();
      reject(errors[0]);
    };
    const next = (): void => {
      timer?.[Symbol.dispose]();
      const at = begun;
      const way = ways[at];
      if (way === undefined) return;
      begun += 1;
      if (begun < ways.length) timer = clock.timer(raceStepMs, next);
      attempt(way, losers.signal).then(
        (prize) => won(way, prize),
        (error: unknown) => failed(at, error),
      );
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    next();
  });
}

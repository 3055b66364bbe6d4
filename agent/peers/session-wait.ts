import { NethoodError } from '../../protocol/errors.ts';
import { type DeviceId, shortId } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import type { Neighbourhood } from './neighbourhood.ts';
import type { Session } from './session.ts';

interface Patience {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal?: AbortSignal | undefined;
}

/** The next session with this neighbour. @throws NethoodError `unreachable` when the dial fails, `timeout`; the signal's reason */
export function waitForSession(hood: Neighbourhood, id: DeviceId, { clock, ms, signal }: Patience): Promise<Session> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => fail(signal?.reason as Error);
    const settle = (act: () => void): void => {
      for (const end of ends) end[Symbol.dispose]();
      signal?.removeEventListener('abort', aborted);
      act();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const ends = [
      hood.sessions.events.on('ready', (session) => {
        if (session.id === id) settle(() => resolve(session));
      }),
      hood.failures.on('failed', (failed, error) => {
        if (failed === id) fail(error);
      }),
      clock.timer(ms, () => fail(new NethoodError('timeout', `${shortId(id)} did not answer within ${ms / 1000} s.`))),
    ];
    if (signal?.aborted === true) aborted();
    signal?.addEventListener('abort', aborted, { once: true });
  });
}

/** What a neighbour tells by itself about one job of ours, kept until it is asked for. */
import type { DeviceId, JobUuid } from '../../protocol/ids.ts';
import type { Clock } from '../base/clock.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import type { BackendJob } from './print-backend.ts';

/** Told and not yet taken: a neighbour may talk faster than the spool writes. What is older is out of date. */
const mostHeard = 100;

interface JobNews extends Disposable {
  /** Undefined when nothing came within the time. @throws the signal's reason */
  next(clock: Clock, ms: number, signal: AbortSignal): Promise<BackendJob | undefined>;
}

export function newsOf(neighbours: Neighbours, device: DeviceId, uuid: JobUuid): JobNews {
  const heard: BackendJob[] = [];
  let wake: (() => void) | undefined;
  const listening = neighbours.events.on('job', (from, event) => {
    if (from !== device || event.uuid !== uuid) return;
    const { state, stateReasons, message, pagesCompleted, pagesTotal, expires } = event;
    if (heard.length >= mostHeard) heard.shift();
    heard.push({ reference: uuid, state, stateReasons, message, pagesCompleted, pagesTotal, expires });
    wake?.();
  });
  return {
    async next(clock, ms, signal) {
      signal.throwIfAborted();
      if (heard.length === 0 && ms > 0) await waitFor((woken) => (wake = woken), { clock, ms, signal });
      signal.throwIfAborted();
      return heard.shift();
    },
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  };
}

interface Wait {
  readonly clock: Clock;
  readonly ms: number;
  readonly signal: AbortSignal;
}

/** Until it is woken, the time is over or the signal aborts: whoever waits looks for himself. */
function waitFor(register: (woken: () => void) => void, { clock, ms, signal }: Wait): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', settle);
      resolve();
    };
    const timer = clock.timer(ms, settle);
    signal.addEventListener('abort', settle, { once: true });
    register(settle);
  });
}

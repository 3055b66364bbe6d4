/** What asks a neighbour that was there a moment ago waits for it as long as a transfer under way would. */
import { hasCode } from '../../protocol/errors.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { Neighbours } from '../peers/neighbours.ts';

interface Patience {
  readonly neighbours: Pick<Neighbours, 'find' | 'events'>;
  readonly clock: Clock;
}

/** From the last byte heard of it. One that has been away for longer is told to be unreachable at once. */
const patienceMs = 30_000;
const pauseMs = 250;

/** @throws what `ask` throws, where asking again cannot help or the patience is at its end */
export async function patiently<T>(
  deps: Patience,
  name: string,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!hasCode(error, 'unreachable', 'interrupted', 'timeout')) throw error;
      const { id, lastSeen } = deps.neighbours.find(name);
      const leftMs = (lastSeen ?? 0) + patienceMs - deps.clock.wall();
      if (leftMs <= 0) throw error;
      await sleep(deps.clock, pauseMs, signal);
      await readyAgain(deps, id, leftMs, signal);
    }
  }
}

/** Kept when it is ready, or the time is over. */
async function readyAgain({ neighbours, clock }: Patience, id: string, ms: number, signal: AbortSignal): Promise<void> {
  if (neighbours.find(id).state === 'ready') return;
  const ready = new AbortController();
  using _ = neighbours.events.on('changed', (changed) => {
    if (changed.id === id && changed.state === 'ready') ready.abort();
  });
  await sleep(clock, ms, AbortSignal.any([ready.signal, signal])).catch((error: unknown) => {
    if (!ready.signal.aborted) throw error;
  });
}

/** `/v1/events`: the snapshot, then changes. A slow reader finds the newest state of each section, never a queue. */
import type { EventLine, Snapshot } from '../../protocol/control.ts';
import type { Clock } from '../base/clock.ts';
import type { SnapshotStore } from './snapshot.ts';

const aliveEveryMs = 15_000;

interface EventDeps {
  readonly store: SnapshotStore;
  readonly clock: Clock;
}

/** Ends when the signal aborts. Each line is made when the reader asks for it. */
export async function* eventLines({ store, clock }: EventDeps, signal: AbortSignal): AsyncGenerator<EventLine, void> {
  let changes: Partial<Snapshot> | undefined;
  let wake: (() => void) | undefined;
  const listening = store.events.on('changed', (change) => {
    changes = { ...changes, ...change };
    wake?.();
  });
  const stop = (): void => wake?.();
  signal.addEventListener('abort', stop, { once: true });
  try {
    yield { type: 'snapshot', snapshot: store.current() };
    while (!signal.aborted) {
      if (changes === undefined) {
        const awake = new Promise<void>((resolve) => (wake = resolve));
        using _ = clock.timer(aliveEveryMs, () => wake?.());
        await awake;
      }
      if (signal.aborted) return;
      const sections: Partial<Snapshot> | undefined = changes;
      changes = undefined;
      yield sections === undefined ? { type: 'alive' } : { type: 'change', sections };
    }
  } finally {
    listening[Symbol.dispose]();
    signal.removeEventListener('abort', stop);
  }
}

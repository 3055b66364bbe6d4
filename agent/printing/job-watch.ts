/** Following one job: its present state, then each change until its end. A slow watcher is told the latest, not all. */
import { NethoodError } from '../../protocol/errors.ts';
import type { JobId } from '../../protocol/ids.ts';
import { hasEnded, type Job } from './job.ts';
import type { Spool } from './spool.ts';

/** @throws NethoodError `not-found`; the signal's reason */
export async function* jobWatch(spool: Spool, id: JobId, signal: AbortSignal): AsyncGenerator<Job, void, undefined> {
  let wake: (() => void) | undefined;
  using _ = spool.events.on('changed', (job) => {
    if (job.id === id) wake?.();
  });
  const abort = (): void => wake?.();
  signal.addEventListener('abort', abort);
  try {
    let told: Job | undefined;
    for (;;) {
      signal.throwIfAborted();
      const job = spool.get(id);
      if (job === undefined) throw new NethoodError('not-found', `There is no job ${id}.`);
      if (job !== told) yield (told = job);
      if (hasEnded(job)) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        // It may have changed while the watcher was busy.
        if (spool.get(id) !== told || signal.aborted) resolve();
      });
    }
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The jobs of one destination that have not ended, in the order in which they came; one at a time has its turn. */
import type { JobId } from '../../protocol/ids.ts';
import type { Job } from './job.ts';

export class SpoolLane {
  /** The one whose turn it is. */
  busy: JobId | undefined;
  /** While its next turn is put off, and once it was. */
  resting: Disposable | undefined;
  rested = false;
  readonly #ids = new Set<JobId>();

  get ids(): Iterable<JobId> {
    return this.#ids;
  }

  /** A job that is new or changed. */
  note(job: Job): void {
    if (job.phase === 'ended') this.#ids.delete(job.id);
    else this.#ids.add(job.id);
    if (occupies(job)) this.busy ??= job.id;
    else if (this.busy === job.id) this.busy = undefined;
  }

  /** Whose turn is next. One that waits out its back-off keeps its place, and the others behind it. */
  next(jobOf: (id: JobId) => Job | undefined, backingOff: (id: JobId) => boolean): JobId | undefined {
    if (this.busy !== undefined) return undefined;
    for (const id of this.#ids) if (jobOf(id)?.phase === 'waiting') return backingOff(id) ? undefined : id;
    return undefined;
  }
}

/**
 * A queue of this PC gets its next document when the last one is done: the local print system forgets jobs when it is
 * killed (CUPS writes them down 30 s late), this spool does not. A neighbour's spool is as durable as ours and gets
 * them all.
 */
function occupies(job: Job): boolean {
  if (job.phase === 'submitting') return true;
  return job.phase === 'submitted' && job.destination.device === null && job.state !== 'pending-held';
}

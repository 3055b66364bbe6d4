/** What a get and a put have in common: begun with an order, run once, by whoever keeps the transfers. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Neighbours } from '../peers/neighbours.ts';
import type { BatchThread } from './batch-writer.ts';
import type { RateLimit } from './rate-limit.ts';
import type { RetryDeps } from './retry.ts';
import type { TransferStart } from './transfer.ts';
import type { TransferProgress } from './transfer-progress.ts';
import type { TransferRecords } from './transfer-records.ts';

/** Where a transfer begins. */
export interface WorkGround {
  readonly neighbours: Pick<Neighbours, 'get' | 'request' | 'httpAgent' | 'httpHost'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly records: TransferRecords;
  /** Of what is moved from where to where: the same order, the same key. */
  readonly key: string;
  readonly signal: AbortSignal;
}

/** What one run is given. */
export interface TransferCourse {
  readonly progress: TransferProgress;
  /** The user's, of all transfers. */
  readonly limit: RateLimit;
  readonly retry: RetryDeps;
  /** That writes small files. */
  readonly batchThread: BatchThread;
  /** The connection is there (again). */
  readonly began: () => void;
}

export interface TransferWork {
  readonly start: Omit<TransferStart, 'name'>;
  /** Gives where it is in the end, for people. */
  readonly run: (course: TransferCourse, signal: AbortSignal) => Promise<string>;
}

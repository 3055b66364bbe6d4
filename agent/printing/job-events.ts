/** What can happen to a job, and what is to be done then: the words of `job-state`. */
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Job } from './job.ts';
import type { BackendJob } from './print-backend.ts';

export interface JobEvents {
  /** Its document is on disk, whole. */
  received: { readonly document: NonNullable<Job['document']> };
  /** Create-Job without Send-Document in time (RFC 8011 section 4.2.4), or a document that broke off. */
  'receive-ended': { readonly message: string };
  /** The lane is free. */
  turn: object;
  /** The destination took the document whole, or says that it has it. */
  accepted: { readonly report: BackendJob };
  /** The destination says that the job never arrived. */
  absent: object;
  /** A try to submit or to ask. `sent`: the destination may have the whole document. */
  failed: Failure & { readonly sent: boolean };
  report: { readonly report: BackendJob };
  /** It had the job and knows it no more. */
  vanished: object;
  'contact-lost': Failure;
  /** The back-off has passed, or the destination is back. */
  retry: object;
  hold: object;
  release: object;
  cancel: { readonly by: 'user' | 'operator' };
  /** The agent has started and found the job in its journal. */
  restarted: { readonly documentThere: boolean };
}
interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
}

export type JobEvent = {
  [T in keyof JobEvents]: { readonly type: T; /** Wall clock. */ readonly now: number } & JobEvents[T];
}[keyof JobEvents];
export type EventOf<T extends keyof JobEvents> = Extract<JobEvent, { type: T }>;

export type JobEffect =
  /** Hand the document over. */
  | { readonly type: 'submit' }
  /** Ask the destination whether it has the job. */
  | { readonly type: 'find' }
  | { readonly type: 'watch' }
  /** Ask the destination to cancel it. */
  | { readonly type: 'cancel' }
  /** It waits there as it was asked to, and shall no longer. */
  | { readonly type: 'release' }
  /** Stop the try that is under way; its end is a `failed`. */
  | { readonly type: 'interrupt' }
  | { readonly type: 'retry'; readonly afterMs: number };

export interface JobStep {
  readonly job: Job;
  readonly effects: readonly JobEffect[];
}

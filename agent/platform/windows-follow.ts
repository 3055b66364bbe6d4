/** One job of Windows, followed to its end by asking: PowerShell tells no events. */
import type { JobUuid, QueueName } from '../../protocol/ids.ts';
import { finalJobStates } from '../../protocol/resources.ts';
import { backoff } from '../base/backoff.ts';
import { type Clock, sleep } from '../base/clock.ts';
import type { BackendJob } from '../printing/print-backend.ts';
import { lostAs } from './cups-client.ts';
import { gaveUp } from './cups-report.ts';
import type { WindowsDeliveries } from './windows-delivery.ts';
import { goneReport, windowsJobReport, windowsReference } from './windows-job.ts';
import type { WindowsQueues } from './windows-queues.ts';
import { isDeleted, jobBits } from './windows-status.ts';

interface FollowDeps {
  readonly queues: WindowsQueues;
  readonly deliveries: WindowsDeliveries;
  readonly clock: Clock;
}

/** How long a state may be old: soon after it changed it changes again. */
const firstLookMs = 100;
const printingLookMs = 500;
const waitingLookMs = 2_000;

/** Each state that differs from the one before, the final one last. @throws `unreachable` */
export async function* followWindowsJob(
  deps: FollowDeps,
  queue: QueueName,
  uuid: JobUuid,
  signal: AbortSignal,
): AsyncGenerator<BackendJob, void, undefined> {
  let told = '';
  let pauses = lookDelays();
  let last: LastSeen | undefined;
  for (;;) {
    const found = await deps.queues.job(queue, uuid, signal).catch((error: unknown) => {
      throw lostAs('unreachable', error);
    });
    const now = found === undefined ? await ending(deps, uuid, last) : windowsJobReport(found.job, found.printer, uuid);
    const text = JSON.stringify(now);
    if (text !== told) {
      yield now;
      pauses = lookDelays();
    }
    told = text;
    if (finalJobStates.includes(now.state)) return;
    if (found !== undefined) last = { id: found.job.Id, bits: found.job.JobStatus };
    const most = now.state === 'processing' ? printingLookMs : waitingLookMs;
    await sleep(deps.clock, Math.min(pauses.next().value, most), signal);
  }
}

function lookDelays(): Generator<number, never, undefined> {
  return backoff({ firstMs: firstLookMs, mostMs: waitingLookMs, jitter: 0, random: () => 0 });
}

interface LastSeen {
  readonly id: number;
  readonly bits: number;
}

/** It is in the queue no more. Windows keeps no record: what it looked like last, and our own, must tell. */
async function ending({ deliveries }: FollowDeps, uuid: JobUuid, last: LastSeen | undefined): Promise<BackendJob> {
  const how = await deliveries.how(uuid);
  const takenBack = last !== undefined && (isDeleted(last.bits) || (last.bits & jobBits.paused) !== 0);
  if (how === 'removed' || takenBack) return goneReport(uuid, 'canceled', last?.id);
  if (how === 'whole') return goneReport(uuid, 'completed', last?.id);
  const reference = windowsReference({ id: last?.id ?? 0, uuid });
  return { reference, ...gaveUp('Windows did not get the whole document') };
}

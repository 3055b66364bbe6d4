/** Looking for a job by its uuid, after a crash: whether it is there, never was there, or nobody can know. */
import { NethoodError } from '../../protocol/errors.ts';
import type { JobUuid } from '../../protocol/ids.ts';
import { finalJobStates } from '../../protocol/resources.ts';
import { firstNumber, firstString, groupOf, jobStateOf, name, requestOf } from '../printing/ipp-attributes.ts';
import type { AttributeGroup } from '../printing/ipp-values.ts';
import type { BackendJob } from '../printing/print-backend.ts';
import { jobsAtOnce, orUnavailable, printerUri, type CupsClient } from './cups-client.ts';
import { backendJobOf } from './cups-report.ts';

/**
 * In all queues: somebody may have moved it. Of several the newest: a person had it sent again.
 * @throws `unavailable` (ask again), `unsupported` (CUPS keeps no record that could tell)
 */
export async function findJob(
  client: CupsClient,
  queue: string,
  uuid: JobUuid,
  signal: AbortSignal,
): Promise<BackendJob | undefined> {
  const jobs = await allJobs(client, signal);
  const job = jobs.findLast((each) => firstString(each, 'job-uuid') === uuid);
  if (job !== undefined) {
    const user = firstString(job, 'job-originating-user-name') ?? '';
    return backendJobOf(job, { id: idOf(job), uuid, user });
  }
  if (!jobs.some(hasEnded) && !(await remembers(client, queue, signal)))
    throw new NethoodError('unsupported', 'The print system keeps no record of jobs that ended (PreserveJobHistory).');
  return undefined;
}

/**
 * No ended job is there: CUPS is new, or forgets them. The number that it gives to an empty job tells: either that is
 * the first ever, or the job before is still known.
 */
async function remembers(client: CupsClient, queue: string, signal: AbortSignal): Promise<boolean> {
  const user = 'nethood';
  const create = requestOf('Create-Job', {
    ...printerUri(queue),
    'requesting-user-name': name(user),
    'job-name': name('nethood: which jobs are remembered?'),
  });
  const created = groupOf(await client.ask(create, signal).catch(orUnavailable), 'job');
  const id = idOf(created);
  const cancel = requestOf('Cancel-Job', {
    ...printerUri(queue),
    'job-id': [{ tag: 'integer', value: id }],
    'requesting-user-name': name(user),
  });
  await client.ask(cancel, signal).catch(orUnavailable);
  return id === 1 || (await allJobs(client, signal)).some((job) => idOf(job) === id - 1);
}

async function allJobs(client: CupsClient, signal: AbortSignal): Promise<AttributeGroup[]> {
  const all: AttributeGroup[] = [];
  for (let first = 1; ;) {
    const jobs = await client.jobs(first, signal);
    all.push(...jobs);
    const last = Math.max(...jobs.map(idOf));
    if (jobs.length < jobsAtOnce || last < first) return all;
    first = last + 1;
  }
}

function idOf(job: AttributeGroup): number {
  return firstNumber(job, 'job-id') ?? 0;
}

function hasEnded(job: AttributeGroup): boolean {
  const state = jobStateOf(job);
  return state !== undefined && finalJobStates.includes(state);
}

/** The moves that several decisions share: where a job goes, with what the world is told of it. */
import type { JobState } from '../../protocol/resources.ts';
import type { Job } from './job.ts';
import type { JobEffect, JobStep } from './job-events.ts';
import { forgetFailures, forward } from './job-progress.ts';

/** The destination has it: what was asked of it meanwhile it is told again. */
export function watchAgain(job: Job): JobStep {
  const effects: JobEffect[] = [];
  if (job.cancelledBy !== undefined) effects.push({ type: 'cancel' });
  else if (job.hold === 'released' && job.state === 'pending-held') effects.push({ type: 'release' });
  return { job, effects: [...effects, { type: 'watch' }] };
}

export function stay(job: Job): JobStep {
  return { job, effects: [] };
}

export function waiting(job: Job): Job {
  // A neighbour's printer has queued it when the neighbour says so, ours by what this spool has on disk.
  const reasons = job.destination.device === null ? ['job-queued'] : [];
  return { ...forgetFailures(job), phase: 'waiting', state: forward(job.state, 'pending'), reasons };
}

export function heldByPerson(job: Job): Job {
  const state = forward(job.state, 'pending-held');
  return { ...forgetFailures(job), phase: 'held', state, reasons: ['job-hold-until-specified'] };
}

export function inDoubt(job: Job, message: string): Job {
  const state = job.state === 'processing' ? 'processing-stopped' : forward(job.state, 'pending-held');
  const { reference: _, ...rest } = forgetFailures(job);
  return { ...rest, phase: 'held', state, reasons: ['nethood-may-have-printed'], message };
}

export function canceled(job: Job, now: number, message?: string): JobStep {
  const reason = job.cancelledBy === 'operator' ? 'job-canceled-by-operator' : 'job-canceled-by-user';
  return end(job, 'canceled', [reason], { message, now });
}

interface EndOptions {
  readonly message: string | undefined;
  readonly now: number;
}

export function end(job: Job, state: JobState, reasons: string[], { message, now }: EndOptions): JobStep {
  const words = message === undefined ? {} : { message };
  const template = rememberedTicket(job.template);
  return stay({ ...forgetFailures(job), ...words, template, phase: 'ended', state, reasons, ended: now });
}

/** Of one attribute, when its job is over: how many copies is asked for later, thousands of page ranges are not. */
const rememberedBytes = 1_024;

function rememberedTicket(template: Job['template']): Job['template'] {
  return template.filter(([, values]) => JSON.stringify(values).length <= rememberedBytes);
}

import { type CallName, type JobView } from '../../protocol/control.ts';
import { JobId } from '../../protocol/ids.ts';
import { usageError } from '../usage-error.ts';
import type { Command } from '../command.ts';

type JobCall = Extract<CallName, 'job-cancel' | 'job-hold' | 'job-release'>;

export const jobCancel = jobCommand('job-cancel', 'is cancelled');
export const jobHold = jobCommand('job-hold', 'is held');
export const jobRelease = jobCommand('job-release', 'goes on');

function jobCommand(call: JobCall, done: string): Command {
  return {
    words: [1, 1],
    async run({ args, client, out }) {
      const id = JobId.safeParse(/^\d+$/.test(args.word(0)) ? Number(args.word(0)) : undefined);
      if (!id.success) throw usageError(call.replace('-', ' '), `wants the number of a job, not "${args.word(0)}"`);
      const job: JobView = await (await client()).call(call, { id: id.data });
      out.result(job, () => out.say(`Job ${job.id} ("${job.name}" on ${job.printer}) ${done}: ${job.state}.`));
    },
  };
}

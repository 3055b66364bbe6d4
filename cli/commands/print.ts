import { open } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { ControlClient } from '../../protocol/control-client.ts';
import type { JobView } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { PrintQuery } from '../../protocol/print-order.ts';
import { finalJobStates } from '../../protocol/resources.ts';
import { usageError } from '../usage-error.ts';
import type { Command, Context } from '../command.ts';
import { escapeText } from '../format/escape.ts';
import { ProgressLine } from '../format/progress.ts';
import type { Io } from '../io.ts';

const mostCopies = 999;

export const print: Command = {
  words: [1, 1],
  options: {
    on: { type: 'string', value: '<printer>', help: '<neighbour>/<printer>, or the name of an own one' },
    copies: { type: 'string', value: 'N', help: `1 (default) to ${mostCopies}` },
    wait: { type: 'boolean', help: 'until it is printed, or is not' },
  },
  details:
    'Returns when the job is safe in the spool of this PC; it is then printed whatever happens. `-` reads stdin.',
  async run(context) {
    const { client, io, out } = context;
    const query = queryOf(context);
    const agent = await client();
    const document = await openDocument(context.args.word(0), io);
    const job = await send(agent, query, document, io.interrupt);
    const end = context.args.flag('wait') ? await follow(context, agent, job) : job;
    out.result({ job: end.id, state: end.state, printer: end.printer }, () => {
      const what = end.state === 'completed' ? 'is printed' : 'is in the spool';
      out.say(`Job ${end.id}: "${end.name}" ${what} (${end.printer}, ${end.state}).`);
    });
  },
};

function queryOf({ args }: Context): PrintQuery {
  const on = args.text('on');
  if (on === undefined || on === '') throw usageError('print', 'wants --on <neighbour>/<printer>');
  const copies = args.text('copies') ?? '1';
  if (!/^\d{1,3}$/.test(copies) || Number(copies) < 1) throw usageError('print', `makes 1 to ${mostCopies} copies`);
  const file = args.word(0);
  return { on, name: file === '-' ? 'stdin' : basename(file), copies: Number(copies) };
}

async function openDocument(file: string, io: Io): Promise<Readable> {
  if (file === '-') return io.stdin;
  const path = resolve(io.cwd, file);
  const handle = await open(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
      throw new NethoodError('not-found', `The file ${path} does not exist.`, { cause });
    throw new NethoodError('not-permitted', `The file ${path} cannot be read (${cause.code ?? cause.message}).`, {
      cause,
    });
  });
  const found = await handle.stat();
  if (!found.isDirectory()) return handle.createReadStream({ highWaterMark: 1 << 20 });
  await handle.close();
  throw new NethoodError('not-a-file', `${path} is a folder; a file can be printed.`);
}

async function send(
  agent: ControlClient,
  query: PrintQuery,
  document: Readable,
  signal: AbortSignal,
): Promise<JobView> {
  let failed: Error | undefined;
  document.once('error', (error) => (failed = error));
  try {
    return await agent.print(query, Readable.toWeb(document) as ReadableStream<Uint8Array>, signal);
  } catch (error) {
    // The agent only sees that the document broke off; why is known here.
    if (failed !== undefined && !signal.aborted)
      throw new NethoodError('read-failed', `"${query.name}" cannot be read: ${failed.message}.`, { cause: failed });
    throw error;
  } finally {
    document.destroy();
  }
}

/** @throws NethoodError `cancelled`, `job-failed` */
async function follow({ io, out }: Context, agent: ControlClient, job: JobView): Promise<JobView> {
  using progress = new ProgressLine(io.stderr, !out.json);
  let view = job;
  try {
    for await (view of agent.watch('job-watch', { id: job.id }, io.interrupt)) progress.show(escapeText(jobLine(view)));
  } catch (error) {
    if (!io.interrupt.aborted) throw error;
    throw new NethoodError(
      'cancelled',
      `Job ${job.id} goes on without being watched; \`nethood job cancel ${job.id}\` ends it.`,
    );
  }
  if (view.state === 'completed') return view;
  const why = view.message ?? view.stateReasons.filter((reason) => reason !== 'none').join(', ');
  const reason = why === '' ? '' : `: ${why}`;
  if (view.state === 'canceled')
    throw new NethoodError('cancelled', `Job ${view.id} on ${view.printer} was cancelled${reason}.`);
  if (finalJobStates.includes(view.state))
    throw new NethoodError('job-failed', `Job ${view.id} on ${view.printer} was given up${reason}.`);
  throw new NethoodError('interrupted', `The agent stopped before job ${view.id} ended; the job is kept.`);
}

function jobLine({ id, state, stateReasons, pages, message }: JobView): string {
  const facts = [
    ...(pages === null ? [] : [`${pages} pages`]),
    ...stateReasons.filter((reason) => reason !== 'none'),
    ...(message === null ? [] : [message]),
  ];
  return `Job ${id}: ${state}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`.slice(0, 79);
}

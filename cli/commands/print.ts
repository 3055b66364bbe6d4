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
import { readTicket, ticketOptions } from '../print-options.ts';

/** At once; a person with more will not mind a second command. */
const mostFiles = 100;

export const print: Command = {
  words: [1, mostFiles],
  options: {
    on: { type: 'string', value: '<printer>', help: '<neighbour>/<printer>, or the name of an own one' },
    ...ticketOptions,
    wait: { type: 'boolean', help: 'until it is printed, or is not' },
  },
  details:
    'Returns when the job is safe in the spool of this PC; it is then printed whatever happens. `-` reads stdin.',
  async run(context) {
    const { args, client, io, out } = context;
    const on = args.text('on');
    if (on === undefined || on === '') throw usageError('print', 'wants --on <neighbour>/<printer>');
    const ticket = readTicket(args);
    const agent = await client();
    await using documents = await openDocuments(args.words, io);
    const jobs: JobView[] = [];
    for (const { name, stream } of documents.list)
      jobs.push(await send(agent, { ...ticket, on, name }, stream, io.interrupt).catch(withCount(jobs)));
    const ends = args.flag('wait') ? await followAll(context, agent, jobs) : jobs;
    const results = ends.map(({ id: job, state, printer }) => ({ job, state, printer }));
    out.result(args.words.length === 1 ? results[0] : results, () => {
      for (const end of ends) out.say(sentenceOf(end));
    });
  },
};

function sentenceOf({ id, name, printer, state, stateReasons }: JobView): string {
  const waits = stateReasons.includes('job-hold-until-specified');
  const what = waits ? `waits for \`nethood job release ${id}\`` : 'is in the spool';
  return `Job ${id}: "${name}" ${state === 'completed' ? 'is printed' : what} (${printer}, ${state}).`;
}

/** Of several documents those before the bad one are on their way: that must be said. */
function withCount(sent: readonly JobView[]): (error: unknown) => never {
  return (error) => {
    if (sent.length === 0 || !(error instanceof NethoodError)) throw error;
    const numbers = sent.map(({ id }) => id).join(', ');
    const message = `${error.message} Already in the spool: job ${numbers}.`;
    throw new NethoodError(error.code, message, { cause: error });
  };
}

interface NamedDocument {
  readonly name: string;
  readonly stream: Readable;
}

/** All of them before the first is sent: a mistyped name prints nothing. */
async function openDocuments(
  files: readonly string[],
  io: Io,
): Promise<AsyncDisposable & { list: readonly NamedDocument[] }> {
  const list: NamedDocument[] = [];
  const close = async (): Promise<void> => {
    for (const { stream } of list) stream.destroy();
  };
  try {
    for (const file of files)
      list.push({ name: file === '-' ? 'stdin' : basename(file), stream: await openDocument(file, io) });
  } catch (error) {
    await close();
    throw error;
  }
  return { list, [Symbol.asyncDispose]: close };
}

async function followAll(context: Context, agent: ControlClient, jobs: readonly JobView[]): Promise<JobView[]> {
  const ends: JobView[] = [];
  for (const job of jobs) ends.push(await follow(context, agent, job));
  return ends;
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

function jobLine({ id, state, stateReasons, pages, pagesTotal, message }: JobView): string {
  const facts = [
    ...(pages === null ? [] : [pagesTotal === null ? `${pages} pages` : `page ${pages} of ${pagesTotal}`]),
    ...stateReasons.filter((reason) => reason !== 'none'),
    ...(message === null ? [] : [message]),
  ];
  return `Job ${id}: ${state}${facts.length === 0 ? '' : ` (${facts.join(', ')})`}`.slice(0, 79);
}

import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ControlClient } from '../../protocol/control-client.ts';
import type { CallRequest, TransferView } from '../../protocol/control.ts';
import { NethoodError, toNethoodError } from '../../protocol/errors.ts';
import type { Command, Context } from '../command.ts';
import { ProgressLine, progressLine } from '../format/progress.ts';
import { bytesText, countText, durationText, rateText } from '../format/quantity.ts';
import type { Output } from '../output.ts';
import { readPlace } from '../place.ts';

/** The agent ends the transfer and says so; if it does not, we go anyway. */
const cancelWithinMs = 5_000;

export const get: Command = {
  words: [1, 2],
  details: [
    'A file or a folder, into a folder that is there, or under a new name; without a destination into this folder.',
    'Ctrl-C cancels. The same command again goes on where an earlier one was broken off.',
  ].join('\n'),
  async run(context) {
    const { args, client, io, out } = context;
    const place = readPlace(args.word(0));
    if (place.share === '') throw new NethoodError('usage', `"${args.word(0)}" names no share.`);
    const destination = await destinationOf(args.words[1] ?? '.', io.cwd);
    const end = await follow(context, await client(), { ...place, destination });
    if (end.state !== 'done') throw endError(end);
    const { destination: path, files, bytes, seconds, resumedFrom, skipped } = end;
    out.result({ path, files, bytes, seconds, resumedFrom, skipped }, () => say(end, out));
  },
};

/** Absolute, because the agent has another present folder. A name that ends like a folder's must be one. */
async function destinationOf(text: string, cwd: string): Promise<string> {
  const path = resolve(cwd, text);
  if (!/[/\\]$/.test(text)) return path;
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return path;
  throw new NethoodError('not-a-folder', `The folder ${path} does not exist.`);
}

async function follow({ io, out }: Context, agent: ControlClient, request: CallRequest<'get'>): Promise<TransferView> {
  using progress = new ProgressLine(io.stderr, !out.json);
  let view = await agent.call('get', request, io.interrupt);
  const watching = new AbortController();
  const cancel = (): void => void cancelTransfer(agent, view, watching);
  io.interrupt.addEventListener('abort', cancel, { once: true });
  if (io.interrupt.aborted) cancel();
  try {
    for await (view of agent.watch('transfer-watch', { id: view.id }, watching.signal))
      progress.show(progressLine(view, progress.columns));
    return view;
  } finally {
    io.interrupt.removeEventListener('abort', cancel);
  }
}

/** What it ends with comes over the watch; only where that fails the watch is ended here. */
async function cancelTransfer(agent: ControlClient, { id }: TransferView, watching: AbortController): Promise<void> {
  const late = setTimeout(() => watching.abort(), cancelWithinMs);
  late.unref();
  await agent.call('transfer-cancel', { id }).catch(() => watching.abort());
}

function endError({ state, error, source }: TransferView): NethoodError {
  if (error !== null) return new NethoodError(error.code, error.message);
  if (state === 'cancelled')
    return new NethoodError('cancelled', `"${source}" is cancelled; what has come is kept for 24 hours.`);
  if (state === 'failed') return toNethoodError(new Error(`"${source}" could not be fetched.`));
  return new NethoodError('interrupted', `The agent stopped before "${source}" was whole; the same command goes on.`);
}

function say({ destination, files, bytes, seconds, resumedFrom, skipped }: TransferView, out: Output): void {
  const fresh = Math.max(0, bytes - resumedFrom);
  // What is over at once has no rate worth saying.
  const pace = seconds < 1 ? '' : ` in ${durationText(seconds)}, ${rateText(fresh / seconds)}`;
  const before = resumedFrom > 0 ? `, ${bytesText(resumedFrom)} of it from an earlier try` : '';
  out.say(`${destination}: ${countText(files, 'file')}, ${bytesText(bytes)}${pace}${before}.`);
  if (skipped > 0)
    out.note(`${countText(skipped, 'link or special file was', 'links or special files were')} left out.`);
}

/** A transfer of the agent, watched from the command line to its end. */
import type { ControlClient } from '../protocol/control-client.ts';
import type { TransferView } from '../protocol/control.ts';
import { hasCode, NethoodError, toNethoodError } from '../protocol/errors.ts';
import type { Context } from './command.ts';
import { limitText, ProgressLine, progressLine } from './format/progress.ts';
import { bytesText, countText, durationText, leftOutText, rateText } from './format/quantity.ts';
import type { Output } from './output.ts';

/** The agent ends the transfer and says so; if it does not, we go anyway. */
const cancelWithinMs = 5_000;

/** The present answer to `get` and `put`, which is also what `--json` gives. */
export type TransferResult = Pick<TransferView, 'files' | 'bytes' | 'seconds' | 'resumedFrom' | 'skipped' | 'limit'> & {
  readonly path: string;
};

/** @throws how it ended, where it is not done */
export async function followTransfer(
  { io, out }: Pick<Context, 'io' | 'out'>,
  agent: ControlClient,
  begin: (signal: AbortSignal) => Promise<TransferView>,
): Promise<TransferResult> {
  const view = await lastOf({ io, out }, agent, await begin(io.interrupt));
  if (view.state !== 'done') throw endError(view);
  const { destination: path, files, bytes, seconds, resumedFrom, skipped, limit } = view;
  return { path, files, bytes, seconds, resumedFrom, skipped, limit };
}

export function sayTransfer(result: TransferResult, out: Output): void {
  const { path, files, bytes, skipped } = result;
  out.say(`${path}: ${countText(files, 'file')}, ${bytesText(bytes)}${paceText(result)}${beforeText(result)}.`);
  if (skipped > 0) out.note(leftOutText(skipped, { one: 'was', many: 'were' }));
}

/** What is over at once, or was there before, has no rate worth saying. */
function paceText({ bytes, seconds, resumedFrom, limit }: TransferResult): string {
  if (seconds < 1) return '';
  const fresh = bytes - resumedFrom;
  const rate = fresh > 0 ? `, ${rateText(fresh / seconds)}` : '';
  return ` in ${durationText(seconds)}${rate}${limit === null ? '' : ` (limit: ${limitText(limit)})`}`;
}

/** Of an earlier try, or of an earlier transfer. */
function beforeText({ bytes, resumedFrom }: TransferResult): string {
  if (resumedFrom === 0) return '';
  return resumedFrom >= bytes ? ', all there already' : `, ${bytesText(resumedFrom)} of it there already`;
}

async function lastOf(
  { io, out }: Pick<Context, 'io' | 'out'>,
  agent: ControlClient,
  begun: TransferView,
): Promise<TransferView> {
  using progress = new ProgressLine(io.stderr, !out.json);
  let view = begun;
  const watching = new AbortController();
  const cancel = (): void => void cancelTransfer(agent, view, watching);
  io.interrupt.addEventListener('abort', cancel, { once: true });
  if (io.interrupt.aborted) cancel();
  try {
    for await (view of agent.watch('transfer-watch', { id: view.id }, watching.signal))
      progress.show(progressLine(view, progress.columns));
    return view;
  } catch (error) {
    // The agent went away: what is known of the transfer says that it is not done.
    if (!hasCode(error, 'interrupted')) throw error;
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

function endError({ state, error, source, direction }: TransferView): NethoodError {
  if (error !== null) return new NethoodError(error.code, error.message);
  if (state === 'failed')
    return toNethoodError(new Error(`"${source}" could not be ${direction === 'get' ? 'fetched' : 'put there'}.`));
  return new NethoodError('interrupted', `The agent stopped before "${source}" was whole; the same command goes on.`);
}

/** Commands that show a part of the snapshot: once, or again at each change of that part. */
import { applyEventLine, type Snapshot } from '../protocol/control.ts';
import { NethoodError } from '../protocol/errors.ts';
import type { Context } from './command.ts';
import { jsonLine } from './format/escape.ts';

/** `pick` makes the document of `--json`; `show` says the same to people. */
export async function showPart<T>(
  { args, client, io, out }: Context,
  pick: (snapshot: Snapshot) => T,
  show: (part: T) => void,
): Promise<void> {
  const agent = await client();
  if (!args.flag('watch')) {
    const part = pick(await agent.snapshot());
    return out.result(part, () => show(part));
  }
  let shown: string | undefined;
  let snapshot: Snapshot | undefined;
  try {
    for await (const line of agent.events(io.interrupt)) {
      snapshot = applyEventLine(snapshot, line);
      if (snapshot === undefined) continue;
      const part = pick(snapshot);
      const text = jsonLine(part);
      if (text === shown) continue;
      if (shown !== undefined) out.again();
      shown = text;
      out.result(part, () => show(part));
    }
  } catch (error) {
    // Ctrl-C is how watching ends.
    if (io.interrupt.aborted) return;
    throw error;
  }
  if (!io.interrupt.aborted) throw new NethoodError('no-agent', 'The agent has stopped.');
}

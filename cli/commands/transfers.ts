import type { TransferView } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { Command } from '../command.ts';
import { amountText, paceText } from '../format/progress.ts';
import type { Column } from '../format/table.ts';
import { showPart } from '../watch.ts';

/** Of an id, as people type it. */
const shortId = 8;

const columns: readonly Column<TransferView>[] = [
  { title: 'TRANSFER', cell: ({ id }) => id.slice(0, shortId) },
  { title: 'FROM', cell: ({ source }) => source },
  { title: 'TO', cell: ({ destination }) => destination },
  { title: 'DONE', cell: amountText, align: 'right' },
  { title: 'STATE', cell: stateText },
];

export const transfers: Command = {
  words: [0, 0],
  watch: true,
  details:
    'Those that run, and those that ended since the agent began. `get` or `put` again goes on with one that broke off.',
  run: (context) =>
    showPart(
      context,
      (snapshot) => snapshot.transfers,
      (list) => {
        if (list.length === 0) context.out.say('There are no transfers.');
        else context.out.table(columns, list);
      },
    ),
};

export const transferCancel: Command = {
  words: [1, 1],
  async run({ args, client, out }) {
    const agent = await client();
    const typed = args.word(0);
    const { transfers: all } = await agent.snapshot();
    const found = all.filter(({ id }) => id.startsWith(typed));
    const [one] = found;
    if (one === undefined) throw new NethoodError('not-found', `There is no transfer "${typed}".`);
    if (found.length > 1) throw new NethoodError('ambiguous', `Several transfers begin with "${typed}".`);
    const view = await agent.call('transfer-cancel', { id: one.id });
    out.result(view, () => out.say(endText(view)));
  },
};

/** One that ended before it was told to stays as it ended. */
function endText({ source, state, error }: TransferView): string {
  if (state === 'cancelled') return error?.message ?? `"${source}" is cancelled.`;
  return `"${source}" had ended before: ${state}.`;
}

function stateText(view: TransferView): string {
  const { state, error } = view;
  if (state === 'running') return ['running', paceText(view)].filter((text) => text !== '').join('  ');
  if (state === 'waiting') return paceText(view);
  return state === 'failed' && error !== null ? `failed: ${error.message}` : state;
}

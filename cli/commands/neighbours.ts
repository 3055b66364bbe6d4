import type { NeighbourView } from '../../protocol/control.ts';
import { shortId } from '../../protocol/ids.ts';
import type { Command } from '../command.ts';
import type { Column } from '../format/table.ts';
import { showPart } from '../watch.ts';

const columns: readonly Column<NeighbourView>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'STATE', cell: stateText },
  { title: 'FOLDERS', cell: ({ shares }) => namesText(shares) },
  { title: 'PRINTERS', cell: ({ printers }) => namesText(printers) },
  { title: 'ADDRESS', cell: ({ addresses }) => addresses[0] ?? '' },
  { title: 'ID', cell: ({ id }) => shortId(id) },
];
const mostNames = 4;

export const neighbours: Command = {
  words: [0, 0],
  watch: true,
  run: (context) =>
    showPart(
      context,
      (snapshot) => snapshot.neighbours,
      (list) => {
        if (list.length === 0) context.out.say('Nobody is there yet.');
        else context.out.table(columns, list);
      },
    ),
};

function stateText({ state, trust, problem }: NeighbourView): string {
  const known = trust === 'stranger' ? '' : `, ${trust}`;
  return `${state}${known}${problem === null ? '' : ` (${problem})`}`;
}

function namesText(things: readonly { readonly name: string }[]): string {
  const names = things.slice(0, mostNames).map(({ name }) => name);
  return [...names, ...(things.length > mostNames ? [`${things.length - mostNames} more`] : [])].join(', ');
}

import type { ShareView } from '../../protocol/control.ts';
import type { Command } from '../command.ts';
import { audienceWord } from '../format/audience.ts';
import type { Column } from '../format/table.ts';
import { showPart } from '../watch.ts';

const columns: readonly Column<ShareView>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'FOR', cell: ({ audience }) => audienceWord(audience) },
  { title: 'RIGHTS', cell: ({ rights }) => rights },
  { title: 'FOLDER', cell: ({ folder, state }) => (state === 'ok' ? folder : `${folder} (${state})`) },
];

export const shares: Command = {
  words: [0, 0],
  watch: true,
  run: (context) =>
    showPart(
      context,
      (snapshot) => snapshot.shares,
      (list) => {
        if (list.length > 0) context.out.table(columns, list);
        else context.out.say('No folder is shared. `nethood share --public` makes and shares the folder Public.');
      },
    ),
};

import type { PrinterView } from '../../protocol/control.ts';
import type { Command } from '../command.ts';
import { audienceWord } from '../format/audience.ts';
import type { Column } from '../format/table.ts';
import { showPart } from '../watch.ts';

const columns: readonly Column<PrinterView>[] = [
  { title: 'PRINTER', cell: ({ id, local, owner }) => (local ? id : `${owner}/${id}`) },
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'STATE', cell: stateText },
  { title: 'JOBS', cell: ({ jobs }) => (jobs === 0 ? '' : String(jobs)), align: 'right' },
  { title: 'SUPPLIES', cell: suppliesText },
  { title: 'HERE AS', cell: ({ installed }) => installed ?? '' },
  { title: 'FOR', cell: ({ audience }) => audienceWord(audience) },
  { title: 'URI', cell: ({ uri }) => uri ?? '' },
];

export const printers: Command = {
  words: [0, 0],
  watch: true,
  run: (context) =>
    showPart(
      context,
      (snapshot) => snapshot.printers,
      (list) => {
        if (list.length === 0) context.out.say('No printer is there.');
        else context.out.table(columns, list);
      },
    ),
};

function suppliesText({ supplies }: PrinterView): string {
  return supplies.map(({ name, level }) => (level === null ? `${name} ?` : `${name} ${level}%`)).join(', ');
}

function stateText({ state, stateReasons, accepting, unshareable }: PrinterView): string {
  const reasons = stateReasons.filter((reason) => reason !== 'none');
  const facts = [
    ...reasons,
    ...(accepting ? [] : ['accepts no jobs']),
    ...(unshareable === null ? [] : ['not to share']),
  ];
  return facts.length === 0 ? state : `${state} (${facts.join(', ')})`;
}

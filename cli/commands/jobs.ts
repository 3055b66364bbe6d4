import type { JobView } from '../../protocol/control.ts';
import type { Command } from '../command.ts';
import { timeText } from '../format/quantity.ts';
import type { Column } from '../format/table.ts';
import { showPart } from '../watch.ts';

const columns: readonly Column<JobView>[] = [
  { title: 'JOB', cell: ({ id }) => String(id), align: 'right' },
  { title: 'DOCUMENT', cell: ({ name }) => name },
  { title: 'PRINTER', cell: ({ printer }) => printer },
  { title: 'FROM', cell: ({ from }) => from },
  { title: 'STATE', cell: stateText },
  { title: 'PAGES', cell: ({ pages }) => (pages === null ? '' : String(pages)), align: 'right' },
  { title: 'SINCE', cell: ({ created }) => timeText(created) },
];

export const jobs: Command = {
  words: [0, 0],
  watch: true,
  run: (context) =>
    showPart(
      context,
      (snapshot) => snapshot.jobs,
      (list) => {
        if (list.length === 0) context.out.say('There are no jobs.');
        else context.out.table(columns, list);
      },
    ),
};

/** Reasons that say no more than the state (RFC 8011 5.3.8). */
const plain: ReadonlySet<string> = new Set(['none', 'job-completed-successfully', 'job-printing']);

function stateText({ state, message, stateReasons }: JobView): string {
  const why = message ?? stateReasons.filter((reason) => !plain.has(reason)).join(', ');
  return why === '' ? state : `${state} (${why})`;
}

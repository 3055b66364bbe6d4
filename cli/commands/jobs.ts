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
  { title: 'PAGES', cell: pagesText, align: 'right' },
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

function pagesText({ pages, pagesTotal }: JobView): string {
  if (pages === null) return pagesTotal === null ? '' : `of ${pagesTotal}`;
  return pagesTotal === null || pagesTotal === pages ? String(pages) : `${pages} of ${pagesTotal}`;
}

/** Reasons that say no more than the state (RFC 8011 5.3.8). */
const plain: ReadonlySet<string> = new Set(['none', 'job-completed-successfully', 'job-printing']);

function stateText({ state, message, stateReasons, expires }: JobView): string {
  const reason = message ?? stateReasons.filter((each) => !plain.has(each)).join(', ');
  const until = expires === null ? '' : `given up at ${timeText(expires)}`;
  const why = [reason, until].filter((text) => text !== '').join('; ');
  return why === '' ? state : `${state} (${why})`;
}

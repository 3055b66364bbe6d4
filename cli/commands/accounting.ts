import type { AccountingLine } from '../../protocol/print-order.ts';
import type { Command } from '../command.ts';
import { bytesText, timeText } from '../format/quantity.ts';
import type { Column } from '../format/table.ts';
import { usageError } from '../usage-error.ts';

const columns: readonly Column<AccountingLine>[] = [
  { title: 'WHEN', cell: ({ at }) => timeText(at) },
  { title: 'PRINTER', cell: ({ printer }) => printer },
  { title: 'FROM', cell: ({ from }) => from },
  { title: 'PAGES', cell: ({ pages }) => (pages === null ? '' : String(pages)), align: 'right' },
  { title: 'COPIES', cell: ({ copies }) => String(copies), align: 'right' },
  { title: 'SIZE', cell: ({ bytes }) => bytesText(bytes), align: 'right' },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'DOCUMENT', cell: ({ name }) => name },
];

export const accounting: Command = {
  words: [0, 0],
  options: {
    since: { type: 'string', value: '<day>', help: '2026-11-20, or with a time: 2026-11-20T08:00' },
    limit: { type: 'string', value: 'N', help: 'so many at most, the newest; 1,000 by default' },
  },
  details: 'What ended on the printers of this PC, whoever sent it. Pages only where the printer counts them.',
  async run({ args, client, out }) {
    const since = timeOf(args.text('since'));
    const limit = countOf(args.text('limit'));
    const agent = await client();
    const { lines } = await agent.call('accounting', { ...since, ...limit });
    out.result(lines, () => {
      if (lines.length === 0) out.say('Nothing was printed on the printers of this PC.');
      else out.table(columns, lines);
    });
  },
};

/** A day begins at midnight where this PC is. */
function timeOf(text: string | undefined): { since?: string } {
  if (text === undefined) return {};
  const at = new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00` : text);
  if (Number.isNaN(at.getTime())) throw usageError('accounting', `wants a day like 2026-11-20, not "${text}"`);
  return { since: at.toISOString() };
}

function countOf(text: string | undefined): { limit?: number } {
  if (text === undefined) return {};
  if (!/^[1-9]\d{0,3}$/.test(text)) throw usageError('accounting', `lists 1 to 9999 jobs, not "${text}"`);
  return { limit: Number(text) };
}

/** The options of `print` that say how: read here into a ticket, judged by the printer. */
import { PrintTicket } from '../protocol/print-order.ts';
import type { Args } from './arguments.ts';
import type { Option } from './command.ts';
import { usageError } from './usage-error.ts';

const mostCopies = 999;

export const ticketOptions = {
  copies: { type: 'string', value: 'N', help: `1 (default) to ${mostCopies}` },
  sides: { type: 'string', value: '<sides>', help: 'one, two (turned at the long edge), two-short' },
  color: { type: 'string', value: '<colour>', help: 'yes, no, auto' },
  media: { type: 'string', value: '<size>', help: 'A4, Letter, A5 ..., or a name of PWG 5101.1' },
  pages: { type: 'string', value: '<pages>', help: '1-3,5,8-' },
  quality: { type: 'string', value: '<quality>', help: 'draft, normal, high' },
  hold: { type: 'boolean', help: 'keep it at the printer until `nethood job release`' },
} as const satisfies Record<string, Option>;

/** What people write, and what PWG calls it. Its own words are taken too. */
const words = {
  sides: {
    one: 'one-sided',
    two: 'two-sided-long-edge',
    'two-long': 'two-sided-long-edge',
    'two-short': 'two-sided-short-edge',
  },
  color: { yes: 'color', no: 'monochrome', gray: 'monochrome', grey: 'monochrome' },
} as const;

/** @throws NethoodError `usage` */
export function readTicket(args: Args): PrintTicket {
  const copies = args.text('copies');
  if (copies !== undefined && !/^[1-9]\d{0,2}$/.test(copies))
    throw usageError('print', `makes 1 to ${mostCopies} copies, not "${copies}"`);
  const given = {
    copies,
    sides: wordOf('sides', args),
    color: wordOf('color', args),
    media: args.text('media'),
    pages: args.text('pages')?.replaceAll(' ', ''),
    quality: args.text('quality'),
    hold: args.flag('hold') ? 'true' : undefined,
  };
  const ticket = PrintTicket.safeParse(given);
  if (ticket.success) return ticket.data;
  const option = String(ticket.error.issues[0]?.path[0] ?? 'copies') as keyof typeof ticketOptions;
  throw usageError('print', `knows no --${option} "${args.text(option) ?? ''}", but: ${ticketOptions[option].help}`);
}

function wordOf(option: keyof typeof words, args: Args): string | undefined {
  const given = args.text(option)?.toLowerCase();
  const known: Readonly<Record<string, string>> = words[option];
  return given !== undefined && Object.hasOwn(known, given) ? known[given] : given;
}

/**
 * How a document is to be printed, as attributes of its job (RFC 8011 section 5.2, PWG 5100.7 and 5100.13). Each wish is
 * held against what the printer says of itself; one that it cannot fulfil is an error that names what it can.
 */
import { NethoodError } from '../../protocol/errors.ts';
import type { PrintTicket } from '../../protocol/print-order.ts';
import {
  enumeration,
  firstBoolean,
  integer,
  keyword,
  numbersOf,
  range,
  stringsOf,
  type IppValues,
} from './ipp-attributes.ts';
import { printQualities } from './ipp-tables.ts';
import type { AttributeGroup } from './ipp-values.ts';
import { pwgMediaName, shortMediaName } from './media-names.ts';

export interface TicketPrinter {
  /** For people. */
  readonly label: string;
  /** Undefined where it cannot be asked now: it says itself then what it cannot, before it prints. */
  readonly described: AttributeGroup | undefined;
}

/** Whether anything is wished that a printer may not be able to. */
export function hasWishes({ copies, sides, color, media, pages, quality }: PrintTicket): boolean {
  return copies > 1 || [sides, color, media, pages, quality].some((wish) => wish !== undefined);
}

/** @throws NethoodError `not-supported`, `usage` (what no printer knows) */
export function templateOf(ticket: PrintTicket, printer: TicketPrinter): AttributeGroup {
  const wishes: [string, IppValues | undefined][] = [
    ['copies', copiesOf(ticket, printer)],
    ['sides', sidesOf(ticket, printer)],
    ['print-color-mode', colorOf(ticket, printer)],
    ['media', mediaOf(ticket, printer)],
    ['page-ranges', pagesOf(ticket, printer)],
    ['print-quality', qualityOf(ticket, printer)],
  ];
  return new Map(wishes.filter((wish): wish is [string, IppValues] => wish[1] !== undefined));
}

function copiesOf({ copies }: PrintTicket, { label, described }: TicketPrinter): IppValues | undefined {
  if (copies === 1) return undefined;
  const [supported] = described?.get('copies-supported') ?? [];
  const most = supported?.tag === 'rangeOfInteger' ? supported.upper : 1;
  if (described !== undefined && copies > most)
    throw cannot(label, `makes ${most === 1 ? 'one copy' : `1 to ${most} copies`} of a document, not ${copies}`);
  return integer(copies);
}

const sideWords: Readonly<Record<string, string>> = {
  'one-sided': 'on one side',
  'two-sided-long-edge': 'on both sides (two-sided-long-edge)',
  'two-sided-short-edge': 'on both sides (two-sided-short-edge)',
};

function sidesOf({ sides }: PrintTicket, { label, described }: TicketPrinter): IppValues | undefined {
  if (sides === undefined) return undefined;
  const supported = described && stringsOf(described, 'sides-supported');
  if (supported && !supported.includes(sides)) {
    const can = supported.length === 0 ? 'on one side' : listed(supported.map((each) => sideWords[each] ?? each));
    throw cannot(label, `does not print ${sides}; it prints ${can}`);
  }
  return keyword(sides);
}

function colorOf({ color }: PrintTicket, { label, described }: TicketPrinter): IppValues | undefined {
  if (color === undefined) return undefined;
  const supported = described && stringsOf(described, 'print-color-mode-supported');
  if (!supported || supported.includes(color)) return keyword(color);
  // What it does where nobody says otherwise.
  if (color === 'auto') return undefined;
  const can = supported.length === 0 ? 'has no choice of colour' : `prints ${listed(supported)}`;
  throw cannot(label, `does not print in ${color === 'color' ? 'colour' : 'black and white'}; it ${can}`);
}

function mediaOf({ media }: PrintTicket, { label, described }: TicketPrinter): IppValues | undefined {
  if (media === undefined) return undefined;
  const pwgName = pwgMediaName(media);
  if (pwgName === undefined)
    throw new NethoodError(
      'usage',
      `${JSON.stringify(media)} is no paper size; one is called A4, Letter or iso_a4_210x297mm.`,
    );
  const supported = described && stringsOf(described, 'media-supported');
  if (supported && !hasMedia(supported, pwgName)) {
    const sizes = supported.filter((each) => !each.startsWith('custom_')).map((each) => shortMediaName(each));
    throw cannot(label, `does not print on ${media}; it prints on ${listed(sizes)}`);
  }
  return keyword(pwgName);
}

/** PWG 5101.1 section 5.1.3: custom_min and custom_max stand for all sizes between them. */
function hasMedia(supported: readonly string[], pwgName: string): boolean {
  if (supported.includes(pwgName)) return true;
  return pwgName.startsWith('custom_') && supported.some((each) => each.startsWith('custom_min'));
}

/** RFC 8011 section 5.2.7: in ascending order, none within another. The last one may be open. */
function pagesOf({ pages }: PrintTicket, { label, described }: TicketPrinter): IppValues | undefined {
  if (pages === undefined) return undefined;
  if (described !== undefined && firstBoolean(described, 'page-ranges-supported') !== true)
    throw cannot(label, 'prints whole documents, no single pages');
  const ranges = pages.split(',').map((text) => rangeIn(text));
  const merged: [number, number][] = [];
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged.flatMap(([from, to]) => range(from, to));
}

/** Largest integer of IPP (RFC 8011 section 5.1.5). */
const lastPage = 2 ** 31 - 1;

function rangeIn(text: string): [number, number] {
  const [first = '', last] = text.split('-', 2);
  const from = Number(first);
  const to = last === undefined ? from : last === '' ? lastPage : Number(last);
  if (from < 1 || to < from)
    throw new NethoodError('usage', `"${text}" are no pages: the first is 1, and ranges go upwards.`);
  return [from, to];
}

function qualityOf({ quality }: PrintTicket, { label, described }: TicketPrinter): IppValues | undefined {
  if (quality === undefined) return undefined;
  const supported = described && numbersOf(described, 'print-quality-supported');
  if (supported && !supported.includes(printQualities[quality])) {
    const can = qualities.filter((each) => supported.includes(printQualities[each]));
    throw cannot(
      label,
      `has no ${quality} quality; it prints in ${can.length === 0 ? 'one quality only' : listed(can)}`,
    );
  }
  return enumeration(printQualities[quality]);
}
const qualities = ['draft', 'normal', 'high'] as const;

function cannot(label: string, what: string): NethoodError {
  return new NethoodError('not-supported', `The printer ${label} ${what}.`);
}

/** `A4, A5 or Letter`; of many the first. */
function listed(words: readonly string[]): string {
  const unique = Array.from(new Set(words));
  const shown = unique.length > 12 ? [...unique.slice(0, 12), `${unique.length - 12} others`] : unique;
  const last = shown.at(-1) ?? 'none';
  return shown.length < 2 ? last : `${shown.slice(0, -1).join(', ')} or ${last}`;
}

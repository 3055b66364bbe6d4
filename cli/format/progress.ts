/** The one line that a transfer has on a terminal. */
import type { TransferLimit, TransferView } from '../../protocol/control.ts';
import type { Sink } from '../io.ts';
import { escapeText } from './escape.ts';
import { bytesText, durationText, rateText } from './quantity.ts';
import { textWidth } from './table.ts';

/** Of the bar, as it shrinks. */
const barWidths = [20, 10, 5, 0] as const;
const shortestName = 8;
const longestName = 40;

/** Fits the width: the bar shrinks first, then the name goes, then what tells least. Pure. */
export function progressLine(view: TransferView, columns: number): string {
  const room = columns - 1;
  const name = escapeText(lastPart(view.source));
  for (const width of barWidths) {
    const facts = together(bar(view, width), amountText(view), paceText(view), files(view), held(view));
    const left = room - textWidth(facts) - 2;
    if (left >= Math.min(textWidth(name), shortestName))
      return `${shortened(name, Math.min(left, longestName))}  ${facts}`;
  }
  return withoutName(view, room);
}

function withoutName(view: TransferView, room: number): string {
  const facts = [bar(view, 0), paceText(view), amountText(view), files(view), held(view)];
  for (let count = facts.length; count > 1; count--) {
    const line = together(...facts.slice(0, count));
    if (line !== '' && textWidth(line) <= room) return line;
  }
  return shortened(together(...facts), room);
}

function together(...facts: readonly string[]): string {
  return facts.filter((text) => text !== '').join('  ');
}

function bar({ bytes, bytesTotal, state }: TransferView, width: number): string {
  if (bytesTotal === null) return '';
  const share = bytesTotal === 0 ? (state === 'done' ? 1 : 0) : Math.min(1, bytes / bytesTotal);
  const percent = `${Math.floor(share * 100)} %`;
  if (width === 0) return percent;
  const full = Math.floor(share * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}] ${percent.padStart(5)}`;
}

/** How far it is. */
export function amountText({ bytes, bytesTotal }: TransferView): string {
  return bytesTotal === null ? bytesText(bytes) : `${bytesText(bytes)} of ${bytesText(bytesTotal)}`;
}

/** What keeps a transfer from being faster, for people. */
export function limitText(limit: TransferLimit): string {
  const texts = {
    'their-disk': 'their disk',
    'our-disk': 'our disk',
    network: 'the network',
    processor: 'the processor',
    setting: 'a setting',
  } as const;
  return texts[limit];
}

/** How fast, and how long it takes. */
export function paceText({ state, rate, secondsLeft, neighbour }: TransferView): string {
  if (state === 'waiting') return `waiting for ${escapeText(neighbour)}`;
  if (state !== 'running' || rate === 0) return '';
  if (secondsLeft === null) return rateText(rate);
  return `${rateText(rate)}  ${durationText(secondsLeft)} left`;
}

function held({ state, limit: what }: TransferView): string {
  return state !== 'running' || what === null ? '' : `limit: ${limitText(what)}`;
}

function files({ files: done, filesTotal }: TransferView): string {
  return filesTotal === null || filesTotal <= 1 ? '' : `${done}/${filesTotal} files`;
}

function lastPart(source: string): string {
  return source.slice(source.lastIndexOf('/') + 1);
}

function shortened(text: string, width: number): string {
  if (width < 4) return '';
  if (textWidth(text) <= width) return text;
  let kept = '';
  for (const char of text) {
    if (textWidth(kept + char) > width - 1) break;
    kept += char;
  }
  return `${kept}…`;
}

/** Rewrites one line of a terminal; silent anywhere else. */
export class ProgressLine implements Disposable {
  readonly #sink: Sink | undefined;
  #shown = false;

  constructor(sink: Sink, wanted: boolean) {
    this.#sink = wanted && sink.isTTY ? sink : undefined;
  }

  show(text: string): void {
    this.#sink?.write(`\r${text}\u001b[K`);
    this.#shown = true;
  }

  get columns(): number {
    return this.#sink?.columns ?? 80;
  }

  /** Takes the line away: what comes next says how it ended. */
  [Symbol.dispose](): void {
    if (this.#shown) this.#sink?.write('\r\u001b[K');
    this.#shown = false;
  }
}

/** The one line that a transfer has on a terminal. */
import type { TransferLimit, TransferView } from '../../protocol/control.ts';
import type { Sink } from '../io.ts';
import { escapeText } from './escape.ts';
import { bytesText, durationText, rateText } from './quantity.ts';
import { textWidth } from './table.ts';

const barWidth = 20;

/** Fits the width; what fits least is the name. Pure. */
export function progressLine(view: TransferView, columns: number): string {
  const facts = [bar(view), amount(view), pace(view), files(view), held(view)].filter((text) => text !== '').join('  ');
  const room = columns - 1 - textWidth(facts) - 2;
  const name = shortened(escapeText(lastPart(view.source)), Math.min(room, 40));
  return name === '' ? shortened(facts, columns - 1) : `${name}  ${facts}`;
}

function bar({ bytes, bytesTotal, state }: TransferView): string {
  if (bytesTotal === null) return '';
  const share = bytesTotal === 0 ? (state === 'done' ? 1 : 0) : Math.min(1, bytes / bytesTotal);
  const full = Math.floor(share * barWidth);
  return `[${'#'.repeat(full)}${'-'.repeat(barWidth - full)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}

function amount({ bytes, bytesTotal }: TransferView): string {
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

function pace({ state, rate, secondsLeft, neighbour }: TransferView): string {
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

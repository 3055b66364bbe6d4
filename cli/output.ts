/** What a command says: one JSON document with `--json`, else lines for people. All lines are escaped here or in the table. */
import type { Io } from './io.ts';
import { escapeText, jsonLine } from './format/escape.ts';
import { type Column, tableLines } from './format/table.ts';

export class Output {
  readonly json: boolean;
  readonly #io: Io;
  readonly #colour: boolean;

  constructor(io: Io, json: boolean) {
    this.json = json;
    this.#io = io;
    const noColour = io.env['NO_COLOR'];
    this.#colour = io.stdout.isTTY && (noColour === undefined || noColour === '') && io.env['TERM'] !== 'dumb';
  }

  /** The document of `--json`, or what `human` says. */
  result(document: unknown, human: () => void): void {
    if (this.json) this.#io.stdout.write(`${jsonLine(document)}\n`);
    else human();
  }

  /** One line for people. */
  say(text: string): void {
    if (!this.json) this.#io.stdout.write(`${escapeText(text)}\n`);
  }

  /** A remark beside the result, on stderr. */
  note(text: string): void {
    if (!this.json) this.#io.stderr.write(`${escapeText(text)}\n`);
  }

  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void {
    const [titles = '', ...lines] = tableLines(columns, rows);
    this.#io.stdout.write([this.#colour ? `\u001b[1m${titles}\u001b[0m` : titles, ...lines, ''].join('\n'));
  }

  /** Before a picture that replaces the last one: a clear terminal, or an empty line in a file. */
  again(): void {
    if (!this.json) this.#io.stdout.write(this.#io.stdout.isTTY ? '\u001b[H\u001b[2J' : '\n');
  }
}

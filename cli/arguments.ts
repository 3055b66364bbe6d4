/** The words of a command line, read by node's own parser and its faults said in our words. */
import { parseArgs } from 'node:util';
import { NethoodError } from '../protocol/errors.ts';
import type { Command, Option } from './command.ts';
import { entryOf, isCommand } from './commands.ts';
import { nearest } from './suggest.ts';
import { usageError } from './usage-error.ts';

export const commonOptions = {
  json: { type: 'boolean', help: 'one JSON document instead of text' },
  home: { type: 'string', value: 'DIR', help: 'the agent whose files are all in DIR (also NETHOOD_HOME)' },
  help: { type: 'boolean', short: 'h', help: 'this text' },
  version: { type: 'boolean', help: 'the version of nethood' },
} as const satisfies Record<string, Option>;

export const watchOption = {
  watch: { type: 'boolean', help: 'again at each change, until Ctrl-C; with --json one document a line' },
} as const satisfies Record<string, Option>;

export class Args {
  readonly #values: Readonly<Record<string, string | boolean | undefined>>;
  readonly words: readonly string[];

  constructor(values: Readonly<Record<string, string | boolean | undefined>>, words: readonly string[]) {
    this.#values = values;
    this.words = words;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** A word that the command's `words` says must be there. */
  word(at: number): string {
    const word = this.words[at];
    if (word === undefined) throw new NethoodError('internal', `The word ${at + 1} of the command is missing.`);
    return word;
  }
}

/** The first word that is no option: the command; and the line without it. */
export function takeWord(line: readonly string[]): { word: string | undefined; rest: string[] } {
  // Options that no command knows yet may stand before it: not strict.
  const { tokens } = parseArgs({
    args: [...line],
    options: parserOptions(commonOptions),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const first = tokens.find((token) => token.kind === 'positional');
  if (first === undefined) return { word: undefined, rest: [...line] };
  return { word: first.value, rest: line.toSpliced(first.index, 1) };
}

/** @throws NethoodError `usage` */
export function parseLine(name: string, command: Command, line: readonly string[]): Args {
  const options = { ...commonOptions, ...(command.watch === true ? watchOption : {}), ...command.options };
  const args = readOptions(name, options, line);
  // Who asks for help need not know the words.
  if (args.flag('help')) return args;
  const [fewest, most] = command.words;
  const extra = args.words[most];
  if (extra !== undefined) throw usageError(name, `has no use for "${extra}"`);
  if (args.words.length < fewest) throw usageError(name, `wants more: ${isCommand(name) ? entryOf(name).usage : ''}`);
  if (args.words.includes('')) throw usageError(name, 'cannot work with an empty name');
  return args;
}

function readOptions(name: string, options: Readonly<Record<string, Option>>, line: readonly string[]): Args {
  try {
    const parsed = parseArgs({
      args: [...line],
      options: parserOptions(options),
      strict: true,
      allowPositionals: true,
    });
    return new Args(parsed.values, parsed.positionals);
  } catch (error) {
    throw usageError(name, faultOf(error, Object.keys(options)));
  }
}

function parserOptions(
  options: Readonly<Record<string, Option>>,
): Record<string, { type: Option['type']; short?: string }> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [name, short === undefined ? { type } : { type, short }]),
  );
}

/** Codes and texts of node's parser (node:util, ERR_PARSE_ARGS_*). */
function faultOf(error: unknown, known: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error);
  const option = /'(?:-\w, )?(-{1,2}[^'\s]+)/.exec(message)?.[1] ?? 'an option';
  if (!(error instanceof Error && 'code' in error)) return `cannot be read: ${message}`;
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const near = nearest(option.replace(/^-+/, ''), known);
    return `knows no option "${option}"${near === undefined ? '' : `, but "--${near}"`}`;
  }
  if (message.includes('does not take an argument')) return `takes no value for "${option}"`;
  if (message.includes('ambiguous')) return `takes a value that begins with "-" as ${option}=<value> alone`;
  return `wants a value for "${option}"`;
}

/** Usage texts, all made from the table of commands. Pure. */
import { commonOptions, watchOption } from './arguments.ts';
import type { Command, Option } from './command.ts';
import { type CommandName, commands, entryOf, groups } from './commands.ts';
import { padded } from './format/table.ts';

const column = 22;

export function overview(): string {
  const names = Object.keys(commands) as CommandName[];
  const list = (wanted: boolean): string[] =>
    names
      .filter((name) => (entryOf(name).load !== undefined) === wanted)
      .map((name) => `  ${padded(name, column)}${entryOf(name).summary}`);
  return [
    'nethood: the network neighbourhood of an office.',
    '',
    'nethood <command> [--json] [--home DIR] ...',
    '',
    ...list(true),
    '',
    'Known, but not in this version:',
    ...list(false),
    '',
    'A neighbour is named by its name, by a prefix of it that fits only one, or by a prefix of its id.',
    '`nethood help <command>` says more about one.',
  ].join('\n');
}

/** Of a first word with several second ones. */
export function groupHelp(group: string): string {
  return namesIn(group)
    .map((name) => `nethood ${name} ${entryOf(name).usage}\n    ${entryOf(name).summary}`)
    .join('\n');
}

export function secondWords(group: string): string[] {
  return namesIn(group).map((name) => name.slice(group.length + 1));
}

function namesIn(group: string): CommandName[] {
  return (Object.keys(commands) as CommandName[]).filter((name) => name.startsWith(`${group} `));
}

export function commandHelp(name: CommandName, command: Command | undefined): string {
  const { usage, summary } = entryOf(name);
  const head = [`nethood ${name} ${usage}`.trim(), '', `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`];
  if (command === undefined) return [...head, 'This version of nethood cannot do it yet.'].join('\n');
  const options = { ...command.options, ...(command.watch === true ? watchOption : {}), ...commonOptions };
  return [
    ...head,
    ...(command.details === undefined ? [] : ['', command.details]),
    '',
    ...Object.entries(options).map(([option, of]) => `  ${padded(optionText(option, of), column)}${of.help}`),
  ].join('\n');
}

function optionText(name: string, { short, value }: Option): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

export function isGroup(word: string): boolean {
  return groups.includes(word);
}

#!/usr/bin/env node
/** The command line: finds the command, runs it, and makes every failure one sentence, one code and one exit code. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pathsOf } from '../config/paths.ts';
import type { ControlClient } from '../protocol/control-client.ts';
import { errorTable, NethoodError, toNethoodError } from '../protocol/errors.ts';
import { type Args, parseLine, takeWord } from './arguments.ts';
import { usageError } from './usage-error.ts';
import type { Command, Context } from './command.ts';
import { type CommandName, commands, entryOf, isCommand } from './commands.ts';
import { escapeText, jsonLine } from './format/escape.ts';
import { commandHelp, groupHelp, isGroup, overview, secondWords } from './help.ts';
import { type Io, processIo } from './io.ts';
import { Output } from './output.ts';
import { nearest } from './suggest.ts';

/** The exit code, as the table in `protocol/errors.ts` says. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  // Before anything is parsed, so that a wrong command line is a JSON document too.
  const end = argv.indexOf('--');
  const json = (end < 0 ? argv : argv.slice(0, end)).includes('--json');
  try {
    return await dispatch(argv, io, json);
  } catch (error) {
    return report(toNethoodError(error), io, json);
  }
}

function report({ code, message }: NethoodError, io: Io, json: boolean): number {
  if (json) io.stdout.write(`${jsonLine({ error: { code, message } })}\n`);
  else io.stderr.write(`nethood: ${escapeText(message)}\n`);
  return errorTable[code].exit;
}

async function dispatch(argv: readonly string[], io: Io, json: boolean): Promise<number> {
  const { word, rest } = takeWord(argv);
  if (word === undefined) return noCommand(rest, io, json);
  if (word === 'help') return help(rest, io, json);
  const found = findCommand(word, rest);
  if (found === undefined) return sayText(groupHelp(word), io, json);
  const { name, line } = found;
  const { load } = entryOf(name);
  const command = await load?.();
  if (command === undefined) return notYet(name, line, io, json);
  const args = parseLine(name, command, line);
  if (args.flag('help')) return sayText(commandHelp(name, command), io, json);
  if (args.flag('version')) return version(io, json);
  return runCommand(command, args, io);
}

function notYet(name: CommandName, line: readonly string[], io: Io, json: boolean): number {
  if (line.includes('--help') || line.includes('-h')) return sayText(commandHelp(name, undefined), io, json);
  throw new NethoodError('unsupported', `\`nethood ${name}\` is not in this version of nethood.`);
}

async function runCommand(command: Command, args: Args, io: Io): Promise<number> {
  return (await command.run(contextOf(args, io))) ?? 0;
}

function contextOf(args: Args, io: Io): Context {
  const given = args.text('home') ?? io.env['NETHOOD_HOME'];
  if (given === '' && args.text('home') === '') throw new NethoodError('usage', 'The folder of --home has no name.');
  const home = given === undefined || given === '' ? undefined : resolve(io.cwd, given);
  const paths = pathsOf({ platform: io.platform, env: io.env, userHome: io.userHome, home });
  return {
    io,
    args,
    paths,
    home,
    out: new Output(io, args.flag('json')),
    // Loaded late: schemas cost a third of a short command's time.
    client: async (): Promise<ControlClient> => (await (await import('./agent.ts')).connect(paths)).client,
  };
}

/** Undefined for the first word of several commands, alone or with a request for help. @throws NethoodError `usage` */
function findCommand(word: string, rest: readonly string[]): { name: CommandName; line: string[] } | undefined {
  if (isCommand(word)) return { name: word, line: [...rest] };
  if (!isGroup(word)) throw unknownCommand(word);
  const second = takeWord(rest);
  if (second.word === undefined && (rest.includes('--help') || rest.includes('-h'))) return undefined;
  const name = `${word} ${second.word ?? ''}`;
  if (second.word === undefined) throw usageError(word, `wants a second word: ${secondWords(word).join(', ')}`);
  if (!isCommand(name)) throw unknownCommand(name);
  return { name, line: second.rest };
}

function unknownCommand(name: string): NethoodError {
  const near = nearest(name, [...Object.keys(commands), 'help']);
  const hint = near === undefined ? 'see `nethood help`' : `did you mean \`nethood ${near}\``;
  return new NethoodError('usage', `There is no command "${name}"; ${hint}${near === undefined ? '.' : '?'}`);
}

async function noCommand(rest: readonly string[], io: Io, json: boolean): Promise<number> {
  const args = parseLine('help', { words: [0, 0], run: async () => 0 }, rest);
  if (args.flag('version')) return version(io, json);
  return sayText(overview(), io, json);
}

async function help(rest: readonly string[], io: Io, json: boolean): Promise<number> {
  const words = parseLine('help', { words: [0, 2], run: async () => 0 }, rest).words;
  const name = words.join(' ');
  if (name === '' || name === 'help') return sayText(overview(), io, json);
  if (isCommand(name)) return sayText(commandHelp(name, await entryOf(name).load?.()), io, json);
  if (isGroup(name)) return sayText(groupHelp(name), io, json);
  throw unknownCommand(name);
}

async function version(io: Io, json: boolean): Promise<number> {
  const { readVersion } = await import('../config/version.ts');
  io.stdout.write(json ? `${jsonLine({ version: readVersion() })}\n` : `nethood ${readVersion()}\n`);
  return 0;
}

function sayText(text: string, io: Io, json: boolean): number {
  io.stdout.write(json ? `${jsonLine({ usage: text })}\n` : `${text}\n`);
  return 0;
}

/** npm starts us by a link; imported by a test we are not started at all. */
function isStarted(): boolean {
  const started = process.argv[1];
  return started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url);
}

if (isStarted()) process.exitCode = await run(process.argv.slice(2), processIo());

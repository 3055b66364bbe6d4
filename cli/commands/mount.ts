import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { userInfo } from 'node:os';
import type { CallRequest } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { MountView } from '../../protocol/mounts.ts';
import type { Command, Context } from '../command.ts';
import type { Column } from '../format/table.ts';
import type { Io } from '../io.ts';
import { mountCommand, shownCommand } from '../mount-command.ts';
import { readPlace } from '../place.ts';
import { usageError } from '../usage-error.ts';

export const mount: Command = {
  words: [0, 1],
  options: {
    open: { type: 'boolean', help: 'make it a drive now, by the command that is told otherwise' },
    list: { type: 'boolean', help: 'the drives that were made' },
    revoke: { type: 'boolean', help: 'end the drive: its address opens nothing any more' },
  },
  details: [
    'A drive for the file manager and every other program of this PC: all neighbours, one, or a share of one.',
    'It lasts until it is revoked, also over a restart. Whoever knows its address can use it: keep it to yourself.',
  ].join('\n'),
  async run(context) {
    const { args } = context;
    const chosen = ['open', 'list', 'revoke'].filter((name) => args.flag(name));
    if (chosen.length > 1) throw usageError('mount', `can only do one at a time: --${chosen.join(', --')}`);
    if (args.flag('list')) return list(context);
    return args.flag('revoke') ? revoke(context) : make(context);
  },
};

async function make({ args, client, io, out }: Context): Promise<void> {
  const view = await (await client()).call('mount', placeOf(args.words[0]), io.interrupt);
  const words = commandFor(view, io);
  const { url } = view;
  const command = shownCommand(words);
  if (args.flag('open')) await run(words, io);
  out.result({ url, command }, () => {
    out.say(`${describe(view)}: ${url}`);
    if (args.flag('open')) out.say('It is in the file manager now.');
    else out.say(`  ${command}`);
    // FUSE shows where a drive comes from to every user of the PC.
    if (words.includes('davfs'))
      out.note('While davfs has it, /proc/mounts shows its address to every user of this PC.');
  });
}

async function revoke({ args, client, io, out }: Context): Promise<void> {
  const view = await (await client()).call('mount-revoke', placeOf(args.words[0]), io.interrupt);
  out.result(view, () => out.say(`${describe(view)}: its drive has ended.`));
}

const columns: readonly Column<MountView>[] = [
  { title: 'DRIVE', cell: describe },
  { title: 'ADDRESS', cell: ({ url }) => url },
];

async function list({ args, client, io, out }: Context): Promise<void> {
  if (args.words.length > 0) throw usageError('mount', 'lists all drives at once');
  const { mounts } = await (await client()).call('mounts', {}, io.interrupt);
  const document = mounts.map((view) => ({ ...view, command: shownCommand(commandFor(view, io)) }));
  out.result(document, () => {
    if (mounts.length === 0) out.say('There is no drive; `nethood mount` makes one of the whole neighbourhood.');
    else out.table(columns, mounts);
  });
}

function placeOf(text: string | undefined): CallRequest<'mount'> {
  if (text === undefined) return {};
  const { neighbour, share, path } = readPlace(text);
  if (path.replaceAll('/', '') !== '')
    throw usageError('mount', 'mounts a neighbour or a whole share; folders in it are below');
  return share === '' ? { neighbour } : { neighbour, share };
}

function describe({ neighbour, share }: MountView): string {
  return [neighbour ?? 'All neighbours', ...(share === null ? [] : [share])].join('/');
}

function commandFor({ url }: MountView, io: Io): ReturnType<typeof mountCommand> {
  const folders = [...(io.env['PATH'] ?? '').split(delimiter), '/sbin', '/usr/sbin'].filter((folder) => folder !== '');
  const has = (program: string): boolean => folders.some((folder) => existsSync(join(folder, program)));
  return mountCommand({ platform: io.platform, url, has, user: userInfo().username });
}

/** @throws `unavailable` */
async function run([program, ...args]: readonly [string, ...string[]], io: Io): Promise<void> {
  const child = spawn(program, args, { stdio: ['inherit', 'ignore', 'pipe'], env: { ...io.env }, windowsHide: true });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const code = await new Promise<number | null>((resolve) => {
    // Not installed, or not to be run: what it would have said stays unsaid.
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  if (code === 0) return;
  const why = said.join('').trim().slice(0, 500) || 'it cannot be run here';
  throw new NethoodError('unavailable', `The drive is there, but ${program} failed to mount it: ${why}`);
}

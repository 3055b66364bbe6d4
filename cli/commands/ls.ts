import type { ControlClient } from '../../protocol/control-client.ts';
import type { CallResponse, EntryView } from '../../protocol/control.ts';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import type { Command, Context } from '../command.ts';
import { jsonLine } from '../format/escape.ts';
import { bytesText, countText, leftOutText, timeText } from '../format/quantity.ts';
import { padded } from '../format/table.ts';
import { type Place, readPlace } from '../place.ts';
import { usageError } from '../usage-error.ts';

const sizeWidth = 8;
const timeWidth = 16;

export const ls: Command = {
  words: [1, 1],
  watch: true,
  options: { long: { type: 'boolean', short: 'l', help: 'with sizes and times' } },
  details: [
    'A path is written as names, or as `ls --json` gives it. Without a share: the shares of the neighbour.',
    "In names `*`, `?` and `[a-z]` stand for others, `**` for any folders: `ls 'anna/docs/**/*.pdf'`. Quote them.",
  ].join('\n'),
  async run(context) {
    const place = readPlace(context.args.word(0));
    const agent = await context.client();
    if (place.share === '') return listShares(context, agent, place.neighbour);
    if (context.args.flag('watch')) return watch(context, agent, place);
    return context.out.json ? listWhole(context, agent, place) : listAsItComes(context, agent, place);
  },
};

/** As entries: a share is a folder whose path is its name, and nobody knows its time. */
async function listShares({ args, io, out }: Context, agent: ControlClient, neighbour: string): Promise<void> {
  if (args.flag('watch')) throw usageError('ls', 'watches a folder: name a share');
  const { name: owner, shares } = await agent.call('neighbour', { neighbour }, io.interrupt);
  const entries = shares.map(({ name }) => ({ name, path: name, kind: 'folder', size: 0, modified: null }));
  out.result(entries, () => {
    if (shares.length === 0) out.say(`"${owner}" shares no folder with this device.`);
    for (const { name, rights } of shares) out.say(rights === 'write' ? `${name}/  (writable)` : `${name}/`);
  });
}

async function listWhole({ io, out }: Context, agent: ControlClient, place: Place): Promise<void> {
  out.result(await wholeFolder(agent, place, io.interrupt), () => {});
}

async function wholeFolder(agent: ControlClient, place: Place, signal: AbortSignal): Promise<EntryView[]> {
  const all: EntryView[] = [];
  for await (const { entries } of pages(agent, place, signal)) all.push(...entries);
  return inOrder(all);
}

/** Again whenever the neighbour says that the folder changed, where that is to be seen. */
async function watch({ args, io, out }: Context, agent: ControlClient, place: Place): Promise<void> {
  const line = args.flag('long') ? longLine : shortLine;
  let shown: string | undefined;
  try {
    for await (const _ of agent.watch('folder-watch', place, io.interrupt)) {
      const entries = await wholeFolder(agent, place, io.interrupt);
      const text = jsonLine(entries);
      if (text === shown) continue;
      if (shown !== undefined) out.again();
      shown = text;
      out.result(entries, () => entries.forEach((entry) => out.say(line(entry))));
    }
  } catch (error) {
    // Ctrl-C is how watching ends.
    if (io.interrupt.aborted) return;
    throw error;
  }
  if (!io.interrupt.aborted) throw new NethoodError('no-agent', 'The agent has stopped.');
}

/** A large folder shows its beginning at once. */
async function listAsItComes({ args, io, out }: Context, agent: ControlClient, place: Place): Promise<void> {
  const long = args.flag('long');
  const sum = { folders: 0, files: 0, bytes: 0, skipped: 0 };
  for await (const { entries, skipped } of pages(agent, place, io.interrupt)) {
    sum.skipped += skipped;
    for (const entry of entries) {
      const isFile = entry.kind === 'file';
      sum[isFile ? 'files' : 'folders']++;
      sum.bytes += isFile ? entry.size : 0;
      out.say(long ? longLine(entry) : shortLine(entry));
    }
  }
  if (long) out.note(sumText(sum));
  if (sum.skipped > 0) out.note(leftOutText(sum.skipped, { one: 'is', many: 'are' }));
}

type ListPage = Pick<CallResponse<'list'>, 'entries' | 'skipped'>;

/** Names that are there come first; only what nothing is called can be a pattern. */
async function* pages(agent: ControlClient, place: Place, signal: AbortSignal): AsyncGenerator<ListPage, void> {
  try {
    yield* folderPages(agent, place, signal);
  } catch (error) {
    if (!hasCode(error, 'not-found') || !/[*?[]/.test(place.path)) throw error;
    yield* agent.watch('matches', place, signal);
  }
}

async function* folderPages(agent: ControlClient, place: Place, signal: AbortSignal): AsyncGenerator<ListPage, void> {
  for (let cursor: string | undefined; ;) {
    const page = await agent.call('list', { ...place, ...(cursor === undefined ? {} : { cursor }) }, signal);
    yield page;
    if (page.cursor === undefined) return;
    cursor = page.cursor;
  }
}

function shortLine({ name, kind }: EntryView): string {
  return kind === 'folder' ? `${name}/` : name;
}

function longLine(entry: EntryView): string {
  const amount = entry.kind === 'folder' ? '' : bytesText(entry.size);
  return `${padded(amount, sizeWidth, 'right')}  ${padded(timeText(entry.modified), timeWidth)}  ${shortLine(entry)}`;
}

function sumText({ folders, files, bytes }: { folders: number; files: number; bytes: number }): string {
  return `${countText(folders, 'folder')}, ${countText(files, 'file')}, ${bytesText(bytes)}`;
}

/** By the bytes of their names, as pages come: an escape has another place than what it stands for. */
function inOrder(entries: readonly EntryView[]): EntryView[] {
  const keyed = entries.map((entry) => ({ entry, key: bytesOf(entry.path) }));
  return keyed.toSorted((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map(({ entry }) => entry);
}

/** In latin1. */
function bytesOf(path: string): string {
  return path.replaceAll(/%(..)/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

import type { ControlClient } from '../../protocol/control-client.ts';
import type { CallResponse, EntryView } from '../../protocol/control.ts';
import type { Command, Context } from '../command.ts';
import { bytesText, countText, timeText } from '../format/quantity.ts';
import { padded } from '../format/table.ts';
import { type Place, readPlace } from '../place.ts';

const sizeWidth = 8;
const timeWidth = 16;

export const ls: Command = {
  words: [1, 1],
  details: 'A path is written as names, or as `ls --json` gives it. Without a share: the shares of the neighbour.',
  async run(context) {
    const place = readPlace(context.args.word(0));
    const agent = await context.client();
    if (place.share === '') return listShares(context, agent, place.neighbour);
    return context.out.json ? listWhole(context, agent, place) : listAsItComes(context, agent, place);
  },
};

/** As entries: a share is a folder whose path is its name, and nobody knows its time. */
async function listShares({ io, out }: Context, agent: ControlClient, neighbour: string): Promise<void> {
  const { name: owner, shares } = await agent.call('neighbour', { neighbour }, io.interrupt);
  const entries = shares.map(({ name }) => ({ name, path: name, kind: 'folder', size: 0, modified: null }));
  out.result(entries, () => {
    if (shares.length === 0) out.say(`"${owner}" shares no folder with this device.`);
    for (const { name, rights } of shares) out.say(rights === 'write' ? `${name}/  (writable)` : `${name}/`);
  });
}

async function listWhole({ io, out }: Context, agent: ControlClient, place: Place): Promise<void> {
  const all: EntryView[] = [];
  for await (const { entries } of pages(agent, place, io.interrupt)) all.push(...entries);
  out.result(all.toSorted(byPath), () => {});
}

/** A large folder shows its beginning at once. */
async function listAsItComes({ io, out }: Context, agent: ControlClient, place: Place): Promise<void> {
  let left = 0;
  for await (const { entries, skipped } of pages(agent, place, io.interrupt)) {
    left = skipped;
    for (const entry of entries.toSorted(byPath)) out.say(entryLine(entry));
  }
  if (left > 0) out.note(`${countText(left, 'link or special file is', 'links or special files are')} left out.`);
}

async function* pages(
  agent: ControlClient,
  place: Place,
  signal: AbortSignal,
): AsyncGenerator<CallResponse<'list'>, void> {
  let skipped = 0;
  for (let cursor: string | undefined; ;) {
    const page = await agent.call('list', { ...place, ...(cursor === undefined ? {} : { cursor }) }, signal);
    skipped += page.skipped;
    yield { ...page, skipped };
    if (page.cursor === undefined) return;
    cursor = page.cursor;
  }
}

function entryLine({ name, kind, size, modified }: EntryView): string {
  const amount = kind === 'folder' ? '' : bytesText(size);
  return `${padded(amount, sizeWidth, 'right')}  ${padded(timeText(modified), timeWidth)}  ${name}${kind === 'folder' ? '/' : ''}`;
}

function byPath(a: EntryView, b: EntryView): number {
  return a.path < b.path ? -1 : Number(a.path > b.path);
}

import { shortId } from '../../protocol/ids.ts';
import type { Command } from '../command.ts';

export const neighbourAdd: Command = {
  words: [1, 1],
  details: 'For networks that carry no multicast. It is remembered, and dialled at each start.',
  async run({ args, client, io, out }) {
    const view = await (await client()).call('neighbour-add', { address: args.word(0) }, io.interrupt);
    out.result(view, () => out.say(`"${view.name}" (${shortId(view.id)}) is a neighbour now.`));
  },
};

export const neighbourForget: Command = {
  words: [1, 1],
  details: 'One that is still there and announces itself comes back as a stranger.',
  async run({ args, client, out }) {
    const neighbour = args.word(0);
    await (await client()).call('neighbour-forget', { neighbour });
    out.result({ forgotten: neighbour }, () => out.say(`"${neighbour}" is forgotten.`));
  },
};

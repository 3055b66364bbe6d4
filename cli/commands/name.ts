import { NethoodError } from '../../protocol/errors.ts';
import type { Command } from '../command.ts';
import { checkedName } from './run.ts';

export const name: Command = {
  words: [0, 1],
  details: 'A name of several words wants quotes.',
  async run({ args, client, out }) {
    const wanted = checkedName(args.words[0]);
    const agent = await client();
    if (wanted === undefined) {
      const { device } = await agent.snapshot();
      return out.result({ name: device.name }, () => out.say(device.name));
    }
    const answer = await agent.call('rename', { name: wanted });
    if (answer.name !== wanted) throw new NethoodError('internal', `The agent calls itself "${answer.name}" now.`);
    out.result(answer, () => out.say(`This device is "${answer.name}" now.`));
  },
};

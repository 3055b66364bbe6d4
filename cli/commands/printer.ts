import { describeAudience, readAudience } from '../audience.ts';
import type { Command } from '../command.ts';

export const printerShare: Command = {
  words: [1, 1],
  options: {
    for: { type: 'string', value: '<audience>', help: 'everyone (default), colleagues, or devices: <device>,<device>' },
  },
  details: 'The built-in printer PDF writes documents into the folder of nethood.',
  async run({ args, client, out }) {
    const text = args.text('for');
    const audience = text === undefined ? {} : { audience: readAudience(text) };
    const agent = await client();
    const view = await agent.call('printer-share', { name: args.word(0), ...audience });
    const whom = out.json || view.audience === null ? '' : await describeAudience(agent, view.audience);
    out.result(view, () => {
      out.say(`Shared the printer "${view.name}" with ${whom}.`);
      if (view.uri !== null) out.say(`Systems without nethood print to ${view.uri}`);
    });
  },
};

export const printerUnshare: Command = {
  words: [1, 1],
  async run({ args, client, out }) {
    const view = await (await client()).call('printer-unshare', { name: args.word(0) });
    out.result(view, () => out.say(`The printer "${view.name}" is no longer shared.`));
  },
};

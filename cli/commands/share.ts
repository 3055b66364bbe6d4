import { resolve } from 'node:path';
import type { CallRequest } from '../../protocol/control.ts';
import { usageError } from '../usage-error.ts';
import { describeAudience, readAudience } from '../audience.ts';
import type { Command, Context } from '../command.ts';

export const share: Command = {
  words: [0, 1],
  options: {
    public: { type: 'boolean', help: 'make and share the folder Public' },
    name: { type: 'string', value: 'N', help: "the share's name (default: the folder's own)" },
    for: { type: 'string', value: '<audience>', help: 'everyone (default), colleagues, or devices: <device>,<device>' },
    write: { type: 'boolean', help: 'others may change it too (default: they may read)' },
  },
  details: 'A device is written down by its key. A stranger is named while it is there, or by 16 characters of its id.',
  async run(context) {
    const { client, out } = context;
    const request = requestOf(context);
    const agent = await client();
    const view = await agent.call('share', request);
    const whom = out.json ? '' : await describeAudience(agent, view.audience);
    const rights = view.rights === 'write' ? 'who may change it' : 'read-only';
    out.result(view, () => out.say(`Shared "${view.name}" (${view.folder}) with ${whom}, ${rights}.`));
  },
};

export const unshare: Command = {
  words: [1, 1],
  async run({ args, client, out }) {
    const view = await (await client()).call('unshare', { name: args.word(0) });
    out.result(view, () => out.say(`"${view.name}" (${view.folder}) is no longer shared.`));
  },
};

function requestOf({ args, io }: Context): CallRequest<'share'> {
  const [folder] = args.words;
  const name = args.text('name');
  const audience = args.text('for');
  if ((folder === undefined) !== args.flag('public')) throw usageError('share', 'wants either a folder or --public');
  return {
    ...(folder === undefined ? { public: true } : { folder: resolve(io.cwd, folder) }),
    ...(name === undefined ? {} : { name }),
    ...(audience === undefined ? {} : { audience: readAudience(audience) }),
    ...(args.flag('write') ? { write: true } : {}),
  };
}

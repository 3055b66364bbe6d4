import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { NethoodError } from '../../protocol/errors.ts';
import type { Command } from '../command.ts';
import { readPlace } from '../place.ts';
import { followTransfer, sayTransfer } from '../transfer.ts';

export const get: Command = {
  words: [1, 2],
  details: [
    'A file or a folder, into a folder that is there, or under a new name; without a destination into this folder.',
    "A pattern as in `ls` brings all that fits it into a folder that is there: `get 'anna/docs/*.pdf' .`",
    'Ctrl-C cancels. The same command again goes on where an earlier one was broken off.',
  ].join('\n'),
  async run(context) {
    const { args, client, io, out } = context;
    const place = readPlace(args.word(0));
    if (place.share === '') throw new NethoodError('usage', `"${args.word(0)}" names no share.`);
    const destination = await destinationOf(args.words[1] ?? '.', io.cwd);
    const agent = await client();
    const got = await followTransfer(context, agent, (signal) => agent.call('get', { ...place, destination }, signal));
    out.result(got, () => sayTransfer(got, out));
  },
};

/** Absolute, because the agent has another present folder. A name that ends like a folder's must be one. */
async function destinationOf(text: string, cwd: string): Promise<string> {
  const path = resolve(cwd, text);
  if (!/[/\\]$/.test(text)) return path;
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isFolder) return path;
  throw new NethoodError('not-a-folder', `The folder ${path} does not exist.`);
}

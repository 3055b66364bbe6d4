import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { NethoodError } from '../../protocol/errors.ts';
import { usageError } from '../usage-error.ts';
import type { Command } from '../command.ts';
import { readPlace } from '../place.ts';
import { followTransfer, sayTransfer, type TransferResult } from '../transfer.ts';

/** At once; a person with more will not mind a second command. */
const mostSources = 1_000;

export const put: Command = {
  words: [2, mostSources + 1],
  options: {
    keep: { type: 'boolean', help: 'replace nothing: what has a name that is taken gets a number' },
  },
  details: [
    'Files and folders, into a folder that is there, or one of them under a new name. Folders are merged with what is',
    'there; a file of the same name is replaced. Ctrl-C cancels. The same command again goes on where it was broken off.',
  ].join('\n'),
  async run(context) {
    const { args, client, io, out } = context;
    const target = args.words.at(-1) ?? '';
    const place = readPlace(target);
    if (place.share === '') throw new NethoodError('usage', `"${target}" names no share.`);
    const sources = await sourcesOf(args.words.slice(0, -1), io.cwd);
    const into = sources.length > 1 || target.endsWith('/');
    const agent = await client();
    const done: TransferResult[] = [];
    for (const source of sources) {
      const request = { source, ...place, into, keep: args.flag('keep') };
      const sent = await followTransfer(context, agent, (signal) => agent.call('put', request, signal)).catch(
        withCount(done, sources.length),
      );
      done.push(sent);
      if (!out.json) sayTransfer(sent, out);
    }
    out.result(sources.length === 1 ? done[0] : done, () => {});
  },
};

/** All of them before the first is sent: a mistyped name sends nothing. Absolute, because the agent has another present folder. */
async function sourcesOf(words: readonly string[], cwd: string): Promise<string[]> {
  const sources = words.map((word) => resolve(cwd, word));
  const names = new Set<string>();
  for (const source of sources) {
    await stat(source).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT' && cause.code !== 'ENOTDIR') return;
      throw new NethoodError('not-found', `There is no file or folder ${source}.`, { cause });
    });
    const name = basename(source);
    if (names.has(name)) throw usageError('put', `cannot put two things called "${name}" into one folder`);
    names.add(name);
  }
  return sources;
}

/** Of several those before the one that failed are there: that must be said. */
function withCount(done: readonly TransferResult[], all: number): (error: unknown) => never {
  return (error) => {
    if (done.length === 0 || !(error instanceof NethoodError)) throw error;
    const were = done.length === 1 ? '1 was' : `${done.length} were`;
    const message = `${error.message} Of ${all} things ${were} put there before.`;
    throw new NethoodError(error.code, message, { cause: error });
  };
}

/** `nethood run` and `nethood tray`: long programs, loaded by URL so that no short command ever loads them. */
import { keepHeapSmall } from '../../agent/base/small-heap.ts';
import { DisplayName } from '../../protocol/ids.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { schemaFault } from '../../protocol/schema-fault.ts';
import type { Command, Option } from '../command.ts';

/** Built files; the layers say why these are the two exceptions. */
const agentMain = new URL('../../agent/main.js', import.meta.url);
const trayMain = new URL('../../tray/main.js', import.meta.url);

interface AgentMain {
  readonly main: (options: {
    home: string | undefined;
    name: string | undefined;
    tray: boolean;
    print: (line: string) => void;
  }) => Promise<number>;
}
interface TrayMain {
  readonly main: (options: { home: string | undefined }) => Promise<number>;
}

export const runOptions = {
  'no-tray': { type: 'boolean', help: 'no icon, even where a display is' },
  name: { type: 'string', value: 'N', help: "this device's name (default: <user> on <host>)" },
} as const satisfies Record<string, Option>;

export const run: Command = {
  words: [0, 0],
  options: runOptions,
  details: 'Says who it is, what it shares and who comes and goes, until Ctrl-C. With --json all that goes to stderr.',
  async run({ args, home, io, out }) {
    const name = checkedName(args.text('name'));
    // Loading leaves more behind than all that follows.
    keepHeapSmall();
    const { main } = (await import(agentMain.href)) as AgentMain;
    const print = (line: string): void => (out.json ? io.stderr.write(`${line}\n`) : out.say(line));
    return main({ home, name, tray: !args.flag('no-tray'), print });
  },
};

export const tray: Command = {
  words: [0, 0],
  async run({ home }) {
    const { main } = (await import(trayMain.href)) as TrayMain;
    return main({ home });
  },
};

/** @throws NethoodError `usage` */
export function checkedName(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const checked = DisplayName.safeParse(name);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const fault = issue === undefined ? 'is no name' : schemaFault(issue);
  throw new NethoodError('usage', `The name "${name.slice(0, 100)}" cannot be used: it ${fault}.`);
}

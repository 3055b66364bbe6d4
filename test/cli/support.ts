/** The command line in this process: what it says and how it ends. */
import { Readable } from 'node:stream';
import { run } from '../../cli/main.ts';
import type { Io } from '../../cli/io.ts';
import type { FakeAgent } from '../control/fake-agent.ts';

export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly home?: string;
  readonly cwd?: string;
  readonly terminal?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: Readable;
  readonly interrupt?: AbortSignal;
  /** Called with all of stdout so far at each write. */
  readonly onStdout?: (text: string) => void;
}

export async function cli(argv: readonly string[], options: CliOptions = {}): Promise<Said> {
  const said = { stdout: '', stderr: '' };
  const terminal = options.terminal === true;
  const sink = (name: 'stdout' | 'stderr'): Io['stdout'] => ({
    write(text) {
      said[name] += text;
      if (name === 'stdout') options.onStdout?.(said.stdout);
    },
    isTTY: terminal,
    columns: 80,
  });
  const io: Io = {
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    stdin: options.stdin ?? Readable.from([]),
    env: { ...(options.home === undefined ? {} : { NETHOOD_HOME: options.home }), ...options.env },
    cwd: options.cwd ?? '/',
    platform: process.platform,
    userHome: '/nonexistent',
    interrupt: options.interrupt ?? new AbortController().signal,
  };
  const code = await run(argv, io);
  return { code, ...said };
}

/** The one document of `--json`; fails where stdout holds anything else. */
export async function cliJson(
  agent: Pick<FakeAgent, 'home'>,
  ...argv: string[]
): Promise<{ code: number; document: unknown }> {
  const { code, stdout, stderr } = await cli([...argv, '--json'], { home: agent.home });
  if (stderr !== '' || stdout.split('\n').length !== 2) throw new Error(`not one document: ${stdout}${stderr}`);
  return { code, document: JSON.parse(stdout) };
}

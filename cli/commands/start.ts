/** `nethood start`: an agent in the background, and the word that it serves. */
import { spawn, type ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { makeFolder } from '../../config/make-folder.ts';
import type { Paths } from '../../config/paths.ts';
import { ErrorBody, type Snapshot } from '../../protocol/control.ts';
import { hasCode, NethoodError } from '../../protocol/errors.ts';
import { connect } from '../agent.ts';
import type { Command, Context } from '../command.ts';
import { pause } from '../pause.ts';
import { checkedName, runOptions } from './run.ts';

const startWithinMs = 20_000;
const lookEveryMs = 50;
const program = fileURLToPath(new URL('../main.js', import.meta.url));

export const start: Command = {
  words: [0, 0],
  options: runOptions,
  details: 'It goes on when the terminal is closed, until `nethood stop`.',
  async run(context) {
    await refuseSecond(context.paths);
    const log = await openStartLog(context.paths);
    const child = await spawnAgent(context, log.fd);
    await log.close();
    const snapshot = await serving(context, child, log.path);
    child.unref();
    const { device, ports } = snapshot;
    context.out.result({ pid: child.pid, device, ports }, () =>
      context.out.say(`The agent of "${device.name}" runs (process ${child.pid}).`),
    );
  },
};

async function refuseSecond(paths: Paths): Promise<void> {
  const running = await askAgent(paths).catch((error: unknown) => {
    // No file, or one that a killed agent left.
    if (hasCode(error, 'no-agent')) return undefined;
    throw error;
  });
  if (running === undefined) return;
  throw new NethoodError(
    'already-running',
    `The agent of "${running.snapshot.device.name}" runs already (process ${running.pid}).`,
  );
}

async function askAgent(paths: Paths, signal?: AbortSignal): Promise<{ pid: number; snapshot: Snapshot }> {
  const { file, client } = await connect(paths);
  return { pid: file.pid, snapshot: await client.snapshot(signal) };
}

async function openStartLog(paths: Paths): Promise<{ fd: number; path: string; close(): Promise<void> }> {
  const folder = join(paths.state, 'logs');
  const path = join(folder, 'start.log');
  const made = makeFolder(folder);
  const file = await made
    .then(() => open(path, 'w', 0o600))
    .catch((cause: unknown) => {
      throw new NethoodError('not-permitted', `The file ${path} cannot be written; without it no agent starts.`, {
        cause,
      });
    });
  return { fd: file.fd, path, close: () => file.close() };
}

function spawnAgent({ args, home, io }: Context, log: number): Promise<ChildProcess> {
  const name = checkedName(args.text('name'));
  const options = [
    ...(args.flag('no-tray') ? ['--no-tray'] : []),
    ...(name === undefined ? [] : [`--name=${name}`]),
    ...(home === undefined ? [] : [`--home=${home}`]),
  ];
  const child = spawn(process.execPath, [program, 'run', '--json', ...options], {
    detached: true,
    stdio: ['ignore', log, log],
    // Not a folder that somebody may want to unmount.
    cwd: io.userHome,
    windowsHide: true,
  });
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child));
    child.once('error', (cause) =>
      reject(new NethoodError('internal', `The agent cannot be started: ${cause.message}.`, { cause })),
    );
  });
}

async function serving({ io, paths }: Context, child: ChildProcess, log: string): Promise<Snapshot> {
  const deadline = performance.now() + startWithinMs;
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw await startError(log);
    const answer = await askAgent(paths, io.interrupt).catch((error: unknown) => {
      // Not yet.
      if (hasCode(error, 'no-agent', 'unauthorized')) return undefined;
      throw error;
    });
    if (answer?.pid === child.pid && answer !== undefined) return answer.snapshot;
    await pause(lookEveryMs, io.interrupt);
  }
  child.unref();
  throw new NethoodError('timeout', `The agent does not serve after ${startWithinMs / 1000} s; see ${log}.`);
}

/** What `run --json` said at its end. */
async function startError(log: string): Promise<NethoodError> {
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
  for (const line of lines.toReversed()) {
    const said = z.string().transform(parseJson).pipe(ErrorBody).safeParse(line);
    if (said.success) return new NethoodError(said.data.error.code, said.data.error.message);
  }
  return new NethoodError('internal', `The agent did not start: ${lines.at(-1) ?? 'it said nothing'}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A line for people, not the error.
    return undefined;
  }
}

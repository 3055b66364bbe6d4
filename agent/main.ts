/** `nethood run`: one agent from start to stop. */
import { randomBytes } from 'node:crypto';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openConfig } from '../config/load.ts';
import { makeFolder } from '../config/make-folder.ts';
import { type Paths, pathsOf } from '../config/paths.ts';
import { readVersion } from '../config/version.ts';
import type { Snapshot } from '../protocol/control.ts';
import { NethoodError } from '../protocol/errors.ts';
import { DisplayName } from '../protocol/ids.ts';
import { schemaFault } from '../protocol/schema-fault.ts';
import { systemClock } from './base/clock.ts';
import { Emitter } from './base/emitter.ts';
import { type Log, openLog } from './base/log.ts';
import { Scope } from './base/scope.ts';
import { claimHome } from './base/single-instance.ts';
import { composeAgent } from './compose.ts';
import type { SnapshotStore } from './control/snapshot.ts';
import { defaultDeviceName } from './device-name.ts';
import { hasDisplay, startTray } from './platform/tray-process.ts';
import { neighbourLines, startLines } from './start-lines.ts';

export interface MainOptions {
  /** Of `--home`; absolute. */
  readonly home: string | undefined;
  /** Of `--name`: this device's name from now on. */
  readonly name: string | undefined;
  readonly tray: boolean;
  readonly print: (line: string) => void;
}

/** Runs until a signal or `nethood stop`. Answers the exit code. @throws NethoodError `already-running`, `key-exposed`, `no-port` … */
export async function main(options: MainOptions): Promise<number> {
  const paths = pathsOf({ platform: process.platform, env: process.env, userHome: homedir(), home: options.home });
  await using scope = new Scope();
  await makeFolders(paths);
  const claim = await claimHome(paths.state, process.platform);
  // Elsewhere the system frees it, when nothing of the process is left: who waits for that may rely on it.
  if (process.platform === 'darwin') scope.use(claim);
  const log = scope.use(openLog(join(paths.state, 'logs'), process.env['NETHOOD_LOG'] ?? 'info'));
  logFaults(log);
  const config = scope.use(await openConfig(paths, { log: log.child({ part: 'config' }) }));
  if (options.name !== undefined) await rename(options.name, config);
  const stopping = stopSignal(scope);
  const store = await composeAgent(scope, {
    paths,
    config,
    env: process.env,
    platform: process.platform,
    version: readVersion(),
    user: userInfo().username,
    defaultName: defaultDeviceName(userInfo().username, hostname()),
    clock: systemClock,
    random: () => randomBytes(4).readUInt32LE() / 2 ** 32,
    log,
    stop: stopping.stop,
  });
  for (const line of startLines(store.current())) options.print(line);
  reportNeighbours(scope, store, options.print);
  if (options.tray && hasDisplay({ platform: process.platform, env: process.env })) {
    const program = fileURLToPath(new URL('../cli/main.js', import.meta.url));
    const node: readonly [string, ...string[]] = [process.execPath, program];
    scope.use(startTray({ program: node, home: options.home, log: log.child({ part: 'tray' }) }));
  }
  log.info({ reason: await stopping.stopped }, 'the agent stops');
  return 0;
}

/** The state holds a key, the run folder a token: nobody else's business. */
async function makeFolders({ config, state, run }: Paths): Promise<void> {
  for (const folder of [config, state, run]) {
    await makeFolder(folder).catch((cause: unknown) => {
      throw new NethoodError('not-permitted', `The folder ${folder} cannot be made.`, { cause });
    });
  }
}

async function rename(name: string, config: Awaited<ReturnType<typeof openConfig>>): Promise<void> {
  const parsed = DisplayName.safeParse(name);
  if (!parsed.success)
    throw new NethoodError('usage', `The name "${name}" ${parsed.error.issues.map(schemaFault)[0] ?? 'is no name'}.`);
  if (config.current.name !== parsed.data) await config.update((current) => ({ ...current, name: parsed.data }));
}

function stopSignal(scope: Scope): { stopped: Promise<string>; stop: () => void } {
  const wishes = new Emitter<{ stop: [reason: string] }>();
  const stopped = new Promise<string>((resolve) => scope.use(wishes.on('stop', resolve)));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const onSignal = (): void => wishes.emit('stop', signal);
    process.on(signal, onSignal);
    scope.defer(() => process.removeListener(signal, onSignal));
  }
  return { stopped, stop: () => wishes.emit('stop', 'nethood stop') };
}

/** A fault that nobody caught leaves the agent in a state nobody knows: it is written down, then it ends as Node would. */
function logFaults(log: Log): void {
  process.on('warning', (warning) => log.warn({ warning: warning.stack }, 'a warning of Node'));
  process.on('uncaughtExceptionMonitor', (error, origin) =>
    log.error({ error: error.stack, origin }, 'a fault that nobody caught'),
  );
}

function reportNeighbours(scope: Scope, store: SnapshotStore, print: (line: string) => void): void {
  let known: Snapshot['neighbours'] = [];
  const report = (after: Snapshot['neighbours']): void => {
    for (const line of neighbourLines(known, after)) print(line);
    known = after;
  };
  report(store.current().neighbours);
  scope.use(store.events.on('changed', ({ neighbours }) => neighbours !== undefined && report(neighbours)));
}

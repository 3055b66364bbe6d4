/**
 * The tray: a process of its own between the desktop and the agent's control API. It may die or be missing without any
 * harm to the agent, and outlives the agent to say that it is away.
 */
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { systemClock } from '../agent/base/clock.ts';
import { Scope } from '../agent/base/scope.ts';
import { claimHome } from '../agent/base/single-instance.ts';
import { readAgentFile } from '../config/agent-file.ts';
import { pathsOf, type Paths } from '../config/paths.ts';
import type { ControlClient } from '../protocol/control-client.ts';
import { hasCode, NethoodError, toNethoodError } from '../protocol/errors.ts';
import { AgentLink } from './agent-link.ts';
import { prepareHelperFiles } from './helper-files.ts';
import { whyNoTray } from './helper-policy.ts';
import { makeIcons } from './icon/icons.ts';
import { askAgent, showFolder, type MenuActionDeps } from './menu-actions.ts';
import type { MenuAction } from './menu-model.ts';
import { openFolderCommand, type OpenCommand, runOpenCommand, showInFolderCommand } from './open-folder.ts';
import { startHelper } from './systray.ts';
import { TrayDisplay, type TrayDisplayDeps } from './tray-display.ts';
import { TrayState } from './tray-state.ts';

/** Kept with the exit code: 0 after quitting by the menu or a signal, and where there can be no tray. */
export async function main({ home }: { readonly home: string | undefined }): Promise<number> {
  const reason = whyNoTray(process.platform, process.arch, process.env);
  if (reason !== undefined) {
    say(`There is no tray here: ${reason}.`);
    return 0;
  }
  const userHome = homedir();
  const { platform, env } = process;
  const paths = pathsOf({ platform, env, userHome, home: home === undefined ? undefined : resolve(home) });
  await using scope = new Scope();
  try {
    await runTray(paths, scope);
  } catch (error) {
    if (!hasCode(error, 'already-running')) throw error;
    say('A tray of this home runs already.');
  }
  return 0;
}

/** Kept when the user quits, or a signal ends it. */
async function runTray(paths: Paths, scope: Scope): Promise<void> {
  const ended = endOf(scope);
  const openers = sessionOpeners();
  const startHelperHere = await prepareHelper(paths, scope);
  const state = scope.use(new TrayState(systemClock));
  const link = new AgentLink({
    clock: systemClock,
    readAgentFile: () => readAgentFile(paths.run),
    onSnapshot: (snapshot) => state.setSnapshot(snapshot),
    say,
  });
  const deps: MenuActionDeps = { client: () => clientOf(link), filesFolder: paths.files, ...openers };
  const onAction = (action: MenuAction): void => {
    if (action.kind === 'quit') scope.run(() => quit(link, ended), report);
    else scope.run(() => act(action, state, deps), report);
  };
  const display = scope.use(
    new TrayDisplay(state.model, { clock: systemClock, startHelper: startHelperHere, onAction, say }),
  );
  scope.use(state.events.on('model', (model) => display.show(model)));
  scope.run((signal) => link.follow(signal), report);
  await ended.promise;
}

/** The tray's own folder, claimed: two icons of one home would only confuse, so the first stays. @throws NethoodError `already-running` */
async function prepareHelper(paths: Paths, scope: Scope): Promise<TrayDisplayDeps['startHelper']> {
  const folder = join(paths.state, 'tray');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  scope.use(await claimHome(folder, process.platform));
  const files = await prepareHelperFiles(folder, process.platform);
  const icons = makeIcons(process.platform);
  return (model, onClick) => startHelper(model, { files, icons, clock: systemClock, onClick });
}

interface End {
  readonly promise: Promise<void>;
  readonly now: () => void;
}

/** Kept by `now` or by a signal. Until then the process stays: timers of the clock and the lock do not hold it. */
function endOf(scope: Scope): End {
  const awake = setInterval(() => undefined, 2 ** 30);
  scope.defer(() => clearInterval(awake));
  const over = new AbortController();
  const now = (): void => over.abort();
  const promise = new Promise<void>((resolveEnd) => over.signal.addEventListener('abort', () => resolveEnd()));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, now);
    scope.defer(() => process.removeListener(signal, now));
  }
  return { promise, now };
}

/** Opens folders with the environment and folder of the user's session, which the helper's start changes for us. */
function sessionOpeners(): Pick<MenuActionDeps, 'openFolder' | 'showInFolder'> {
  const { platform } = process;
  const options = { env: { ...process.env }, cwd: homedir() };
  const run = (command: OpenCommand): Promise<void> => runOpenCommand(command, options);
  return {
    openFolder: (folder) => run(openFolderCommand(folder, platform)),
    showInFolder: (path) => run(showInFolderCommand(path, platform)),
  };
}

function clientOf(link: AgentLink): ControlClient {
  if (link.client === undefined) throw new NethoodError('no-agent', 'nethood is not running.');
  return link.client;
}

/** What goes wrong is said in the menu, where the click was. */
async function act(
  action: Exclude<MenuAction, { kind: 'quit' }>,
  state: TrayState,
  deps: MenuActionDeps,
): Promise<void> {
  try {
    await (action.kind === 'agent' ? askAgent(action.ask, deps) : showFolder(action.show, deps));
    state.setMessage(undefined);
  } catch (error) {
    state.setMessage(toNethoodError(error).message);
  }
}

/** The agent stops, and the tray with it; an agent that cannot be asked is no reason to stay. */
async function quit(link: AgentLink, end: End): Promise<void> {
  try {
    await link.client?.call('stop', {});
  } catch (error) {
    report(error);
  }
  end.now();
}

function report(error: unknown): void {
  say(toNethoodError(error).message);
}

function say(message: string): void {
  console.error(`nethood tray: ${message}`);
}

/** Notifications on the desktop of the agent's user. One that cannot be shown costs nothing but a line in the log. */
import { execFile } from 'node:child_process';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { Scope } from '../base/scope.ts';
import { type Notification, notifyCommand, type NotifyCommand } from './notify-command.ts';

export interface Notifier extends AsyncDisposable {
  show(notification: Notification): void;
}

export interface NotifierDeps {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** False while the user wants none. */
  readonly isOn: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** So many within the time are shown; a hundred jobs that end at once are one sentence. */
const mostAtOnce = 3;
const withinMs = 10_000;
const showMs = 10_000;

export function createNotifier(deps: NotifierDeps): Notifier {
  return new DesktopNotifier(deps);
}

class DesktopNotifier implements Notifier {
  readonly #deps: NotifierDeps;
  readonly #scope = new Scope();
  #shown = 0;
  #kept = 0;
  #window: Disposable | undefined;

  constructor(deps: NotifierDeps) {
    this.#deps = deps;
    this.#scope.defer(() => this.#window?.[Symbol.dispose]());
  }

  show(notification: Notification): void {
    if (!this.#deps.isOn() || this.#scope.signal.aborted) return;
    this.#window ??= this.#deps.clock.timer(withinMs, () => this.#endWindow());
    if (this.#shown < mostAtOnce) this.#run(notification);
    else this.#kept++;
    this.#shown++;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scope[Symbol.asyncDispose]();
  }

  #endWindow(): void {
    const kept = this.#kept;
    this.#window = undefined;
    this.#shown = 0;
    this.#kept = 0;
    if (kept === 0) return;
    this.show({ title: 'nethood', text: `${kept} more: \`nethood jobs\` has them.`, urgent: false });
  }

  #run(notification: Notification): void {
    const { platform, env, log } = this.#deps;
    const command = notifyCommand(platform, env, notification);
    if (command === undefined) return;
    this.#scope.run(
      (signal) => shown(command, { env, signal }),
      (error) => log.info({ error, program: command.file }, 'A notification cannot be shown.'),
    );
  }
}

interface RunOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

function shown({ file, args, input }: NotifyCommand, { env, signal }: RunOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...env }, signal, timeout: showMs, windowsHide: true };
    const child = execFile(file, args, options, (error) => {
      if (error === null || signal.aborted) resolve();
      else reject(error);
    });
    // A program that ends without reading says so by its exit.
    child.stdin?.on('error', () => undefined).end(input);
  });
}

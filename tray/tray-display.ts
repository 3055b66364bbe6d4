/** Keeps an icon on the desktop: starts the helper, feeds it changes at a bearable pace, starts it again when it dies. */
import { type Clock, sleep } from '../agent/base/clock.ts';
import { Scope } from '../agent/base/scope.ts';
import { toNethoodError } from '../protocol/errors.ts';
import { exitOf, exitText, type Helper } from './helper.ts';
import { noRestarts, stepRestart, type Ending } from './helper-policy.ts';
import { actionAt, type MenuUpdate, startPace, stepPace, type Pace } from './menu-diff.ts';
import type { MenuAction, MenuModel } from './menu-model.ts';

export interface TrayDisplayDeps {
  readonly clock: Clock;
  readonly startHelper: (model: MenuModel, onClick: (slot: number) => void) => Promise<Helper>;
  readonly onAction: (action: MenuAction) => void;
  /** One sentence for stderr. */
  readonly say: (message: string) => void;
}

export class TrayDisplay implements AsyncDisposable {
  readonly #deps: TrayDisplayDeps;
  readonly #scope = new Scope();
  #wanted: MenuModel;
  #running: { readonly helper: Helper; pace: Pace } | undefined;
  #timer: Disposable | undefined;
  /** Updates go out one after the other. */
  #sending: Promise<void> = Promise.resolve();

  constructor(model: MenuModel, deps: TrayDisplayDeps) {
    this.#deps = deps;
    this.#wanted = model;
    this.#scope.defer(() => this.#timer?.[Symbol.dispose]());
    this.#scope.run(
      (signal) => this.#keep(signal),
      (error) => deps.say(`The tray gave up: ${toNethoodError(error).message}`),
    );
  }

  show(model: MenuModel): void {
    this.#wanted = model;
    this.#flush();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }

  async #keep(signal: AbortSignal): Promise<void> {
    for (let restarts = noRestarts; ;) {
      const startedAt = this.#deps.clock.now();
      const exit = await this.#runOnce(signal);
      signal.throwIfAborted();
      const step = stepRestart(restarts, { exit, lifetimeMs: this.#deps.clock.now() - startedAt });
      restarts = step.restarts;
      if (step.say !== undefined) this.#deps.say(step.say);
      await sleep(this.#deps.clock, step.delayMs, signal);
    }
  }

  /** Kept when the helper has ended, or could not be started. */
  async #runOnce(signal: AbortSignal): Promise<Ending['exit']> {
    const model = this.#wanted;
    try {
      const helper = await this.#deps.startHelper(model, (slot) => this.#clicked(slot));
      const stop = (): void => void this.#stop(helper);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      this.#running = { helper, pace: startPace(model) };
      this.#flush();
      const exit = await helper.exited;
      signal.removeEventListener('abort', stop);
      if (!signal.aborted) this.#deps.say(`The tray's helper ended (${exitText(exit)}).`);
      return exit;
    } catch (error) {
      const exit = exitOf(error);
      // An end by itself is judged, and said, by the policy.
      if (exit === undefined) this.#failed(error);
      return exit;
    } finally {
      this.#running = undefined;
    }
  }

  async #stop(helper: Helper): Promise<void> {
    try {
      await helper[Symbol.asyncDispose]();
    } catch (error) {
      this.#failed(error);
    }
  }

  #clicked(slot: number): void {
    const action = this.#running === undefined ? undefined : actionAt(this.#running.pace.model, slot);
    if (action !== undefined) this.#deps.onAction(action);
  }

  #flush(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    const running = this.#running;
    if (running === undefined) return;
    const { pace, updates, waitMs } = stepPace(running.pace, this.#wanted, this.#deps.clock.now());
    running.pace = pace;
    if (updates.length > 0) this.#sending = this.#send(this.#sending, running.helper, updates);
    if (waitMs !== undefined) this.#timer = this.#deps.clock.timer(waitMs, () => this.#flush());
  }

  async #send(before: Promise<void>, helper: Helper, updates: readonly MenuUpdate[]): Promise<void> {
    await before;
    try {
      for (const update of updates) await helper.update(update);
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#deps.say(toNethoodError(error).message);
  }
}

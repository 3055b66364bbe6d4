/** What the tray knows, and the menu that follows from it. */
import type { Clock } from '../agent/base/clock.ts';
import { Emitter } from '../agent/base/emitter.ts';
import type { Snapshot } from '../protocol/control.ts';
import { buildMenu, type TrayView } from './menu.ts';
import type { MenuModel } from './menu-model.ts';

/** A message is about the last click; later it is only in the way. */
const messageMs = 60_000;

export class TrayState implements Disposable {
  readonly events = new Emitter<{ model: [MenuModel] }>();
  readonly #clock: Clock;
  #view: TrayView = { snapshot: undefined, message: undefined };
  #timer: Disposable | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get model(): MenuModel {
    return buildMenu(this.#view);
  }

  setSnapshot(snapshot: Snapshot | undefined): void {
    this.#change({ ...this.#view, snapshot });
  }

  /** Undefined takes the last one away. */
  setMessage(message: string | undefined): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = message === undefined ? undefined : this.#clock.timer(messageMs, () => this.setMessage(undefined));
    this.#change({ ...this.#view, message });
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  #change(view: TrayView): void {
    this.#view = view;
    this.events.emit('model', this.model);
  }
}

import { afterEach, beforeEach, expect, test } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { Helper, HelperExit } from '../../tray/helper.ts';
import { buildMenu } from '../../tray/menu.ts';
import type { MenuUpdate } from '../../tray/menu-diff.ts';
import type { MenuAction, MenuModel } from '../../tray/menu-model.ts';
import { TrayDisplay } from '../../tray/tray-display.ts';
import { SimClock } from '../sim/clock.ts';
import { aSnapshot } from './snapshots.ts';

const model = (name: string): MenuModel =>
  buildMenu({ snapshot: aSnapshot({ device: { ...aSnapshot().device, name } }), message: undefined });
const titleOf = (menu: MenuModel): string => menu.items[0]?.title ?? '';

/** A helper that notes what it is told, and dies when told. */
class FakeHelper implements Helper {
  readonly updates: MenuUpdate[] = [];
  readonly start: MenuModel;
  readonly click: (slot: number) => void;
  readonly exited: Promise<HelperExit>;
  die: (exit: HelperExit) => void = () => undefined;
  ended = false;

  constructor(start: MenuModel, click: (slot: number) => void) {
    this.start = start;
    this.click = click;
    this.exited = new Promise((resolve) => {
      this.die = resolve;
    });
  }

  async update(update: MenuUpdate): Promise<void> {
    this.updates.push(update);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ended = true;
    this.die({ code: 0, signal: null, lastWords: '' });
    await this.exited;
  }
}

let scope: Scope;
beforeEach(() => {
  scope = new Scope();
});
afterEach(() => scope[Symbol.asyncDispose]());

interface Bench {
  readonly clock: SimClock;
  readonly display: TrayDisplay;
  readonly helpers: FakeHelper[];
  readonly actions: MenuAction[];
  readonly said: string[];
  /** Thrown by the next starts, one each. */
  readonly failures: NethoodError[];
}

function bench(failures: NethoodError[] = []): Bench {
  const clock = new SimClock();
  const helpers: FakeHelper[] = [];
  const actions: MenuAction[] = [];
  const said: string[] = [];
  const display = new TrayDisplay(model('first'), {
    clock,
    startHelper: async (menu, onClick) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      const helper = new FakeHelper(menu, onClick);
      helpers.push(helper);
      return helper;
    },
    onAction: (action) => actions.push(action),
    say: (message) => said.push(message),
  });
  scope.use(display);
  return { clock, display, helpers, actions, said, failures };
}

const killed: HelperExit = { code: null, signal: 'SIGKILL', lastWords: '' };

test('a helper that dies is started again after a second, with the menu of then', async () => {
  const { clock, display, helpers } = bench();
  await clock.advance(10);
  helpers[0]?.die(killed);
  await clock.advance(500);
  display.show(model('second'));
  expect(helpers).toHaveLength(1);

  await clock.advance(600);

  expect(helpers).toHaveLength(2);
  expect(helpers.map(({ start }) => titleOf(start))).toEqual(['first', 'second']);
  expect(helpers[1]?.updates).toEqual([]);
});

test('changes in quick succession reach the helper as the first and the last', async () => {
  const { clock, display, helpers } = bench();
  await clock.advance(10);

  for (const name of ['a', 'b', 'c', 'd']) display.show(model(name));
  await clock.advance(1_000);

  expect(helpers[0]?.updates.map((update) => update.kind === 'item' && update.title)).toEqual(['a', 'd']);
  expect(clock.pendingTimers).toBe(0);
});

test('clicks reach the action of the slot, and none after the helper is gone', async () => {
  const { clock, helpers, actions } = bench();
  await clock.advance(10);
  const [helper] = helpers;
  // All of what is above the neighbours: one of it can be clicked.
  for (let slot = 0; slot < 80; slot++) helper?.click(slot);
  helper?.die(killed);
  await clock.advance(10);
  for (let slot = 0; slot < 80; slot++) helper?.click(slot);

  expect(actions).toEqual([{ kind: 'agent', ask: { kind: 'share-public' } }]);
});

test('no display at start is said once and tried again every five minutes, until there is one', async () => {
  const cause: HelperExit = { code: 1, signal: null, lastWords: 'cannot open display' };
  const refused = (): NethoodError => new NethoodError('unavailable', 'It ended at once.', { cause });
  const { clock, helpers, said } = bench([refused(), refused()]);
  await clock.advance(599_000);
  expect(said).toEqual(['There is no tray here: no display. It is tried again every 5 minutes.']);
  expect(helpers).toHaveLength(0);

  await clock.advance(2_000);

  expect(helpers).toHaveLength(1);
});

test('a helper that cannot be started says why, and is tried again', async () => {
  const { clock, helpers, said } = bench([new NethoodError('unavailable', 'The helper cannot be started: EACCES.')]);
  await clock.advance(10);
  expect(said[0]).toBe('The helper cannot be started: EACCES.');

  await clock.advance(1_100);

  expect(helpers).toHaveLength(1);
});

test('disposal ends the helper and starts no other', async () => {
  const { clock, display, helpers, said } = bench();
  await clock.advance(10);

  await display[Symbol.asyncDispose]();
  display.show(model('late'));
  await clock.advance(600_000);

  expect(helpers.map(({ ended }) => ended)).toEqual([true]);
  expect(said).toEqual([]);
});

test('disposal while the helper is being started ends that one too', async () => {
  const { clock, display, helpers } = bench();

  await display[Symbol.asyncDispose]();
  await clock.advance(10);

  expect(helpers.map(({ ended }) => ended)).toEqual([true]);
});

/**
 * From what the helper shows to what it should show, in the fewest actions and not too often: at most 4 updates a
 * second and one icon change a second (each icon is a file that the helper writes and the desktop loads again).
 */
import type { IconState, MenuAction, MenuItem, MenuModel } from './menu-model.ts';

/** Three rounds of items and one icon make four. */
const itemsEveryMs = 334;
const menuEveryMs = 1_000;

/** An item as the helper has it. */
interface ShownItem {
  readonly title: string;
  readonly enabled: boolean;
  readonly hidden: boolean;
}

export type MenuUpdate =
  /** `slot` counts all items of the model, parents before their children, from 0. */
  | ({ readonly kind: 'item'; readonly slot: number } & ShownItem)
  | { readonly kind: 'menu'; readonly icon: IconState; readonly tooltip: string };

export interface Shown {
  readonly items: readonly ShownItem[];
  readonly icon: IconState;
  readonly tooltip: string;
}

interface Slot {
  readonly item: MenuItem;
  /** Itself and all parents are to be seen. */
  readonly visible: boolean;
  readonly parentVisible: boolean;
}

export function shownOf(model: MenuModel): Shown {
  const items = slotsOf(model).map(({ item: { title, enabled, hidden } }) => ({ title, enabled, hidden }));
  return { items, icon: model.icon, tooltip: model.tooltip };
}

/** Children of a hidden item are left as they are: nobody sees them. */
export function diffItems(shown: Shown, model: MenuModel): MenuUpdate[] {
  const updates: MenuUpdate[] = [];
  for (const [slot, { item, parentVisible }] of slotsOf(model).entries()) {
    const old = shown.items[slot];
    if (!parentVisible || item.kind === 'separator' || old === undefined || isSame(old, item)) continue;
    // A hidden item keeps its title: changing that too would be seen for a moment.
    const text = item.hidden ? old : item;
    updates.push({ kind: 'item', slot, title: text.title, enabled: text.enabled, hidden: item.hidden });
  }
  // Children first, so that an item that appears does so with the right ones.
  return updates.toReversed();
}

/** The action of a click on a slot; none for parents, and for what was hidden or disabled meanwhile. */
export function actionAt(model: MenuModel, slot: number): MenuAction | undefined {
  const found = slotsOf(model)[slot];
  if (found === undefined || !found.visible || !found.item.enabled || found.item.items.length > 0) return undefined;
  return found.item.action;
}

export interface Pace {
  readonly shown: Shown;
  /** The model that the items shown came from: clicks are meant for this one, not for a newer one. */
  readonly model: MenuModel;
  /** When the last updates went, in milliseconds of a monotonic clock; undefined = never. */
  readonly itemsAt: number | undefined;
  readonly menuAt: number | undefined;
}

export function startPace(model: MenuModel): Pace {
  return { shown: shownOf(model), model, itemsAt: undefined, menuAt: undefined };
}

export interface PaceStep {
  readonly pace: Pace;
  readonly updates: readonly MenuUpdate[];
  /** Ask again after so many milliseconds; undefined = nothing is left to send. */
  readonly waitMs: number | undefined;
}

/** Items and icon are paced each by itself. */
export function stepPace(pace: Pace, wanted: MenuModel, now: number): PaceStep {
  const items = due(diffItems(pace.shown, wanted), pace.itemsAt, itemsEveryMs, now);
  const menu = due(diffMenu(pace.shown, wanted), pace.menuAt, menuEveryMs, now);
  const updates = [...items.updates, ...menu.updates];
  const waits = [items.waitMs, menu.waitMs].filter((wait) => wait !== undefined);
  return {
    pace: {
      shown: updates.reduce(applyUpdate, pace.shown),
      model: items.waitMs === undefined ? wanted : pace.model,
      itemsAt: items.updates.length > 0 ? now : pace.itemsAt,
      menuAt: menu.updates.length > 0 ? now : pace.menuAt,
    },
    updates,
    waitMs: waits.length > 0 ? Math.min(...waits) : undefined,
  };
}

function diffMenu(shown: Shown, { icon, tooltip }: MenuModel): MenuUpdate[] {
  return shown.icon === icon && shown.tooltip === tooltip ? [] : [{ kind: 'menu', icon, tooltip }];
}

/** All of them, or the time until they may go. */
function due(
  updates: readonly MenuUpdate[],
  lastAt: number | undefined,
  everyMs: number,
  now: number,
): Pick<PaceStep, 'updates' | 'waitMs'> {
  const waitMs = lastAt === undefined ? 0 : Math.max(0, lastAt + everyMs - now);
  if (updates.length === 0 || waitMs === 0) return { updates, waitMs: undefined };
  return { updates: [], waitMs };
}

export function applyUpdate(shown: Shown, update: MenuUpdate): Shown {
  if (update.kind === 'menu') return { ...shown, icon: update.icon, tooltip: update.tooltip };
  const { title, enabled, hidden } = update;
  return { ...shown, items: shown.items.with(update.slot, { title, enabled, hidden }) };
}

function slotsOf(model: MenuModel): Slot[] {
  const list: Slot[] = [];
  const add = (items: readonly MenuItem[], parentVisible: boolean): void => {
    for (const item of items) {
      const visible = parentVisible && !item.hidden;
      list.push({ item, visible, parentVisible });
      add(item.items, visible);
    }
  };
  add(model.items, true);
  return list;
}

function isSame(old: ShownItem, item: MenuItem): boolean {
  if (item.hidden) return old.hidden;
  return !old.hidden && old.title === item.title && old.enabled === item.enabled;
}

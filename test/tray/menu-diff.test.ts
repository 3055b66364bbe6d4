import { describe, expect, test } from 'vitest';
import { buildMenu } from '../../tray/menu.ts';
import {
  actionAt,
  applyUpdate,
  diffItems,
  type MenuUpdate,
  type Pace,
  shownOf,
  startPace,
  stepPace,
} from '../../tray/menu-diff.ts';
import type { MenuModel } from '../../tray/menu-model.ts';
import { aNeighbour, aShare, aSnapshot, aTransfer } from './snapshots.ts';

const model = (change: Parameters<typeof aSnapshot>[0]): MenuModel =>
  buildMenu({ snapshot: aSnapshot(change), message: undefined });
const empty = model({});

function titles(updates: readonly MenuUpdate[]): string[] {
  return updates.map((update) => (update.kind === 'item' ? `${update.hidden ? '-' : '+'}${update.title}` : 'menu'));
}

function slotOf(menu: MenuModel, title: string): number {
  return shownOf(menu).items.findIndex((item) => item.title === title && !item.hidden);
}

describe('the difference of two menus', () => {
  test('is nothing for the same', () => {
    expect(diffItems(shownOf(empty), model({}))).toEqual([]);
  });

  test('is one item where one title changed', () => {
    const before = model({ transfers: [aTransfer({ bytes: 100 })] });
    const after = model({ transfers: [aTransfer({ bytes: 200 })] });
    expect(titles(diffItems(shownOf(before), after))).toEqual(['+↓ bob on pc-2/Music: 20 %, 12 MB/s']);
  });

  test('brings a new submenu with its children first', () => {
    const updates = titles(diffItems(shownOf(empty), model({ neighbours: [aNeighbour()] })));
    expect(updates).toEqual([
      '+Printer “Ink”: stopped: media empty',
      '+Fetch folder “Music”',
      '+bob on pc-2',
      '+Neighbours',
    ]);
  });

  test('hides a parent alone, with the title it had, and leaves its children', () => {
    const updates = diffItems(shownOf(model({ neighbours: [aNeighbour()] })), empty);
    expect(titles(updates)).toEqual(['-bob on pc-2', '+No neighbours seen yet']);
  });

  test('mends the children of a parent that was hidden meanwhile', () => {
    const other = aNeighbour({ name: 'eve', shares: [], printers: [] });
    let shown = shownOf(model({ neighbours: [aNeighbour()] }));
    for (const menu of [empty, model({ neighbours: [other] }), model({ neighbours: [aNeighbour()] })])
      shown = diffItems(shown, menu).reduce(applyUpdate, shown);
    expect(shown).toEqual(shownOf(model({ neighbours: [aNeighbour()] })));
  });
});

describe('a click', () => {
  const shared = model({ shares: [aShare()] });

  test('on an item gives its action', () => {
    expect(actionAt(shared, slotOf(shared, 'Stop sharing'))).toEqual({
      kind: 'agent',
      ask: { kind: 'unshare', share: 'Projects' },
    });
  });

  test('on a parent, a label, a separator, or outside gives none', () => {
    for (const slot of [slotOf(shared, 'Projects'), 0, slotOf(shared, '<SEPARATOR>'), -1, 100_000])
      expect(actionAt(shared, slot)).toBeUndefined();
  });

  test('on the child of a hidden parent gives none', () => {
    const slot = slotOf(shared, 'Stop sharing');
    expect(actionAt(empty, slot)).toBeUndefined();
  });
});

/** Every millisecond for two seconds, with a progress and an icon that always change. */
function runTwoSeconds(): { at: number; updates: readonly MenuUpdate[] }[] {
  const sent: { at: number; updates: readonly MenuUpdate[] }[] = [];
  let pace: Pace = startPace(empty);
  for (let now = 0; now < 2_000; now++) {
    const wanted = model({ transfers: [aTransfer({ bytes: now, bytesTotal: 2_000 })], paused: now % 2 === 0 });
    const step = stepPace(pace, wanted, now);
    pace = step.pace;
    if (step.updates.length > 0) sent.push({ at: now, updates: step.updates });
  }
  return sent;
}

describe('the pace', () => {
  test('is at most four updates and one icon a second', () => {
    const sent = runTwoSeconds();
    for (const { at } of sent) {
      const inSecond = sent.filter((other) => other.at >= at && other.at < at + 1_000);
      expect(inSecond.length).toBeLessThanOrEqual(4);
      const icons = inSecond.flatMap(({ updates }) => updates).filter(({ kind }) => kind === 'menu');
      expect(icons.length).toBeLessThanOrEqual(1);
    }
    expect(sent.length).toBeGreaterThanOrEqual(6);
  });

  test('sends the first change at once and says when to come again for the rest', () => {
    const first = stepPace(startPace(empty), model({ neighbours: [aNeighbour()] }), 50);
    expect(first.updates).toHaveLength(5);
    expect(first.waitMs).toBeUndefined();

    const held = stepPace(first.pace, model({ paused: true }), 60);
    expect(held.updates).toEqual([]);
    expect(held.waitMs).toBe(324);

    const items = stepPace(held.pace, model({ paused: true }), 384);
    expect(titles(items.updates)).not.toContain('menu');
    expect(items.waitMs).toBe(666);

    const icon = stepPace(items.pace, model({ paused: true }), 1_050);
    expect(titles(icon.updates)).toEqual(['menu']);
    expect(icon.pace.shown).toMatchObject({ icon: 'paused' });
    expect(icon.waitMs).toBeUndefined();
  });

  test('keeps clicks with the menu that is seen until the new one is sent', () => {
    const seen = model({ shares: [aShare()] });
    const { pace } = stepPace(startPace(empty), seen, 0);
    const held = stepPace(pace, empty, 10);
    expect(held.pace.model).toBe(seen);
    expect(stepPace(held.pace, empty, 400).pace.model).toBe(empty);
  });
});

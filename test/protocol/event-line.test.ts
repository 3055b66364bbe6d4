import { expect, test } from 'vitest';
import { applyEventLine } from '../../protocol/control.ts';
import { aNeighbour, aShare, aSnapshot } from '../tray/snapshots.ts';

const snapshot = aSnapshot({ shares: [aShare()] });

test('a change replaces the sections that it names, and no others', () => {
  const sections = { neighbours: [aNeighbour()], paused: true };
  expect(applyEventLine(snapshot, { type: 'change', sections })).toEqual({ ...snapshot, ...sections });
});

test('a new snapshot replaces all', () => {
  expect(applyEventLine(snapshot, { type: 'snapshot', snapshot: aSnapshot() })).toEqual(aSnapshot());
});

test('a sign of life changes nothing, and a change before the first snapshot says nothing', () => {
  expect(applyEventLine(snapshot, { type: 'alive' })).toBe(snapshot);
  expect(applyEventLine(undefined, { type: 'change', sections: { paused: true } })).toBeUndefined();
});

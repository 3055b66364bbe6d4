import { expect, test } from 'vitest';
import { applyLine } from '../../tray/agent-link.ts';
import { aNeighbour, aShare, aSnapshot } from './snapshots.ts';

const snapshot = aSnapshot({ shares: [aShare()] });

test('a change replaces the sections that it names, and no others', () => {
  const sections = { neighbours: [aNeighbour()], paused: true };
  expect(applyLine(snapshot, { type: 'change', sections })).toEqual({ ...snapshot, ...sections });
});

test('a new snapshot replaces all', () => {
  expect(applyLine(snapshot, { type: 'snapshot', snapshot: aSnapshot() })).toEqual(aSnapshot());
});

test('a sign of life changes nothing, and a change before the first snapshot says nothing', () => {
  expect(applyLine(snapshot, { type: 'alive' })).toBe(snapshot);
  expect(applyLine(undefined, { type: 'change', sections: { paused: true } })).toBeUndefined();
});

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Due, DueQueue } from '../../agent/discovery/due-queue.ts';

test('whatever is put in, moved and taken out, it comes in the order of its time', () => {
  const change = fc.tuple(fc.nat(19), fc.oneof(fc.nat(1_000), fc.constant(Infinity)));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const queue = new DueQueue<Due>();
      const items = Array.from({ length: 20 }, (): Due => ({ due: Infinity, slot: -1 }));
      const expected = new Map<Due, number>();
      for (const [at, due] of changes) {
        const item = items[at];
        if (item === undefined) continue;
        queue.set(item, due);
        if (due === Infinity) expected.delete(item);
        else expected.set(item, due);
      }
      expect(queue.size).toBe(expected.size);
      const times = Array.from(expected.values()).toSorted((a, b) => a - b);
      expect(queue.nextAt).toBe(times[0] ?? Infinity);
      const taken: number[] = [];
      for (let next = queue.nextAt; next < Infinity; next = queue.nextAt) {
        expect(queue.take(next - 1)).toBeUndefined();
        const item = queue.take(next);
        taken.push(item === undefined ? NaN : (expected.get(item) ?? NaN));
      }
      expect(taken).toEqual(times);
    }),
  );
});

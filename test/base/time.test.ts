import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { backoff } from '../../agent/base/backoff.ts';
import { sleep, systemClock } from '../../agent/base/clock.ts';

describe('back-off', () => {
  test('doubles from the first to the most', () => {
    const delays = backoff({ firstMs: 1_000, mostMs: 10_000, jitter: 0, random: () => 1 });
    expect(Array.from({ length: 6 }, () => delays.next().value)).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  test('leaves at most the stated part to chance, and never ends', () => {
    const parts = { firstMs: fc.integer({ min: 1, max: 10_000 }), jitter: fc.double({ min: 0, max: 1, noNaN: true }) };
    const chance = fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.record({ ...parts, chance }), ({ firstMs, jitter, chance: random }) => {
        let calls = 0;
        const delays = backoff({ firstMs, mostMs: 60_000, jitter, random: () => random[calls++ % random.length] ?? 0 });
        for (let full = firstMs, at = 0; at < 50; at++, full = Math.min(full * 2, 60_000)) {
          const delay = delays.next().value;
          expect(delay).toBeLessThanOrEqual(full);
          expect(delay).toBeGreaterThanOrEqual(Math.floor(full * (1 - jitter)));
        }
      }),
    );
  });
});

describe('the clock of the system', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('calls back once, unless disposed before', () => {
    let calls = 0;
    systemClock.timer(100, () => calls++);
    const disposed = systemClock.timer(100, () => calls++);
    disposed[Symbol.dispose]();
    vi.advanceTimersByTime(1_000);
    disposed[Symbol.dispose]();
    expect(calls).toBe(1);
  });

  test('sleeps as long as told', async () => {
    const start = systemClock.now();
    const slept = sleep(systemClock, 250, new AbortController().signal).then(() => systemClock.now() - start);
    await vi.advanceTimersByTimeAsync(250);
    expect(await slept).toBe(250);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('an aborted sleep ends at once with the reason and leaves no timer', async () => {
    const controller = new AbortController();
    const slept = sleep(systemClock, 60_000, controller.signal);
    controller.abort(new Error('stop'));
    await expect(slept).rejects.toThrow('stop');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('nobody falls asleep on an aborted signal', async () => {
    const asleep = (async () => sleep(systemClock, 60_000, AbortSignal.abort(new Error('gone'))))();
    await expect(asleep).rejects.toThrow('gone');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a sleep that ended leaves nothing on the signal', async () => {
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, 'removeEventListener');
    const slept = sleep(systemClock, 10, signal);
    await vi.advanceTimersByTimeAsync(10);
    await slept;
    expect(remove).toHaveBeenCalledTimes(1);
  });
});

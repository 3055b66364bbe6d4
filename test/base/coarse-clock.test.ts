import { beforeEach, describe, expect, it } from 'vitest';
import { coarseClock } from '../../agent/base/coarse-clock.ts';
import type { Clock } from '../../agent/base/clock.ts';
import { SimClock } from '../sim/clock.ts';

let sim: SimClock;
let wakeUps: number;
let clock: Clock;
let called: string[];

beforeEach(async () => {
  sim = new SimClock();
  await sim.advance(1_003);
  wakeUps = 0;
  called = [];
  const counting: Clock = {
    now: () => sim.now(),
    wall: () => sim.wall(),
    timer: (ms, callback) =>
      sim.timer(ms, () => {
        wakeUps++;
        callback();
      }),
  };
  clock = coarseClock(counting, 250);
});

function noting(name: string): () => void {
  return () => called.push(`${name} at ${sim.now()}`);
}

describe('a coarse clock', () => {
  it('calls back at the end of the step, never early', async () => {
    clock.timer(40, noting('first'));
    clock.timer(247, noting('whole step'));
    clock.timer(248, noting('next step'));
    clock.timer(0, noting('now'));
    await sim.advance(1_000);
    expect(called).toEqual(['first at 1250', 'whole step at 1250', 'now at 1250', 'next step at 1500']);
  });

  it('wakes once for all that are due within a step', async () => {
    for (let ms = 1_000; ms < 1_240; ms += 10) clock.timer(ms, noting('one'));
    await sim.advance(10_000);
    expect(called).toHaveLength(24);
    expect(wakeUps).toBe(1);
  });

  it('forgets what is disposed, also within its own step, and wakes for nobody', async () => {
    const callback = noting('twice');
    const first = clock.timer(10, callback);
    clock.timer(20, callback);
    const last = clock.timer(600, noting('never'));
    clock.timer(5, () => first[Symbol.dispose]())[Symbol.dispose]();
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    last[Symbol.dispose]();
    await sim.advance(10_000);
    expect(called).toEqual(['twice at 1250']);
    expect(wakeUps).toBe(1);
  });

  it('takes new timers from within a callback, and lets one of them end another of the same step', async () => {
    clock.timer(10, () => {
      other[Symbol.dispose]();
      clock.timer(1, noting('later'));
    });
    const other = clock.timer(20, noting('never'));
    await sim.advance(1_000);
    expect(called).toEqual(['later at 1500']);
  });
});

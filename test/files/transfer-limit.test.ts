import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../agent/files/rate-limit.ts';
import { LimitMeter, limitOf } from '../../agent/files/transfer-limit.ts';
import { SimClock } from '../sim/clock.ts';
import { never } from './files-support.ts';

const idle = { disk: 0, wire: 0, processor: 20, setting: 0 };
const ours = { ourDisk: 0, ourProcessor: 20, ourSetting: 0 };

describe('what the limit of a transfer is', () => {
  it.each([
    ['their-disk', { ...ours, sender: { ...idle, disk: 70, wire: 20 } }],
    ['network', { ...ours, sender: { ...idle, wire: 95 } }],
    ['processor', { ...ours, sender: { ...idle, processor: 96 } }],
    ['setting', { ...ours, sender: { ...idle, setting: 90 } }],
    ['our-disk', { ...ours, ourDisk: 80, sender: { ...idle, wire: 90 } }],
    ['processor', { ...ours, ourProcessor: 97, sender: { ...idle, wire: 60 } }],
    ['setting', { ...ours, ourSetting: 90, sender: { ...idle, wire: 95 } }],
    [null, { ...ours, sender: idle }],
    [null, { ...ours, sender: undefined }],
    ['our-disk', { ...ours, ourDisk: 60, sender: undefined }],
  ])('is %s', (limit, load) => {
    expect(limitOf(load)).toBe(limit);
  });

  it('is told of the last second, and in the end of most of the time', async () => {
    const clock = new SimClock();
    let busyMs = 0;
    const meter = new LimitMeter({ now: () => clock.now(), busyMs: () => busyMs });
    expect([meter.now, meter.mostly]).toEqual([null, null]);
    meter.waited('disk', 800);
    await clock.advance(1000);
    expect(meter.now).toBe('our-disk');
    meter.heard({ ...idle, wire: 99 });
    for (let second = 0; second < 2; second++) {
      busyMs += 300;
      await clock.advance(1000);
      expect(meter.now).toBe('network');
    }
    meter.restart();
    expect([meter.now, meter.mostly]).toEqual([null, 'network']);
  });
});

describe('the limit that a user sets', () => {
  it('is kept by all transfers together, in turn', async () => {
    const clock = new SimClock();
    const limit = new RateLimit(clock, () => 1_000_000);
    const taken = { one: 0, other: 0 };
    const take = async (who: keyof typeof taken): Promise<void> => {
      for (;;) {
        await limit.pace(50_000, never);
        taken[who] += 50_000;
      }
    };
    for (const who of ['one', 'other'] as const) void take(who);
    for (let ms = 0; ms < 10_000; ms += 10) {
      await clock.advance(10);
    }
    const { one, other } = taken;
    expect(one + other).toBeGreaterThan(9_500_000);
    expect(one + other).toBeLessThan(10_500_000);
    expect(Math.abs(one - other)).toBeLessThanOrEqual(50_000);
  });

  it('does not save up what a rest left unused, and may be taken away', async () => {
    const clock = new SimClock();
    let rate: number | undefined = 1000;
    const limit = new RateLimit(clock, () => rate);
    await clock.advance(3_600_000);
    expect(limit.moved(1000)).toBe(900);
    expect(limit.moved(1000)).toBe(1900);
    rate = undefined;
    expect([limit.active, limit.moved(1_000_000), await limit.pace(1, never)]).toEqual([false, 0, 0]);
  });
});

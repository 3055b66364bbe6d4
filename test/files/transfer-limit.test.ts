import { describe, expect, it } from 'vitest';
import { RateLimit } from '../../agent/files/rate-limit.ts';
import { LimitMeter, limitOf } from '../../agent/files/transfer-limit.ts';
import { SimClock } from '../sim/clock.ts';
import { never } from './files-support.ts';

const idle = { disk: 0, wire: 0, processor: 20, setting: 0 };
const slowDisk = { ...idle, disk: 70 };
const held = { ...idle, wire: 95 };

describe('what the limit of a get is', () => {
  it.each([
    ['their-disk', { ours: idle, theirs: { ...slowDisk, wire: 20 } }],
    ['network', { ours: idle, theirs: held }],
    ['processor', { ours: idle, theirs: { ...idle, processor: 96 } }],
    ['setting', { ours: idle, theirs: { ...idle, setting: 90 } }],
    ['our-disk', { ours: slowDisk, theirs: { ...idle, wire: 90 } }],
    ['processor', { ours: { ...idle, processor: 97 }, theirs: { ...idle, wire: 60 } }],
    ['setting', { ours: { ...idle, setting: 90 }, theirs: held }],
    [null, { ours: idle, theirs: idle }],
    [null, { ours: idle, theirs: undefined }],
    ['our-disk', { ours: slowDisk, theirs: undefined }],
  ])('is %s', (limit, load) => {
    expect(limitOf({ ...load, sender: 'them' })).toBe(limit);
  });
});

describe('what the limit of a put is', () => {
  it.each([
    ['their-disk', { ours: held, theirs: slowDisk }],
    ['their-disk', { ours: { ...held, disk: 60 }, theirs: slowDisk }],
    ['processor', { ours: held, theirs: { ...idle, processor: 90 } }],
    ['setting', { ours: held, theirs: { ...slowDisk, setting: 80 } }],
    ['setting', { ours: { ...idle, setting: 80 }, theirs: slowDisk }],
    ['our-disk', { ours: slowDisk, theirs: idle }],
    ['processor', { ours: { ...idle, processor: 90 }, theirs: idle }],
    ['network', { ours: held, theirs: idle }],
    [null, { ours: idle, theirs: idle }],
    ['our-disk', { ours: slowDisk, theirs: undefined }],
    // It may be their disk as well.
    [null, { ours: held, theirs: undefined }],
  ])('is %s', (limit, load) => {
    expect(limitOf({ ...load, sender: 'us' })).toBe(limit);
  });
});

describe('what the limit of a transfer is', () => {
  it('is told of the last second, and in the end of most of the time', async () => {
    const clock = new SimClock();
    let busyMs = 0;
    const meter = new LimitMeter({ now: () => clock.now(), busyMs: () => busyMs, sender: 'them' });
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

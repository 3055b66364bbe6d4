import { describe, expect, it } from 'vitest';
import { race } from '../../agent/peers/race.ts';
import { SimClock } from '../sim/clock.ts';

/** Ways that take so long and succeed or fail: `{ a: 100 }` is a prize, `{ a: -100 }` a failure. */
function setUp(ways: Record<string, number>, signal = new AbortController().signal) {
  const clock = new SimClock();
  const begun: string[] = [];
  const aborted: string[] = [];
  const discarded: string[] = [];
  const outcome = race({
    ways: Object.keys(ways),
    clock,
    signal,
    attempt: (way, lost) => {
      begun.push(`${way} ${clock.now()}`);
      lost.addEventListener('abort', () => aborted.push(way));
      return new Promise<string>((resolve, reject) => {
        const ms = ways[way] ?? 0;
        clock.timer(Math.abs(ms), () => (ms < 0 ? reject(new Error(way)) : resolve(way)));
      });
    },
    discard: (prize) => discarded.push(prize),
  }).then(
    ({ way }) => way,
    (error: Error) => `failed: ${error.message}`,
  );
  return { clock, begun, aborted, discarded, outcome };
}

describe('a race of addresses', () => {
  it('begins one every 250 ms, and the first that succeeds wins', async () => {
    const { clock, begun, aborted, discarded, outcome } = setUp({ a: 5_000, b: 400, c: 10_000, d: 1 });
    await clock.advance(20_000);
    expect(await outcome).toBe('b');
    expect(begun).toEqual(['a 0', 'b 250', 'c 500']);
    expect(aborted).toEqual(['a', 'b', 'c']);
    expect(discarded).toEqual(['a', 'c']);
  });

  it('goes on at once when one has failed', async () => {
    const { clock, begun, outcome } = setUp({ a: -10, b: -10, c: 5 });
    await clock.advance(100);
    expect(await outcome).toBe('c');
    expect(begun).toEqual(['a 0', 'b 10', 'c 20']);
  });

  it('fails with the first failure when all have failed, and leaves no timer', async () => {
    const { clock, outcome } = setUp({ a: -900, b: -10 });
    await clock.advance(2_000);
    expect(await outcome).toBe('failed: a');
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends with its signal, and closes what comes after', async () => {
    const controller = new AbortController();
    const { clock, discarded, outcome } = setUp({ a: 300, b: 400 }, controller.signal);
    await clock.advance(260);
    controller.abort(new Error('stop'));
    await clock.advance(1_000);
    expect(await outcome).toBe('failed: stop');
    expect(discarded).toEqual(['a', 'b']);
  });

  it('without any way fails', async () => {
    expect(await setUp({}).outcome).toContain('no way');
  });
});

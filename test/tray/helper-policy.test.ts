import { describe, expect, test } from 'vitest';
import { noRestarts, stepRestart, whyNoTray, type Ending } from '../../tray/helper-policy.ts';

const exit = (code: number | null, lifetimeMs: number): Ending => ({
  exit: { code, signal: code === null ? 'SIGKILL' : null, lastWords: '' },
  lifetimeMs,
});

describe('a helper that ends', () => {
  test('is started again after 1, 5 and 30 seconds, then every 5 minutes', () => {
    let restarts = noRestarts;
    const delays: number[] = [];
    for (let end = 0; end < 6; end++) {
      const step = stepRestart(restarts, exit(null, 10_000));
      restarts = step.restarts;
      delays.push(step.delayMs);
    }
    expect(delays).toEqual([1_000, 5_000, 30_000, 300_000, 300_000, 300_000]);
  });

  test('after a minute of life is at the beginning of that again', () => {
    const tired = stepRestart({ failures: 3, told: false }, exit(0, 60_000));
    expect(tired.delayMs).toBe(1_000);
  });

  test.each([
    [1, 'no display'],
    [127, 'libayatana-appindicator3-1'],
  ])('at once with code %d says why, once, and waits 5 minutes', (code, words) => {
    const first = stepRestart(noRestarts, exit(code, 300));
    expect(first.say).toContain(words);
    expect(first.delayMs).toBe(300_000);
    expect(stepRestart(first.restarts, exit(code, 300))).toMatchObject({ say: undefined, delayMs: 300_000 });
  });

  test('with code 1 after hours (the display went away) is tried again soon, and told anew if it stays away', () => {
    const lost = stepRestart({ failures: 1, told: true }, exit(1, 3_600_000));
    expect(lost.delayMs).toBe(1_000);
    expect(stepRestart(lost.restarts, exit(1, 100)).say).toContain('no display');
  });

  test('without having run at all is tried again too', () => {
    expect(stepRestart(noRestarts, { exit: undefined, lifetimeMs: 1 }).delayMs).toBe(1_000);
  });
});

describe('whether there can be a tray', () => {
  test.each([
    ['linux', 'x64', { DISPLAY: ':0' }, undefined],
    ['linux', 'x64', {}, 'no display (DISPLAY is not set)'],
    ['linux', 'x64', { DISPLAY: '' }, 'no display (DISPLAY is not set)'],
    ['linux', 'arm64', { DISPLAY: ':0' }, 'not on linux arm64'],
    ['darwin', 'arm64', {}, undefined],
    ['win32', 'x64', {}, undefined],
    ['win32', 'ia32', {}, 'not on win32 ia32'],
    ['freebsd', 'x64', { DISPLAY: ':0' }, 'not on freebsd x64'],
  ] as const)('on %s %s with %j: %s', (platform, arch, env, reason) => {
    expect(whyNoTray(platform, arch, env)).toBe(reason);
  });
});

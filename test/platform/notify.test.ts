import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../agent/base/log.ts';
import { Scope } from '../../agent/base/scope.ts';
import { createNotifier, type Notifier } from '../../agent/platform/notify.ts';
import { SimClock } from '../sim/clock.ts';
import { until } from '../office/until.ts';

let scope: Scope;
let folder: string;
let clock: SimClock;
beforeEach(async () => {
  scope = new Scope();
  clock = new SimClock();
  folder = await mkdtemp(join(tmpdir(), 'nh-notify-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
});
afterEach(() => scope[Symbol.asyncDispose]());

/** A program in the place of notify-send that writes down what it was given. */
async function notifier(isOn = true): Promise<Notifier> {
  const program = join(folder, 'notify-send');
  await writeFile(program, `#!/bin/sh\nfor word; do last=$word; done\nprintf '%s\\n' "$last" >> ${folder}/shown\n`);
  await chmod(program, 0o755);
  const env = { PATH: `${folder}:${process.env['PATH'] ?? ''}`, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
  return scope.use(createNotifier({ platform: 'linux', env, isOn: () => isOn, clock, log: silentLog }));
}

const shown = async (): Promise<string[]> =>
  (await readFile(join(folder, 'shown'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
const say = (to: Notifier, text: string): void => to.show({ title: 'Printed', text, urgent: false });

describe('notifications', () => {
  it('are shown one by one', async () => {
    const desktop = await notifier();
    say(desktop, 'one');
    say(desktop, 'two');
    await until(async () => (await shown()).length === 2, { what: 'both', withinMs: 5_000 });
    expect((await shown()).toSorted()).toEqual(['one', 'two']);
  });

  it('do not flood the desktop: what is too much becomes one sentence', async () => {
    const desktop = await notifier();
    for (let job = 1; job <= 100; job++) say(desktop, `job ${job}`);
    await until(async () => (await shown()).length === 3, { what: 'the first three', withinMs: 5_000 });
    await clock.advance(10_000);
    await until(async () => (await shown()).length === 4, { what: 'the rest', withinMs: 5_000 });
    expect((await shown())[3]).toBe('97 more: `nethood jobs` has them.');
  });

  it('are left out where the user wants none', async () => {
    const desktop = await notifier(false);
    say(desktop, 'one');
    await desktop[Symbol.asyncDispose]();
    expect(await shown()).toEqual([]);
  });

  it('harm nobody where their program is missing', async () => {
    const env = { PATH: folder, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' };
    const desktop = createNotifier({ platform: 'linux', env, isOn: () => true, clock, log: silentLog });
    say(desktop, 'one');
    await expect(desktop[Symbol.asyncDispose]()).resolves.toBeUndefined();
  });
});

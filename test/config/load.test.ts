import { lstat, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { randomId } from '../../agent/base/random-id.ts';
import type { ConfigStore } from '../../config/config-store.ts';
import { openConfig } from '../../config/load.ts';
import { type Paths, pathsOf } from '../../config/paths.ts';
import { Config, defaultConfig } from '../../config/schema.ts';
import { ShareId, ShareName } from '../../protocol/ids.ts';

let home: string;
let paths: Paths;
let file: string;
/** The looks at the file that are due; a test calls them. */
let looks: (() => void)[];

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'nethood-config-'));
  paths = pathsOf({ platform: 'linux', env: {}, userHome: home, home: join(home, 'agent') });
  file = join(paths.config, 'config.json');
  looks = [];
});
afterEach(() => rm(home, { recursive: true }));

const clock: Clock = {
  ...systemClock,
  timer: (_ms, callback) => {
    looks.push(callback);
    return { [Symbol.dispose]: () => void (looks = looks.filter((due) => due !== callback)) };
  },
};

function opened(): Promise<ConfigStore & AsyncDisposable> {
  return openConfig(paths, { log: silentLog, clock });
}

async function put(content: string): Promise<void> {
  await mkdir(paths.config, { recursive: true });
  await writeFile(file, content);
}

/** One look at the file, to its end. */
async function look(): Promise<void> {
  await expect.poll(() => looks.length).toBe(1);
  looks.shift()?.();
  await expect.poll(() => looks.length).toBe(1);
}

function withShare(config: Config): Config {
  const share = {
    id: ShareId.parse(randomId()),
    name: ShareName.parse(`s${config.shares.length}`),
    folder: '/srv',
    audience: 'everyone',
    rights: 'read',
  } as const;
  return { ...config, shares: [...config.shares, share] };
}

const valid = JSON.stringify({ version: 1, name: 'Ann', shares: withShare(defaultConfig).shares });

describe('opening', () => {
  test('a missing file gives the defaults and is not written', async () => {
    await using store = await opened();
    expect(store.current).toEqual(defaultConfig);
    expect(store.problem).toBeUndefined();
    await expect(lstat(file)).rejects.toThrow('ENOENT');
  });

  test('a valid file is in use, with a copy kept', async () => {
    await put(valid);
    await using store = await opened();
    expect(store.current.name).toBe('Ann');
    expect(Config.parse(JSON.parse(await readFile(join(paths.state, 'config.last-good.json'), 'utf8')))).toEqual(
      store.current,
    );
  });

  test.each(['', '{"version": 1, "name": "A', '{"version": 2}', '{"version": 1, "paused": 3}', '\0\0\0\0'])(
    'a broken file (%j) leaves the last good copy in use and is not touched',
    async (broken) => {
      await put(valid);
      await (await opened())[Symbol.asyncDispose]();
      await put(broken);
      await using store = await opened();
      expect(store.current.name).toBe('Ann');
      expect(store.problem).toContain(file);
      await expect(store.update(withShare)).rejects.toMatchObject({ code: 'config-invalid' });
      expect(await readFile(file, 'utf8')).toBe(broken);
      expect(store.current.shares).toHaveLength(1);
    },
  );

  test('a broken file without a good copy shares nothing', async () => {
    await put(valid.slice(0, -1));
    await using store = await opened();
    expect(store.current).toEqual(defaultConfig);
    expect(store.problem).toMatch(/line 1, column \d+/);
  });

  test('a broken copy beside a broken file shares nothing', async () => {
    await put('{');
    await mkdir(paths.state, { recursive: true });
    await writeFile(join(paths.state, 'config.last-good.json'), '}');
    await using store = await opened();
    expect(store.current).toEqual(defaultConfig);
  });

  test('what cannot be read is a problem, not an end', async () => {
    await mkdir(file, { recursive: true });
    await using store = await opened();
    expect(store.problem).toContain('EISDIR');
    await expect(store.update(withShare)).rejects.toMatchObject({ code: 'config-invalid' });
  });
});

describe('changing', () => {
  test('is on disk before it counts, for the next start too', async () => {
    await using store = await opened();
    const heard: Config[] = [];
    store.events.on('changed', (config) => heard.push(config));
    const changed = await store.update(withShare);
    expect(heard).toEqual([changed]);
    expect((await lstat(file)).mode & 0o777).toBe(0o600);
    await using again = await opened();
    expect(again.current).toEqual(changed);
  });

  test('calls at the same time are made one after the other', async () => {
    await using store = await opened();
    await Promise.all(Array.from({ length: 20 }, () => store.update(withShare)));
    expect(store.current.shares.map(({ name }) => name)).toEqual(Array.from({ length: 20 }, (_, at) => `s${at}`));
  });

  test('a change that throws, or breaks the schema, changes nothing and stops no later one', async () => {
    await using store = await opened();
    const fails = store.update(() => {
      throw new RangeError('mine');
    });
    const wrong = store.update((config) => ({ ...config, name: 'x'.repeat(64) }));
    const right = store.update(withShare);
    await expect(fails).rejects.toThrow('mine');
    await expect(wrong).rejects.toMatchObject({ code: 'bad-request' });
    expect((await right).shares).toHaveLength(1);
  });

  test('a change to the same is not written', async () => {
    await using store = await opened();
    await store.update((config) => ({ ...config }));
    await expect(lstat(file)).rejects.toThrow('ENOENT');
  });

  test('keeps what a person wrote since the last look', async () => {
    await using store = await opened();
    await put(valid);
    const { name, shares } = await store.update(withShare);
    expect(name).toBe('Ann');
    expect(shares).toHaveLength(2);
  });

  test('a folder that cannot be written is said, and the agent goes on', async () => {
    await writeFile(paths.config, 'a file where the folder should be');
    await using store = await openConfig({ ...paths, config: join(paths.config, 'below') }, { log: silentLog, clock });
    await expect(store.update(withShare)).rejects.toMatchObject({
      code: expect.stringMatching(/write-failed|config-invalid/),
    });
    expect(store.current).toEqual(defaultConfig);
  });

  test('a link stays a link', async () => {
    await mkdir(paths.config, { recursive: true });
    const target = join(home, 'dotfiles.json');
    await writeFile(target, valid, { mode: 0o644 });
    await symlink(target, file);
    await using store = await opened();
    await store.update(withShare);
    expect((await lstat(file)).isSymbolicLink()).toBe(true);
    expect((await lstat(target)).mode & 0o777).toBe(0o644);
    expect(JSON.parse(await readFile(target, 'utf8'))).toHaveProperty('shares.length', 2);
  });
});

describe('a file edited while the agent runs', () => {
  test('is taken over once it is still', async () => {
    await using store = await opened();
    const heard: (string | undefined)[] = [];
    store.events.on('changed', ({ name }) => heard.push(name));
    await put(valid);
    await look();
    expect(heard).toEqual([]);
    await look();
    expect(heard).toEqual(['Ann']);
  });

  test('half-written between two looks is never read', async () => {
    await using store = await opened();
    for (const end of [5, 20, 40, valid.length]) {
      await put(valid.slice(0, end));
      await look();
      expect(store.problem).toBeUndefined();
    }
    await look();
    expect(store.current.name).toBe('Ann');
  });

  test('broken leaves the one in use and tells; mended clears the problem', async () => {
    await put(valid);
    await using store = await opened();
    let heard = 0;
    store.events.on('changed', () => heard++);
    await put('{broken');
    await look();
    await look();
    expect(store.problem).toContain('column 2');
    expect(store.current.name).toBe('Ann');
    expect(heard).toBe(1);
    await put(valid);
    await look();
    await look();
    expect(store.problem).toBeUndefined();
    expect(heard).toBe(2);
    await store.update(withShare);
  });

  test('removed gives the defaults', async () => {
    await put(valid);
    await using store = await opened();
    await rm(file);
    await look();
    await look();
    expect(store.current).toEqual(defaultConfig);
  });

  test('touched without a change tells nobody', async () => {
    await put(valid);
    await using store = await opened();
    let heard = 0;
    store.events.on('changed', () => heard++);
    await utimes(file, 1, 1);
    await look();
    await look();
    expect(heard).toBe(0);
  });

  test('is not looked at after the end', async () => {
    const store = await opened();
    await store[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    expect(looks).toEqual([]);
  });
});

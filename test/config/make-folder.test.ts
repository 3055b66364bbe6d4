import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder } from '../../config/make-folder.ts';

describe('A folder of the agent', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nh-folder-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('is made with those above it, for its owner alone, and may be there already', async () => {
    const path = join(folder, 'a', 'b', 'c');
    for (let times = 0; times < 2; times++) await makeFolder(path);
    for (const made of [path, join(folder, 'a')]) expect((await stat(made)).mode & 0o777).toBe(0o700);
  });

  test('may be a link to one', async () => {
    await makeFolder(join(folder, 'real'));
    await symlink('real', join(folder, 'link'));
    await makeFolder(join(folder, 'link', 'inside'));
    expect((await stat(join(folder, 'real', 'inside'))).isDirectory()).toBe(true);
  });

  test('cannot be where a file is', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(makeFolder(join(folder, 'file'))).rejects.toThrow(/EEXIST/);
    await expect(makeFolder(join(folder, 'file', 'inside'))).rejects.toThrow(/ENOTDIR/);
  });

  test.runIf(process.platform === 'linux')('is refused, not tried for ever, where a system makes none', async () => {
    await expect(makeFolder('/proc/nethood/state')).rejects.toThrow(/ENOENT/);
  });
});

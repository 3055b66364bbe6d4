// needs: namespaces
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Journal } from '../../agent/base/journal.ts';
import { openLog, silentLog } from '../../agent/base/log.ts';
import { writeFileDurable } from '../../agent/base/write-file-durable.ts';
import { openConfig } from '../../config/load.ts';
import { pathsOf } from '../../config/paths.ts';

const run = promisify(execFile);
let disk: string;

/** A disk of 256 KiB. */
beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), 'nethood-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', disk]);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await run('umount', ['-l', disk]);
  await rm(disk, { recursive: true });
});

async function fill(): Promise<void> {
  const full = await writeFile(join(disk, 'filler'), Buffer.alloc(1 << 20)).then(
    () => 'not full',
    (error: NodeJS.ErrnoException) => error.code,
  );
  expect(full).toBe('ENOSPC');
}
const free = (): Promise<void> => rm(join(disk, 'filler'));

describe('on a full disk', () => {
  test('a journal refuses what it cannot keep, keeps what it has, and goes on when there is room', async () => {
    const path = join(disk, 'jobs.journal');
    const { journal } = await Journal.open(path);
    const kept: number[] = [];
    const text = 'x'.repeat(3_000);
    for (let at = 0; kept.length === at; at++) await journal.append({ at, text }).then(() => kept.push(at), refused);
    expect(kept.length).toBeGreaterThan(50);
    const refusals = await Promise.allSettled([journal.append({ at: -1, text }), journal.append({ at: -2, text })]);
    expect(refusals.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await journal[Symbol.asyncDispose]();

    const first = await Journal.open(path);
    expect(first.damaged).toBe(0);
    expect(first.records.map((record) => (record as { at: number }).at)).toEqual(kept);
    await expect(first.journal.rewrite(first.records)).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(first.journal.append({ at: -3, text })).rejects.toMatchObject({ code: 'ENOSPC' });
    await first.journal.rewrite([]).catch(() => run('mount', ['-o', 'remount,size=1m', disk]));
    await first.journal.append({ at: 'room' });
    await first.journal[Symbol.asyncDispose]();
    const second = await Journal.open(path);
    expect(second.records.at(-1)).toEqual({ at: 'room' });
    await second.journal[Symbol.asyncDispose]();
  });

  test('a durable write leaves the old content and nothing beside it', async () => {
    await writeFileDurable(join(disk, 'state.json'), 'old');
    await fill();
    await expect(writeFileDurable(join(disk, 'state.json'), 'x'.repeat(100_000))).rejects.toMatchObject({
      code: 'ENOSPC',
    });
    expect(await readFile(join(disk, 'state.json'), 'utf8')).toBe('old');
    expect((await readdir(disk)).toSorted((a, b) => a.localeCompare(b))).toEqual(['filler', 'state.json']);
  });

  test('the configuration cannot be changed, and says so; it can when there is room', async () => {
    const paths = pathsOf({ platform: 'linux', env: {}, userHome: disk, home: join(disk, 'home') });
    await using store = await openConfig(paths, { log: silentLog });
    await store.update((config) => ({ ...config, name: 'Ann' }));
    await fill();
    await expect(store.update((config) => ({ ...config, name: 'Bob' }))).rejects.toMatchObject({ code: 'no-space' });
    expect(store.current.name).toBe('Ann');
    await free();
    expect((await store.update((config) => ({ ...config, name: 'Bob' }))).name).toBe('Bob');
  });

  test('regression: the log loses lines, says so once, and is written again when there is room', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const log = openLog(join(disk, 'log'), 'info');
    log.info('before');
    await fill();
    for (let at = 0; at < 200; at++) {
      log.info({ text: 'x'.repeat(2_000) }, 'lost');
      if (at % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => stderr.mock.calls.length).toBe(1);
    await free();
    await expect
      .poll(
        async () => {
          log.info('after');
          return (await readFile(join(disk, 'log', 'agent.log'), 'utf8')).includes('"after"');
        },
        { timeout: 10_000 },
      )
      .toBe(true);
    await log[Symbol.asyncDispose]();
    expect(stderr.mock.calls.length).toBe(1);
  });
});

test('a configuration on a read-only disk is read, and cannot be changed', async () => {
  const paths = pathsOf({ platform: 'linux', env: {}, userHome: disk, home: join(disk, 'home') });
  const before = await openConfig(paths, { log: silentLog });
  await before.update((config) => ({ ...config, name: 'Ann' }));
  await before[Symbol.asyncDispose]();
  await run('mount', ['-o', 'remount,ro', disk]);
  await using store = await openConfig(paths, { log: silentLog });
  expect(store.current.name).toBe('Ann');
  await expect(store.update((config) => ({ ...config, name: 'Bob' }))).rejects.toMatchObject({
    code: 'write-failed',
    message: expect.stringContaining('EROFS'),
  });
  expect(store.current.name).toBe('Ann');
});

/** A refusal must be the disk's. */
function refused(error: unknown): void {
  expect(error).toMatchObject({ code: 'ENOSPC' });
}

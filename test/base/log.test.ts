import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openLog } from '../../agent/base/log.ts';
import { NethoodError } from '../../protocol/errors.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nethood-log-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

async function linesOf(write: (log: ReturnType<typeof openLog>) => void, level = 'info'): Promise<unknown[]> {
  const log = openLog(join(folder, 'log'), level);
  write(log);
  await log[Symbol.asyncDispose]();
  const text = await readFile(join(folder, 'log', 'agent.log'), 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}

describe('the log', () => {
  test('writes one JSON line a cause, with the part that says it; control characters stay escaped', async () => {
    const lines = await linesOf((log) => {
      log.child({ part: 'peers' }).warn({ name: 'a\n\u001b[31mb' }, 'Strange name.');
      log.debug('not at this level');
    });
    expect(lines).toEqual([expect.objectContaining({ part: 'peers', name: 'a\n\u001b[31mb', msg: 'Strange name.' })]);
  });

  test('never writes secrets, wherever they stand', async () => {
    const secret = 'c2VjcmV0';
    const values = [
      { token: secret },
      { secret },
      { queue: { secret } },
      { headers: { authorization: secret } },
      { request: { headers: { authorization: secret } } },
      { options: { password: secret }, privateKey: secret },
    ];
    const lines = await linesOf((log) => {
      for (const value of values) log.child({ part: 'x' }).info(value, 'something');
    });
    expect(lines).toHaveLength(values.length);
    expect(JSON.stringify(lines)).not.toContain(secret);
  });

  test('regression: an error is written with its message, code and cause', async () => {
    const cause = Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' });
    const lines = await linesOf((log) =>
      log.error({ error: new NethoodError('unreachable', 'Ann is away.', { cause }) }, 'x'),
    );
    expect(lines).toEqual([
      expect.objectContaining({
        error: expect.objectContaining({
          message: 'Ann is away.',
          code: 'unreachable',
          cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
        }),
      }),
    ]);
  });

  test('lies in a folder for its owner alone', async () => {
    await linesOf((log) => log.info('x'));
    expect((await stat(join(folder, 'log'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'log', 'agent.log'))).mode & 0o777).toBe(0o600);
  });

  test('stays below 30 MiB, however much is said', async () => {
    const log = openLog(folder, 'info');
    const text = 'x'.repeat(100_000);
    for (let at = 0; at < 600; at++) {
      log.info({ text, at }, 'much');
      if (at % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
    }
    await log[Symbol.asyncDispose]();
    const files = (await readdir(folder)).filter((name) => name.includes('agent.log'));
    const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(31 << 20);
    expect(files.length).toBeGreaterThan(3);
  });

  test('may be ended twice, and nothing breaks when somebody still writes', async () => {
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const log = openLog(folder, 'info');
    await log[Symbol.asyncDispose]();
    await log[Symbol.asyncDispose]();
    log.info('late');
    log.info('later');
    await new Promise((resolve) => setImmediate(resolve));
    expect(stderr.mock.calls.length).toBeLessThanOrEqual(1);
  });
});

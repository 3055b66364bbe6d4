import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import { Emitter } from '../../agent/base/emitter.ts';
import type { TransferView } from '../../protocol/control.ts';
import { type FakeAgent, type FakeOptions, startFakeAgent } from '../control/fake-agent.ts';
import { transfer } from '../control/samples.ts';
import { until } from '../office/until.ts';
import { cli, cliJson } from './support.ts';

let scope: Scope;
let folder: string;
beforeEach(async () => {
  scope = new Scope();
  folder = await mkdtemp(join(tmpdir(), 'nh-get-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
});
afterEach(() => scope[Symbol.asyncDispose]());

const start = async (options?: FakeOptions): Promise<FakeAgent> => scope.use(await startFakeAgent(options));

const done: TransferView = {
  ...transfer,
  state: 'done',
  files: 1,
  bytes: 1_000_000,
  resumedFrom: 250_000,
  seconds: 3,
  skipped: 2,
  limit: 'network',
};

const cancelledTransfer: TransferView = {
  ...transfer,
  state: 'cancelled',
  error: { code: 'cancelled', message: '"Anna/Projects/big.bin" is cancelled; what has come is kept.' },
};

const ending = (...views: TransferView[]): FakeOptions => ({
  streams: {
    'transfer-watch': async function* () {
      yield* views;
    },
  },
});

describe('get', () => {
  it('gives its document, of what is on disk in the end', async () => {
    const agent = await start(ending(transfer, done));
    expect(await cliJson(agent, 'get', 'anna/Projects/big.bin', folder)).toEqual({
      code: 0,
      document: {
        path: '/home/me/big.bin',
        files: 1,
        bytes: 1_000_000,
        seconds: 3,
        resumedFrom: 250_000,
        skipped: 2,
        limit: 'network',
      },
    });
    expect(agent.asked).toEqual([
      { call: 'get', request: { neighbour: 'anna', share: 'Projects', path: 'big.bin', destination: folder } },
    ]);
  });

  it('puts into the present folder where no other is named, and resolves what is named against it', async () => {
    const agent = await start();
    const destination = async (...more: string[]): Promise<unknown> => {
      await cli(['get', 'anna/Projects/a/b c', ...more], { home: agent.home, cwd: folder });
      return (agent.asked.at(-1)?.request as { destination: string } | undefined)?.destination;
    };
    expect(await destination()).toBe(folder);
    expect(await destination('.')).toBe(folder);
    expect(await destination('new name')).toBe(join(folder, 'new name'));
    expect(await destination('../x')).toBe(join(folder, '..', 'x'));
    expect(await destination(`${folder}/`)).toBe(folder);
    expect(agent.asked[0]?.request).toMatchObject({ share: 'Projects', path: 'a/b c' });
  });

  it('takes a whole share', async () => {
    const agent = await start();
    await cli(['get', 'anna/Projects'], { home: agent.home, cwd: folder });
    expect(agent.asked[0]?.request).toMatchObject({ share: 'Projects', path: '' });
  });

  it('does not make a folder out of a slash', async () => {
    const agent = await start();
    const { code, document } = await cliJson(agent, 'get', 'anna/Projects/x', join(folder, 'missing/'));
    expect([code, document]).toMatchObject([4, { error: { code: 'not-a-folder' } }]);
    expect(agent.asked).toEqual([]);
  });

  it('is quiet without a terminal, but for its one sentence', async () => {
    const agent = await start(ending(transfer, done));
    const { stdout, stderr } = await cli(['get', 'anna/Projects/big.bin'], { home: agent.home, cwd: folder });
    expect(stdout).toBe(
      '/home/me/big.bin: 1 file, 1.0 MB in 0:03, 250 kB/s (limit: the network), 250 kB of it there already.\n',
    );
    expect(stderr).toBe('2 links, special files or closed folders were left out.\n');
  });

  it('names no rate where nothing came', async () => {
    const agent = await start(ending({ ...done, resumedFrom: done.bytes, seconds: 2, limit: null, skipped: 0 }));
    const { stdout } = await cli(['get', 'anna/Projects/x.txt'], { home: agent.home, cwd: folder });
    expect(stdout).toBe('/home/me/big.bin: 1 file, 1.0 MB in 0:02, all there already.\n');
  });

  it('names no rate for what was over at once', async () => {
    const agent = await start(ending({ ...done, bytes: 6, resumedFrom: 0, seconds: 0.02, skipped: 0 }));
    const { stdout } = await cli(['get', 'anna/Projects/x.txt'], { home: agent.home, cwd: folder });
    expect(stdout).toBe('/home/me/big.bin: 1 file, 6 B.\n');
  });

  it('shows its progress on a terminal, and takes it away in the end', async () => {
    const agent = await start(ending(transfer, done));
    const { stderr } = await cli(['get', 'anna/Projects/big.bin'], { home: agent.home, cwd: folder, terminal: true });
    expect(stderr).toContain('\rbig.bin  [##########----------]  50 %  500 kB of 1.0 MB  250 kB/s');
    expect(stderr).toContain('\r\u001b[K2 links');
  });

  it.each([
    ['no-space', 7],
    ['changed', 8],
    ['unreachable', 6],
    ['not-found', 4],
    ['write-failed', 1],
  ] as const)('that failed with %s ends with %i and its sentence', async (code, exit) => {
    const agent = await start(ending({ ...transfer, state: 'failed', error: { code, message: 'Why.' } }));
    expect(await cliJson(agent, 'get', 'anna/Projects/x', folder)).toEqual({
      code: exit,
      document: { error: { code, message: 'Why.' } },
    });
  });

  it('that another command cancelled says so, exit 6', async () => {
    const agent = await start(ending(cancelledTransfer));
    expect(await cliJson(agent, 'get', 'anna/Projects/x', folder)).toMatchObject({
      code: 6,
      document: { error: { code: 'cancelled' } },
    });
  });

  it('whose agent stops ends with interrupted, exit 6, however the stream ends', async () => {
    const message = 'The agent stopped before "Anna/Projects/big.bin" was whole; the same command goes on.';
    const ended = await start(ending(transfer));
    expect(await cliJson(ended, 'get', 'anna/Projects/x', folder)).toMatchObject({
      code: 6,
      document: { error: { code: 'interrupted', message } },
    });
    const broken = await start({
      streams: {
        'transfer-watch': async function* (_request, signal) {
          yield transfer;
          const stopped = new Promise((resolve) => signal.addEventListener('abort', resolve));
          void broken.server[Symbol.asyncDispose]();
          await stopped;
          throw new Error('the agent is gone');
        },
      },
    });
    expect(await cliJson(broken, 'get', 'anna/Projects/x', folder)).toMatchObject({
      code: 6,
      document: { error: { code: 'interrupted', message } },
    });
  });
});

describe('Ctrl-C', () => {
  it('cancels the transfer in the agent, and the agent says how it ended', async () => {
    const interrupt = new AbortController();
    const cancelled = new Emitter<{ cancel: [] }>();
    const agent = await start({
      calls: {
        'transfer-cancel': async () => {
          cancelled.emit('cancel');
          return cancelledTransfer;
        },
      },
      streams: {
        'transfer-watch': async function* () {
          yield transfer;
          const cancel = new Promise<void>((resolve) => void cancelled.on('cancel', resolve));
          interrupt.abort();
          await cancel;
          yield cancelledTransfer;
        },
      },
    });
    const { code, stderr } = await cli(['get', 'anna/Projects/big.bin', folder], {
      home: agent.home,
      interrupt: interrupt.signal,
    });
    expect([code, stderr]).toEqual([6, 'nethood: "Anna/Projects/big.bin" is cancelled; what has come is kept.\n']);
    expect(agent.asked.map(({ call }) => call)).toEqual(['get', 'transfer-cancel']);
  });

  it('before the transfer began ends the call', async () => {
    const interrupt = new AbortController();
    let left = false;
    const agent = await start({
      calls: {
        get: (_request, signal) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              left = true;
              reject(signal.reason as Error);
            });
            interrupt.abort();
          }),
      },
    });
    const { code } = await cli(['get', 'anna/Projects/big.bin', folder], {
      home: agent.home,
      interrupt: interrupt.signal,
    });
    expect(code).toBe(6);
    await until(() => left, { what: 'the agent to notice', withinMs: 2000, everyMs: 5 });
  });
});

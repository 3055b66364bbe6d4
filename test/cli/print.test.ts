import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Scope } from '../../agent/base/scope.ts';
import type { JobView } from '../../protocol/control.ts';
import { NethoodError } from '../../protocol/errors.ts';
import type { PrintQuery } from '../../protocol/print-order.ts';
import { type FakeAgent, type FakeOptions, startFakeAgent } from '../control/fake-agent.ts';
import { job } from '../control/samples.ts';
import { cli, cliJson } from './support.ts';

let scope: Scope;
let folder: string;
let file: string;
let printed: { query: PrintQuery; bytes: Buffer }[];
beforeEach(async () => {
  scope = new Scope();
  printed = [];
  folder = await mkdtemp(join(tmpdir(), 'nh-print-'));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  file = join(folder, 'an offer.pdf');
  await writeFile(file, '%PDF-1.7 hello');
});
afterEach(() => scope[Symbol.asyncDispose]());

async function start(...states: Partial<JobView>[]): Promise<FakeAgent> {
  const options: FakeOptions = {
    async print(query, document) {
      const chunks: Buffer[] = [];
      for await (const chunk of document) chunks.push(chunk as Buffer);
      printed.push({ query, bytes: Buffer.concat(chunks) });
      return { ...job, name: query.name };
    },
    streams: {
      'job-watch': async function* () {
        for (const state of states) yield { ...job, ...state };
      },
    },
  };
  return scope.use(await startFakeAgent(options));
}

async function* broken(): AsyncGenerator<Buffer> {
  yield Buffer.from('half');
  await Promise.resolve();
  throw new Error('the disk is gone');
}

describe('print', () => {
  it('sends the whole document, and returns when it is in the spool', async () => {
    const agent = await start();
    expect(await cliJson(agent, 'print', file, '--on', 'Anna/plotter', '--copies', '3')).toEqual({
      code: 0,
      document: { job: 12, state: 'pending', printer: 'Anna/plotter' },
    });
    expect(printed).toEqual([
      { query: { on: 'Anna/plotter', name: 'an offer.pdf', copies: 3 }, bytes: Buffer.from('%PDF-1.7 hello') },
    ]);
  });

  it('sends several documents, each as a job of its own', async () => {
    const agent = await start();
    const second = join(folder, 'b.txt');
    await writeFile(second, 'text');
    const { document } = await cliJson(
      agent,
      'print',
      file,
      second,
      '--on',
      'Anna/plotter',
      '--sides',
      'two',
      '--hold',
    );
    expect(document).toEqual([
      { job: 12, state: 'pending', printer: 'Anna/plotter' },
      { job: 12, state: 'pending', printer: 'Anna/plotter' },
    ]);
    const ticket = { on: 'Anna/plotter', copies: 1, sides: 'two-sided-long-edge', hold: true };
    expect(printed.map(({ query }) => query)).toEqual([
      { ...ticket, name: 'an offer.pdf' },
      { ...ticket, name: 'b.txt' },
    ]);
  });

  it('prints none of several documents where one is not there', async () => {
    const agent = await start();
    const answer = await cliJson(agent, 'print', file, join(folder, 'missing.pdf'), '--on', 'Anna/plotter');
    expect(answer).toMatchObject({ code: 4, document: { error: { code: 'not-found' } } });
    expect(printed).toEqual([]);
  });

  it('says which of several documents are in the spool when a later one is refused', async () => {
    const second = join(folder, 'b.txt');
    await writeFile(second, 'text');
    const agent = scope.use(
      await startFakeAgent({
        async print(query, document) {
          document.resume();
          if (query.name === 'b.txt') throw new NethoodError('bad-document', 'b.txt is not a document.');
          return job;
        },
      }),
    );
    const { code, stderr } = await cli(['print', file, second, '--on', 'Anna/plotter'], { home: agent.home });
    expect(code).not.toBe(0);
    expect(stderr).toBe('nethood: b.txt is not a document. Already in the spool: job 12.\n');
  });

  it('says where the job is', async () => {
    const agent = await start();
    const { stdout } = await cli(['print', 'an offer.pdf', '--on', 'Anna/plotter'], { home: agent.home, cwd: folder });
    expect(stdout).toBe('Job 12: "an offer.pdf" is in the spool (Anna/plotter, pending).\n');
  });

  it('follows the job to its end with --wait', async () => {
    const agent = await start({ state: 'processing' }, { state: 'completed', pages: 2 });
    const { document } = await cliJson(agent, 'print', file, '--on', 'Anna/plotter', '--wait');
    expect(document).toEqual({ job: 12, state: 'completed', printer: 'Anna/plotter' });
    const seen = await cli(['print', file, '--on', 'Anna/plotter', '--wait'], { home: agent.home, terminal: true });
    expect(seen.stderr).toContain('Job 12: processing');
    expect(seen.stdout).toContain('is printed');
  });

  it.each([
    [
      { state: 'aborted', message: 'The printer does not take this format.' },
      1,
      'job-failed',
      'was given up: The printer does not take this format.',
    ],
    [
      { state: 'aborted', stateReasons: ['document-format-error'] },
      1,
      'job-failed',
      'was given up: document-format-error.',
    ],
    [{ state: 'canceled' }, 6, 'cancelled', 'was cancelled.'],
    [{ state: 'processing' }, 6, 'interrupted', 'the job is kept'],
  ] as const)('with --wait fails where the job ends as %j', async (end, exit, code, message) => {
    const agent = await start({ ...end, stateReasons: [...('stateReasons' in end ? end.stateReasons : [])] });
    const answer = await cliJson(agent, 'print', file, '--on', 'Anna/plotter', '--wait');
    expect(answer).toMatchObject({ code: exit, document: { error: { code } } });
    expect((answer.document as { error: { message: string } }).error.message).toContain(message);
  });

  it('leaves the job alone when Ctrl-C ends the waiting', async () => {
    const interrupt = new AbortController();
    const agent = scope.use(
      await startFakeAgent({
        print: async () => job,
        streams: {
          'job-watch': async function* (_request, signal) {
            yield job;
            const left = new Promise((resolve) => signal.addEventListener('abort', resolve));
            interrupt.abort();
            await left;
          },
        },
      }),
    );
    const argv = ['print', file, '--on', 'Anna/plotter', '--wait'];
    const { code, stderr } = await cli(argv, { home: agent.home, interrupt: interrupt.signal });
    expect([code, stderr]).toEqual([
      6,
      'nethood: Job 12 goes on without being watched; `nethood job cancel 12` ends it.\n',
    ]);
    expect(agent.asked).toEqual([]);
  });

  it('reads standard input', async () => {
    const agent = await start();
    const stdin = Readable.from([Buffer.from('from '), Buffer.from('a pipe')]);
    expect((await cli(['print', '-', '--on', 'laser'], { home: agent.home, stdin })).code).toBe(0);
    expect(printed).toEqual([{ query: { on: 'laser', name: 'stdin', copies: 1 }, bytes: Buffer.from('from a pipe') }]);
  });

  it('says what is wrong with a file, and prints nothing', async () => {
    await mkdir(join(folder, 'sub'));
    const agent = await start();
    const codeOf = async (path: string): Promise<unknown> => {
      const { code, document } = await cliJson(agent, 'print', join(folder, path), '--on', 'laser');
      return [code, (document as { error: { code: string } }).error.code];
    };
    expect(await codeOf('none.pdf')).toEqual([4, 'not-found']);
    expect(await codeOf('an offer.pdf/x')).toEqual([4, 'not-found']);
    expect(await codeOf('sub')).toEqual([4, 'not-a-file']);
    expect(printed).toEqual([]);
    expect((await cliJson({ home: '/nonexistent' }, 'print', file, '--on', 'laser')).code).toBe(3);
  });

  it("gives the agent's reason for a large document that it does not want", async () => {
    await writeFile(file, Buffer.alloc(32 << 20, 'x'));
    const refusing = await startFakeAgent({
      print: () => Promise.reject(new NethoodError('not-found', 'No printer "b".')),
    });
    const agent = scope.use(refusing);
    expect(await cliJson(agent, 'print', file, '--on', 'a/b')).toEqual({
      code: 4,
      document: { error: { code: 'not-found', message: 'No printer "b".' } },
    });
  });

  it('says read-failed where the document breaks off on this side', async () => {
    const agent = await start();
    const { code, stderr } = await cli(['print', '-', '--on', 'laser'], {
      home: agent.home,
      stdin: Readable.from(broken()),
    });
    expect([code, stderr]).toEqual([1, 'nethood: "stdin" cannot be read: the disk is gone.\n']);
    expect(printed).toEqual([]);
  });
});

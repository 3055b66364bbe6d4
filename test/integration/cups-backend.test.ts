// needs: cups
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCupsBackend } from '../../agent/platform/cups.ts';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { integer, keyword, stringsOf } from '../../agent/printing/ipp-attributes.ts';
import type { BackendJob, Document, PrintBackend } from '../../agent/printing/print-backend.ts';
import { hasCode } from '../../protocol/errors.ts';
import { QueueName } from '../../protocol/ids.ts';
import { documentOf, newUuid, testPrintBackend } from '../conformance/print-backend.ts';
import { startCups, type CupsServer } from '../office/cups.ts';
import { until } from '../office/until.ts';

const run = promisify(execFile);
const laser = QueueName.parse('laser');
const broken = QueueName.parse('broken');
const signal = AbortSignal.timeout(600_000);

/** One page, made by ghostscript. */
async function makePdf(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'nh-pdf-'));
  try {
    const page = '/Helvetica findfont 24 scalefont setfont 72 720 moveto (A page for the neighbour) show showpage';
    const file = join(folder, 'page.pdf');
    await run('gs', ['-q', '-dNOPAUSE', '-dBATCH', '-sDEVICE=pdfwrite', `-sOutputFile=${file}`, '-c', page]);
    return await readFile(file);
  } finally {
    await rm(folder, { recursive: true });
  }
}

let pdf: Buffer;
const document = (name?: string): Document => documentOf({ document: { bytes: pdf, format: 'application/pdf' } }, name);
beforeAll(async () => {
  pdf = await makePdf();
});

function backendOf(cups: CupsServer, instances: readonly string[] = []): PrintBackend {
  return createCupsBackend({
    env: { CUPS_SERVER: cups.server },
    clock: systemClock,
    log: silentLog,
    instances: () => new Set(instances),
  });
}

async function follow(backend: PrintBackend, { reference }: { reference: string }): Promise<BackendJob[]> {
  const states: BackendJob[] = [];
  for await (const state of backend.watch(laser, reference, signal)) states.push(state);
  return states;
}

testPrintBackend('CUPS', async () => {
  const cups = await startCups();
  return {
    backend: backendOf(cups),
    queue: laser,
    document: { bytes: pdf, format: 'application/pdf' },
    printed: async () => (await cups.printed()).length,
    hold: () => cups.setDelay(60),
    holdsJobs: true,
    [Symbol.asyncDispose]: () => cups[Symbol.asyncDispose](),
  };
});

describe('The backend of CUPS', () => {
  let cups: CupsServer;
  let backend: PrintBackend;

  beforeAll(async () => {
    cups = await startCups();
    backend = backendOf(cups);
  });
  afterAll(() => cups[Symbol.asyncDispose]());

  test('prints a PDF as a PDF, under its name and its user', async () => {
    const job = await backend.submit(laser, document('Bericht für Anna'), signal);
    const states = await follow(backend, job);
    expect(states.at(-1)).toMatchObject({ state: 'completed', stateReasons: ['job-completed-successfully'] });
    expect(states.at(-1)?.pagesCompleted).toBeGreaterThanOrEqual(1);
    const [file = ''] = await cups.printed();
    expect((await cups.printedFile(file)).subarray(0, 5).toString()).toBe('%PDF-');
    expect((await cups.printedWith('titles')).at(-1)).toContain('Bericht für Anna');
    expect(await cups.command('lpstat', '-W', 'completed', '-o')).toContain('anna');
  });

  test('hands on the copies that were asked for, and no option that a stranger invented', async () => {
    const template = new Map([
      ['copies', integer(2)],
      ['sides', keyword('two-sided-long-edge')],
      ['job-hold-until', keyword('indefinite')],
      ['ColorModel', keyword('Gray')],
      ['number-up', keyword('nonsense')],
    ]);
    const job = await backend.submit(laser, { ...document(), template }, signal);
    expect((await follow(backend, job)).at(-1)?.state).toBe('completed');
    const options = (await cups.printedWith('options')).at(-1);
    expect(options).toContain('sides=two-sided-long-edge');
    expect(options).not.toMatch(/ColorModel=|number-up=|job-hold-until=/);
  });

  test.each([
    ['a line break and an escape', 'two\nlines \u001b[31mred'],
    ['600 bytes', 'é'.repeat(300)],
    ['nothing but spaces', '   '],
    ['quotes and a dollar', `"'$(reboot)\``],
  ])('prints a document whose name has %s', async (_, name) => {
    const before = (await cups.printed()).length;
    const job = await backend.submit(laser, document(name), signal);
    expect((await follow(backend, job)).at(-1)?.state).toBe('completed');
    expect(await cups.printed()).toHaveLength(before + 1);
  });

  test('refuses a format that the queue cannot print', async () => {
    const strange = { ...document(), format: 'application/x-nonsense' };
    await expect(backend.submit(laser, strange, signal)).rejects.toSatisfy((error) => hasCode(error, 'bad-document'));
  });

  test('tells what stopped a queue, and the job waits there', async () => {
    const job = await backend.submit(broken, document(), signal);
    await using states = watching(backend, job);
    await until(
      async () => {
        const queue = (await backend.list(signal)).find(({ id }) => id === broken);
        return queue?.state === 'stopped' && queue.stateReasons.includes('media-empty-error');
      },
      { what: 'the queue to stop', withinMs: 10_000 },
    );
    await until(() => states.last?.stateReasons.includes('media-empty-error'), {
      what: 'the job to say so',
      withinMs: 10_000,
    });
    expect(states.last?.state).not.toBe('completed');
    await backend.cancel(broken, job.reference, signal);
    await until(() => states.last?.state === 'canceled', { what: 'its cancellation', withinMs: 10_000 });
  });

  test('sends a big document without keeping it in memory', async () => {
    const size = 256 * 2 ** 20;
    const piece = randomBytes(2 ** 16);
    const hash = createHash('sha256');
    const pieces = function* (): Iterable<Buffer> {
      for (let sent = 0; sent < size; sent += piece.length) {
        hash.update(piece);
        yield piece;
      }
    };
    const big = { ...document(), format: 'application/vnd.cups-raw', bytes: size, open: () => Readable.from(pieces()) };
    const before = new Set(await cups.printed());
    const started = process.memoryUsage().rss;
    const job = await backend.submit(laser, big, signal);
    expect(process.memoryUsage().rss - started).toBeLessThan(100 * 2 ** 20);
    expect((await follow(backend, job)).at(-1)?.state).toBe('completed');
    const file = (await cups.printed()).find((name) => !before.has(name)) ?? '';
    const printed = createHash('sha256')
      .update(await cups.printedFile(file))
      .digest('hex');
    expect(printed).toBe(hash.digest('hex'));
  });

  test('never offers queues again that lead to an agent, and other network queues yes', async () => {
    const queues = {
      gateway: 'ipp://nethood:0123456789abcdef@127.0.0.1:6630/ipp/print/x/laser',
      front: 'ipp://10.20.0.7:6642/ipp/print/laser',
      named: 'ipps://nh-k3q7x2mf.local:6632/ipp/print/laser',
      found: 'dnssd://Lab%20PDF%20(Anna%20on%20pc1)._ipps._tcp.local/?uuid=1',
      office: 'ipp://10.20.0.9:631/ipp/print',
      application: 'ipp://127.0.0.1:8000/ipp/print/laser',
      raw: 'socket://10.20.0.8:9100',
    };
    for (const [queue, place] of Object.entries(queues)) await cups.command('lpadmin', '-p', queue, '-E', '-v', place);
    const listed = await backendOf(cups, ['Lab PDF (Anna on pc1)']).list(signal);
    const shareable = listed.filter(({ unshareable }) => unshareable === undefined).map(({ id }) => id);
    expect(shareable.toSorted()).toEqual(['application', 'broken', 'laser', 'office', 'raw']);
    for (const queue of Object.keys(queues)) await cups.command('lpadmin', '-x', queue);
  });

  test('gives the media database, which CUPS gives only when it is asked by name', async () => {
    const attributes = await backend.describe(laser, signal);
    expect(attributes.get('media-col-database')?.[0]?.tag).toBe('collection');
    expect(stringsOf(attributes, 'media-supported')).toContain('iso_a4_210x297mm');
  });

  test('finds a job among more than CUPS tells at once', async () => {
    await cups.command('cupsdisable', 'laser');
    const tiny = { document: { bytes: Buffer.from('x'), format: 'text/plain' } };
    const first = documentOf(tiny);
    await backend.submit(laser, first, signal);
    for (let sent = 0; sent < 520; sent++) await backend.submit(laser, documentOf(tiny), signal);
    const last = documentOf(tiny);
    const { reference } = await backend.submit(laser, last, signal);
    expect((await backend.find(laser, last.uuid, signal))?.reference).toBe(reference);
    expect(await backend.find(laser, first.uuid, signal)).toMatchObject({ state: 'pending' });
    expect(await backend.find(laser, newUuid(), signal)).toBeUndefined();
    await cups.command('cancel', '-a', 'laser');
    await cups.command('cupsenable', 'laser');
  });
});

describe('A print system that comes and goes', () => {
  test('is unavailable in one sentence where there is none', async () => {
    const backend = createCupsBackend({
      env: { CUPS_SERVER: '/nowhere/cups.sock' },
      clock: systemClock,
      log: silentLog,
      instances: () => new Set(),
    });
    await expect(backend.list(signal)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'The print system at /nowhere/cups.sock cannot be reached (ENOENT).',
    });
    let opened = false;
    const bytes = document();
    const watched = { ...bytes, open: () => ((opened = true), bytes.open()) };
    await expect(backend.submit(laser, watched, signal)).rejects.toMatchObject({ code: 'unreachable' });
    expect(opened).toBe(false);
  });

  test('is found by host and port as well as by its socket', async () => {
    await using cups = await startCups();
    const deps = { clock: systemClock, log: silentLog, instances: () => new Set<string>() };
    const backend = createCupsBackend({ ...deps, env: { CUPS_SERVER: `127.0.0.1:${cups.port}` } });
    expect((await backend.list(signal)).map(({ id }) => id)).toContain(laser);
  });

  test('may be restarted while a job waits: it is followed further, and comes out once', async () => {
    await using cups = await startCups();
    const backend = backendOf(cups);
    await cups.command('cupsdisable', 'laser');
    const sent = document();
    const job = await backend.submit(laser, sent, signal);
    await cups.stop();
    await expect(follow(backend, job)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(backend.find(laser, sent.uuid, signal)).rejects.toMatchObject({ code: 'unavailable' });
    await cups.up();
    expect((await backend.find(laser, sent.uuid, signal))?.state).toBe('pending');
    await cups.command('cupsenable', 'laser');
    expect((await follow(backend, job)).at(-1)?.state).toBe('completed');
    expect(await cups.printed()).toHaveLength(1);
  });

  test('that forgot a job when it was killed does not pass off another job with its number', async () => {
    await using cups = await startCups();
    const backend = backendOf(cups);
    await cups.command('cupsdisable', 'laser');
    const lost = document();
    const { reference } = await backend.submit(laser, lost, signal);
    await cups.kill();
    await cups.up();
    await backend.submit(laser, document(), signal);
    expect(await backend.find(laser, lost.uuid, signal)).toBeUndefined();
    await expect(follow(backend, { reference })).rejects.toMatchObject({ code: 'not-found' });
    await expect(backend.cancel(laser, reference, signal)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('that breaks off in the middle leaves the job to be found or sent again', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.destroy());
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const backend = createCupsBackend({
      env: { CUPS_SERVER: `127.0.0.1:${port}` },
      clock: systemClock,
      log: silentLog,
      instances: () => new Set(),
    });
    await expect(backend.submit(laser, document(), signal)).rejects.toMatchObject({ code: 'unreachable' });
    await new Promise((resolve) => void server.close(resolve));
  });

  test('with the usual private jobs still lets an agent cancel what it sent for somebody else', async () => {
    await using cups = await startCups({ delay: 60, env: { POLICY: 'usual' } });
    const backend = backendOf(cups);
    const job = await backend.submit(laser, document(), signal);
    await backend.cancel(laser, job.reference, signal);
    expect((await follow(backend, job)).at(-1)?.state).toBe('canceled');
  });
});

/** Watches in the background and keeps the last state. */
function watching(backend: PrintBackend, { reference }: { reference: string }) {
  const ended = new AbortController();
  const watcher = {
    last: undefined as BackendJob | undefined,
    async [Symbol.asyncDispose]() {
      ended.abort();
      await done;
    },
  };
  const done = (async () => {
    for await (const state of backend.watch(laser, reference, ended.signal)) watcher.last = state;
  })().catch((error: unknown) => {
    if (!ended.signal.aborted) throw error;
  });
  return watcher;
}

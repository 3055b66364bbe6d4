// needs: cups
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { createCupsBackend } from '../../agent/platform/cups.ts';
import type { BackendJob, Document, PrintBackend } from '../../agent/printing/print-backend.ts';
import { hasCode } from '../../protocol/errors.ts';
import { QueueName } from '../../protocol/ids.ts';
import { documentOf, newUuid } from '../conformance/print-backend.ts';
import { count } from '../office/counts.ts';
import { startCups, type CupsOptions, type CupsServer } from '../office/cups.ts';
import { ToldPrinter } from '../office/told-printer.ts';
import { until } from '../office/until.ts';

const laser = QueueName.parse('laser');
const signal = AbortSignal.timeout(600_000);

/** Passed on by CUPS as it is, so that no filter's messages mix with the device's. */
const raw = (name?: string): Document =>
  documentOf({ document: { bytes: Buffer.from('x'), format: 'application/vnd.cups-raw' } }, name);

let cups: CupsServer;
let backend: PrintBackend;
let told: ToldPrinter;
/** How often the backend said that queues may have changed. */
let changes: number;

async function start(options: CupsOptions = {}, policy?: string): Promise<void> {
  cups = await startCups(options);
  told = await ToldPrinter.add(cups, policy);
  backend = createCupsBackend({
    env: { CUPS_SERVER: cups.server },
    clock: systemClock,
    log: silentLog,
    instances: () => new Set(),
  });
  changes = 0;
  backend.onChange?.(() => changes++);
  await backend.list(signal);
}

async function end(): Promise<void> {
  await backend[Symbol.asyncDispose]();
  await cups[Symbol.asyncDispose]();
}

/** Watches in the background, and keeps what was said. */
class Watcher implements AsyncDisposable {
  readonly states: BackendJob[] = [];
  readonly #ended = new AbortController();
  readonly #done: Promise<unknown>;
  error: unknown;

  constructor({ reference }: BackendJob, queue = told.queue) {
    this.#done = this.#watch(queue, reference).catch((error: unknown) => (this.error = error));
  }

  get last(): BackendJob | undefined {
    return this.states.at(-1);
  }

  async until(what: string, look: (job: BackendJob) => boolean | undefined): Promise<BackendJob> {
    await until(() => this.last !== undefined && look(this.last) === true, {
      what: () => `${what}, after ${JSON.stringify(this.states)} ${String(this.error)}`,
      withinMs: 20_000,
    });
    return this.last as BackendJob;
  }

  async #watch(queue: QueueName, reference: string): Promise<void> {
    for await (const state of backend.watch(queue, reference, this.#ended.signal)) this.states.push(state);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#done;
  }
}

const hasReason = (reason: string) => (job: BackendJob) => job.stateReasons.includes(reason);

/** In CUPS. */
function numberOf(job: BackendJob | undefined): number {
  return (JSON.parse(job?.reference ?? '[0]') as [number])[0];
}

/** It exits with 1 where there are none. */
const subscriptions = (): Promise<string> =>
  cups
    .command('ipptool', '-tv', `ipp://127.0.0.1:${cups.port}/`, 'get-subscriptions.test')
    .catch((error: { stdout: string }) => error.stdout);

describe('A job in CUPS', () => {
  beforeEach(() => start({ env: { POLICY: 'usual', RETRY_INTERVAL: '1', RETRY_LIMIT: '1' } }));
  afterEach(end);

  test('tells what its device says, page by page', async () => {
    const job = await backend.submit(told.queue, raw(), signal);
    await using watcher = new Watcher(job);
    await told.tell('say STATE: +media-jam-error', 'say PAGE: 1 1', 'say INFO: Page one is stuck');
    expect(await watcher.until('the jam', hasReason('media-jam-error'))).toMatchObject({ state: 'processing' });
    await watcher.until('the page', ({ pagesCompleted }) => pagesCompleted === 1);
    await watcher.until('the words', ({ message }) => message === 'Page one is stuck');
    await told.tell('say STATE: -media-jam-error', 'say STATE: +door-open-report');
    await watcher.until('the door', (now) => hasReason('door-open-report')(now) && !hasReason('media-jam-error')(now));
    await told.tell('say STATE: -door-open-report', 'say PAGE: 2 1', 'exit 0');
    const last = await watcher.until('its end', ({ state }) => state === 'completed');
    expect(last).toMatchObject({ pagesCompleted: 2, stateReasons: ['job-completed-successfully'] });
    expect(await told.printed()).toHaveLength(1);
  });

  test('whose device is away says that it is offline, though CUPS says so in words alone', async () => {
    // Nobody listens there.
    const away = QueueName.parse('away');
    await cups.command('lpadmin', '-p', away, '-E', '-v', 'socket://127.0.0.1:1');
    const job = await backend.submit(away, raw(), signal);
    await using watcher = new Watcher(job, away);
    await watcher.until('offline', hasReason('offline-report'));
    const queue = (await backend.list(signal)).find(({ id }) => id === away);
    expect(queue).toMatchObject({ state: 'processing', stateReasons: ['offline-report'] });
    await backend.cancel(away, job.reference, signal);
    await watcher.until('its end', ({ state }) => state === 'canceled');
  });

  test('waits and says why while its queue is disabled, and goes on from the first page', async () => {
    const job = await backend.submit(told.queue, raw(), signal);
    await using watcher = new Watcher(job);
    await told.tell('say PAGE: 1 1');
    await watcher.until('a page', ({ pagesCompleted }) => pagesCompleted === 1);
    await cups.command('cupsdisable', told.queue);
    const waiting = await watcher.until('the stop', hasReason('printer-stopped'));
    expect(waiting).toMatchObject({
      state: 'processing-stopped',
      message: 'The queue is stopped in the print system.',
    });
    await cups.command('cupsenable', told.queue);
    await watcher.until('that it prints again', ({ state }) => state === 'processing');
    await told.tell('say PAGE: 1 1', 'exit 0');
    expect(await watcher.until('its end', ({ state }) => state === 'completed')).toMatchObject({ pagesCompleted: 1 });
    expect(await told.printed()).toHaveLength(1);
  });

  test('is not handed over while its queue rejects jobs', async () => {
    await cups.command('cupsreject', told.queue);
    await expect(backend.submit(told.queue, raw(), signal)).rejects.toSatisfy((error) => hasCode(error, 'unreachable'));
    const queue = (await backend.list(signal)).find(({ id }) => id === told.queue);
    expect(queue?.accepting).toBe(false);
  });

  test('that an operator cancels there is cancelled', async () => {
    const job = await backend.submit(told.queue, raw(), signal);
    await using watcher = new Watcher(job);
    await told.reached();
    await cups.command('cancel', '-a', told.queue);
    const last = await watcher.until('its end', ({ state }) => state === 'canceled');
    expect(last.gaveUp).toBeUndefined();
  });

  test('that an operator moves is followed to the other queue, which prints it', async () => {
    await cups.command('cupsdisable', told.queue);
    const job = await backend.submit(told.queue, raw(), signal);
    await using watcher = new Watcher(job);
    await cups.setDelay(2);
    await cups.command('lpmove', told.queue, laser);
    await watcher.until('the move', ({ message }) => message === 'It was moved to the queue "laser".');
    await watcher.until('its end', ({ state }) => state === 'completed');
    expect(await cups.printed()).toHaveLength(1);
  });

  test('whose queue is deleted is not lost: a person decides', async () => {
    const job = await backend.submit(told.queue, raw(), signal);
    await using watcher = new Watcher(job);
    await told.reached();
    await cups.command('lpadmin', '-x', told.queue);
    expect(await watcher.until('its end', ({ gaveUp }) => gaveUp)).toMatchObject({
      state: 'aborted',
      message: 'The print system gave the job up: its queue "told" was deleted. Part of it may have been printed.',
    });
  });

  // cupsd looks only every ten seconds for jobs to try again.
  test.each(['abort-job', 'retry-job'].slice(0, count(1, 2)))(
    'that CUPS gives up by its policy %s is not lost: a person decides, and the newest try counts',
    async (policy) => {
      await told.install(policy);
      const document = raw();
      const job = await backend.submit(told.queue, document, signal);
      await using watcher = new Watcher(job);
      if (policy === 'retry-job') {
        await told.tell('say ERROR: no toner', 'exit 1');
        await watcher.until('the pause', ({ state }) => state === 'processing-stopped');
      }
      await told.tell('say ERROR: no toner', 'exit 1');
      const last = await watcher.until('its end', ({ gaveUp }) => gaveUp);
      expect(last.message).toBe('The print system gave the job up: no toner. Part of it may have been printed.');
      const again = await backend.submit(told.queue, document, signal);
      const found = await backend.find(told.queue, document.uuid, signal);
      expect(numberOf(found)).toBe(numberOf(again));
      await told.tell('exit 0');
      await until(async () => (await told.printed()).length === 1, { what: 'the document', withinMs: 10_000 });
    },
  );

  test.runIf(count(0, 1) === 1)('that is stuck for longer than CUPS allows is not lost', async () => {
    await cups.command('cupsdisable', told.queue);
    const job = await backend.submit(told.queue, raw(), signal);
    // We ask for a day.
    await cups.command('lp', '-i', String(numberOf(job)), '-U', 'anna', '-o', 'job-cancel-after=1');
    await using watcher = new Watcher(job);
    await cups.command('cupsenable', told.queue);
    expect((await watcher.until('its end', ({ gaveUp }) => gaveUp)).message).toContain('stuck');
  });

  test('that no filter can convert ends with the reason, and does not stay in CUPS', async () => {
    await cups.command('lpadmin', '-p', laser, '-v', `keep:${cups.printedFolder}`);
    const bytes = Buffer.from('%PDF-1.4\nnot one\n');
    const job = await backend.submit(laser, documentOf({ document: { bytes, format: 'application/pdf' } }), signal);
    await using watcher = new Watcher(job, laser);
    const last = await watcher.until('its end', ({ state }) => state === 'aborted');
    expect(last).toMatchObject({ stateReasons: ['aborted-by-system', 'document-unprintable-error'] });
    expect(last.message).toMatch(/^The print system could not convert the document/);
    expect(await cups.command('lpstat', '-o')).toBe('');
  });
});

describe('The queues of CUPS', () => {
  beforeEach(() => start());
  afterEach(end);

  test('that change are noticed by themselves, within about a second', async () => {
    // The first news is that there will be news.
    await until(() => changes > 0, { what: 'the subscription', withinMs: 10_000 });
    const begin = performance.now();
    await cups.command('cupsdisable', laser);
    const seen = changes;
    await until(() => changes > seen, { what: 'news of the queue', withinMs: 10_000, everyMs: 5 });
    console.log(`a disabled queue was noticed after ${(performance.now() - begin).toFixed(0)} ms`);
    expect((await backend.list(signal)).find(({ id }) => id === laser)?.state).toBe('stopped');
    const before = changes;
    await cups.command('lpadmin', '-x', laser);
    await until(() => changes > before, { what: 'news of the deletion', withinMs: 10_000 });
    expect((await backend.list(signal)).map(({ id }) => id)).not.toContain(laser);
  });

  test('tell how full they are', async () => {
    const job = await backend.submit(told.queue, raw(), signal);
    await using watcher = new Watcher(job);
    await told.tell('say ATTR: marker-names=Black,Cyan marker-levels=70,-1 marker-types=toner,toner', 'exit 0');
    await watcher.until('its end', ({ state }) => state === 'completed');
    const queue = (await backend.list(signal)).find(({ id }) => id === told.queue);
    expect(queue?.supplies).toEqual([
      { name: 'Black', level: 70 },
      { name: 'Cyan', level: null },
    ]);
  });

  test('leave no subscription behind when the agent ends', async () => {
    await until(async () => (await subscriptions()).includes('notify-subscription-id'), {
      what: 'the subscription',
      withinMs: 10_000,
    });
    await backend[Symbol.asyncDispose]();
    expect(await subscriptions()).not.toContain('notify-subscription-id');
  });

  test('that come back with a restarted CUPS are noticed, and its jobs are followed to their end', async () => {
    const document = raw();
    await backend.submit(told.queue, document, signal);
    await told.reached();
    await cups.stop();
    const seen = changes;
    await until(() => changes > seen, { what: 'the loss', withinMs: 10_000 });
    await expect(backend.list(signal)).rejects.toSatisfy((error) => hasCode(error, 'unavailable'));
    await cups.up();
    await until(async () => (await backend.list(signal).catch(() => [])).length > 0, {
      what: 'the queues',
      withinMs: 10_000,
    });
    const found = await backend.find(told.queue, document.uuid, signal);
    await using watcher = new Watcher(found as BackendJob);
    await told.tell('exit 0');
    await watcher.until('its end', ({ state }) => state === 'completed');
  });
});

describe('CUPS that keeps no record of jobs that ended', () => {
  beforeEach(() => start({ env: { HISTORY: 'No' } }));
  afterEach(end);

  test('told of their end, so a printed job is known to be printed, and a cancelled one to be cancelled', async () => {
    const ends: string[] = [];
    for (const act of ['print', 'cancel']) {
      const job = await backend.submit(told.queue, raw(), signal);
      await using watcher = new Watcher(job);
      await told.reached();
      if (act === 'print') await told.tell('exit 0');
      else await cups.command('cancel', '-a', told.queue);
      ends.push((await watcher.until('its end', ({ state }) => state === 'completed' || state === 'canceled')).state);
    }
    expect(ends).toEqual(['completed', 'canceled']);
  });

  test('cannot say after our crash whether a job was printed, and we do not guess', async () => {
    const document = raw();
    const job = await backend.submit(told.queue, document, signal);
    await using watcher = new Watcher(job);
    await told.tell('exit 0');
    await watcher.until('its end', ({ state }) => state === 'completed');
    await expect(backend.find(told.queue, document.uuid, signal)).rejects.toSatisfy((error) =>
      hasCode(error, 'unsupported'),
    );
  });

  test('is known to have got no job, when it never had one', async () => {
    expect(await backend.find(told.queue, newUuid(), signal)).toBeUndefined();
  });
});

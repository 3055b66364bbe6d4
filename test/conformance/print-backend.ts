/**
 * What every PrintBackend does, whatever stands behind it: the spool relies on it. A test file calls
 * `testPrintBackend('CUPS', open)`, where `open` gives a running destination with a queue that prints.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hasCode } from '../../protocol/errors.ts';
import { JobUuid, QueueName } from '../../protocol/ids.ts';
import { finalJobStates } from '../../protocol/resources.ts';
import type { BackendJob, Document, PrintBackend } from '../../agent/printing/print-backend.ts';

export interface PrintBackendSubject extends AsyncDisposable {
  readonly backend: PrintBackend;
  /** Prints whatever it gets. */
  readonly queue: QueueName;
  /** One that the destination takes. */
  readonly document: { readonly bytes: Buffer; readonly format: string };
  /** How many documents came out so far. */
  printed(): Promise<number>;
  /** Jobs from now on stay under way until they are cancelled; undefined where none stays long enough to see. */
  readonly hold?: (() => Promise<void>) | undefined;
  /** Jobs can wait there until a person releases them. */
  readonly holdsJobs?: boolean;
}

export function testPrintBackend(name: string, open: () => Promise<PrintBackendSubject>): void {
  describe(`${name} as a print backend`, () => {
    let subject: PrintBackendSubject;
    let backend: PrintBackend;
    const signal = AbortSignal.timeout(110_000);

    beforeEach(async () => {
      subject = await open();
      backend = subject.backend;
    });
    afterEach(async () => {
      await backend[Symbol.asyncDispose]();
      await subject[Symbol.asyncDispose]();
    });

    test('lists the queue, ready to print', async () => {
      const queues = await backend.list(signal);
      const queue = queues.find(({ id }) => id === subject.queue);
      expect(queue).toMatchObject({ state: 'idle', accepting: true, stateReasons: [] });
      expect(queue?.info).not.toBe('');
    });

    test('describes it by the attributes that a dialog needs, without the way to the device', async () => {
      const attributes = await backend.describe(subject.queue, signal);
      expect([...attributes.keys()]).toEqual(
        expect.arrayContaining(['document-format-supported', 'media-supported', 'printer-state']),
      );
      expect(attributes.has('device-uri')).toBe(false);
    });

    test('says not-found of a queue that it does not have', async () => {
      const missing = QueueName.parse('no-such-queue');
      await expect(backend.describe(missing, signal)).rejects.toSatisfy((error) => hasCode(error, 'not-found'));
      await expect(backend.submit(missing, documentOf(subject), signal)).rejects.toSatisfy((error) =>
        hasCode(error, 'not-found'),
      );
    });

    test('prints a document once and follows it to the end', async () => {
      const states = await follow(await backend.submit(subject.queue, documentOf(subject), signal));
      expect(states.at(-1)?.state).toBe('completed');
      expect(states.filter(({ state }) => finalJobStates.includes(state))).toHaveLength(1);
      expect(await subject.printed()).toBe(1);
    });

    test('finds a job again by its uuid, as it is by now', async () => {
      const document = documentOf(subject);
      const submitted = await backend.submit(subject.queue, document, signal);
      const last = (await follow(submitted)).at(-1);
      expect(await backend.find(subject.queue, document.uuid, signal)).toMatchObject({
        state: last?.state,
      });
    });

    test('knows nothing of a job that never arrived', async () => {
      expect(await backend.find(subject.queue, newUuid(), signal)).toBeUndefined();
    });

    test('leaves nothing behind of a document that breaks off', async () => {
      const document = documentOf(subject);
      const broken = { ...document, open: () => Readable.from(breaksOff(subject.document.bytes)) };
      await expect(backend.submit(subject.queue, broken, signal)).rejects.toThrow();
      expect(await backend.find(subject.queue, document.uuid, signal)).toBeUndefined();
      expect(await subject.printed()).toBe(0);
    });

    test('ends every wait when its signal aborts', async () => {
      const aborted = AbortSignal.abort(new Error('enough'));
      await expect(backend.list(aborted)).rejects.toThrow('enough');
      await expect(backend.submit(subject.queue, documentOf(subject), aborted)).rejects.toThrow('enough');
    });

    test('cancels a job under way, and once more without harm', async ({ skip }) => {
      if (subject.hold === undefined) return skip('Its jobs end at once.');
      await subject.hold();
      const document = documentOf(subject);
      const { reference } = await backend.submit(subject.queue, document, signal);
      await backend.cancel(subject.queue, reference, signal);
      const states = await follow({ reference });
      expect(states.at(-1)?.state).toBe('canceled');
      await backend.cancel(subject.queue, reference, signal);
      expect(await subject.printed()).toBe(0);
    });

    test('cancels a job that it found by its uuid', async ({ skip }) => {
      if (subject.hold === undefined) return skip('Its jobs end at once.');
      await subject.hold();
      const document = documentOf(subject);
      await backend.submit(subject.queue, document, signal);
      const found = await backend.find(subject.queue, document.uuid, signal);
      await backend.cancel(subject.queue, found?.reference ?? '', signal);
      expect((await follow({ reference: found?.reference ?? '' })).at(-1)?.state).toBe('canceled');
    });

    test('holds a job that waits behind another, releases it, and cannot hold one that prints', async ({ skip }) => {
      if (subject.hold === undefined || subject.holdsJobs !== true) return skip('No job waits there.');
      await subject.hold();
      const first = await backend.submit(subject.queue, documentOf(subject), signal);
      await reaches(first, 'processing');
      const { reference } = await backend.submit(subject.queue, documentOf(subject, 'Second'), signal);
      await reaches({ reference }, 'pending');
      await backend.hold(subject.queue, reference, signal);
      await reaches({ reference }, 'pending-held');
      await backend.hold(subject.queue, reference, signal);
      await backend.release(subject.queue, reference, signal);
      await reaches({ reference }, 'pending');
      await expect(backend.release(subject.queue, first.reference, signal)).rejects.toSatisfy(notPermitted);
      await expect(backend.hold(subject.queue, first.reference, signal)).rejects.toSatisfy(notPermitted);
      expect(await subject.printed()).toBe(0);
      for (const each of [reference, first.reference]) await backend.cancel(subject.queue, each, signal);
    });

    test('says so where no job is ever held', async ({ skip }) => {
      if (subject.holdsJobs === true) return skip('It holds jobs.');
      const { reference } = await backend.submit(subject.queue, documentOf(subject), signal);
      for (const act of ['hold', 'release'] as const)
        await expect(backend[act](subject.queue, reference, signal)).rejects.toSatisfy((error) =>
          hasCode(error, 'unsupported'),
        );
    });

    test('says not-found of a reference that is none', async () => {
      await expect(backend.cancel(subject.queue, 'nonsense', signal)).rejects.toSatisfy((error) =>
        hasCode(error, 'not-found'),
      );
    });

    async function reaches({ reference }: Pick<BackendJob, 'reference'>, wanted: BackendJob['state']): Promise<void> {
      for await (const { state } of backend.watch(subject.queue, reference, signal)) if (state === wanted) return;
      expect.fail(`The job ended without having been ${wanted}.`);
    }

    async function follow({ reference }: Pick<BackendJob, 'reference'>): Promise<BackendJob[]> {
      const states: BackendJob[] = [];
      for await (const state of backend.watch(subject.queue, reference, signal)) states.push(state);
      return states;
    }
  });
}

const notPermitted = (error: unknown): boolean => hasCode(error, 'not-permitted');

export function newUuid(): JobUuid {
  return JobUuid.parse(`urn:uuid:${randomUUID()}`);
}

export function documentOf({ document }: Pick<PrintBackendSubject, 'document'>, name = 'Report'): Document {
  return {
    uuid: newUuid(),
    name,
    user: 'anna',
    format: document.format,
    bytes: document.bytes.length,
    template: new Map(),
    open: () => Readable.from([document.bytes]),
  };
}

/** Half of it, then a fault of the disk. */
async function* breaksOff(bytes: Buffer): AsyncIterable<Buffer> {
  yield bytes.subarray(0, bytes.length / 2);
  await Promise.resolve();
  throw new Error('the disk failed');
}

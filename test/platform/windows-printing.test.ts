/** The backend of Windows before a program that speaks the protocol of its PowerShell; that Windows answers so is for a real Windows to show. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { integer, keyword } from '../../agent/printing/ipp-attributes.ts';
import { systemClock } from '../../agent/base/clock.ts';
import { silentLog } from '../../agent/base/log.ts';
import { openSpool } from '../../agent/printing/spool.ts';
import type { BackendJob, PrintBackend } from '../../agent/printing/print-backend.ts';
import { NethoodError } from '../../protocol/errors.ts';
import { QueueName } from '../../protocol/ids.ts';
import { documentOf, newUuid, testPrintBackend } from '../conformance/print-backend.ts';
import { onePagePdf } from '../office/documents.ts';
import { until } from '../office/until.ts';
import { laser, openWindowsOffice, type WindowsOffice } from './windows-spooler-office.ts';

const signal = AbortSignal.timeout(110_000);
const subject = { document: { bytes: onePagePdf(300), format: 'application/pdf' } };
const text = { bytes: Buffer.from('Hello\n'), format: 'text/plain' };

testPrintBackend('Windows', async () => {
  const office = await openWindowsOffice();
  return {
    backend: await office.backend(),
    queue: laser,
    ...subject,
    printed: () => Promise.resolve(office.state.printed.length),
    hold: () => Promise.resolve(office.set({ endless: true })),
    holdsJobs: true,
    [Symbol.asyncDispose]: () => office[Symbol.asyncDispose](),
  };
});

describe('The backend of Windows', () => {
  let office: WindowsOffice;
  let backend: PrintBackend;

  beforeEach(async () => {
    office = await openWindowsOffice();
    backend = await office.backend();
  });
  afterEach(async () => {
    await backend[Symbol.asyncDispose]();
    await office[Symbol.asyncDispose]();
  });

  async function follow({ reference }: Pick<BackendJob, 'reference'>, by = backend): Promise<BackendJob[]> {
    const states: BackendJob[] = [];
    for await (const state of by.watch(laser, reference, signal)) states.push(state);
    return states;
  }

  test('lists every printer under a name for addresses, and says which may not be shared', async () => {
    const queues = await backend.list(signal);
    expect(
      queues.map(({ id, state, stateReasons, unshareable }) => [id, state, stateReasons, unshareable === undefined]),
    ).toEqual([
      ['HP-LaserJet-400', 'idle', [], true],
      ['Microsoft-Print-to-PDF', 'idle', [], false],
      ['SRV01-Etage-2', 'idle', ['toner-low-warning'], false],
      ['Brother-HL-L2350DW-series-(Kopie-1)', 'stopped', ['offline-report'], true],
      ['Büro-Etikett', 'stopped', ['media-empty-error', 'door-open-error'], true],
      ['laser_Anna', 'idle', [], false],
    ]);
  });

  test('hands over the ticket as data, and the document as a file that is gone afterwards', async () => {
    const template = new Map([
      ['copies', integer(3)],
      ['sides', keyword('two-sided-long-edge')],
      ['media', keyword('iso_a5_148x210mm')],
    ]);
    const hostile = `'; Remove-Item C:\\ -Recurse #\u001b[2J\n$(calc) "Büro 😀"`;
    await follow(await backend.submit(laser, { ...documentOf(subject, hostile), template }, signal));
    const [wish] = office.state.wishes as Record<string, unknown>[];
    expect(wish).toMatchObject({
      printer: 'HP LaserJet 400',
      kind: 'pdf',
      bytes: subject.document.bytes.length,
      copies: 3,
      duplex: 2,
      paper: 11,
    });
    expect(wish?.['document']).toMatch(
      /^'; Remove-Item C:\\ -Recurse # \[2J \$\(calc\) "Büro 😀" \[nethood [0-9a-f-]{36}\]$/,
    );
    expect(existsSync(String(wish?.['file']))).toBe(false);
  });

  test('turns raster into PDF on the way, prints text as text, and refuses what Windows draws not', async () => {
    await backend.submit(laser, documentOf({ document: text }), signal);
    expect(office.state.wishes).toMatchObject([{ kind: 'text', bytes: 6 }]);
    const broken = documentOf({
      document: { bytes: Buffer.from('RaS2PwgRaster\0 and no more'), format: 'image/pwg-raster' },
    });
    await expect(backend.submit(laser, broken, signal)).rejects.toMatchObject({ code: 'bad-document' });
    const postscript = documentOf({ document: { bytes: Buffer.from('%!PS'), format: 'application/postscript' } });
    await expect(backend.submit(laser, postscript, signal)).rejects.toMatchObject({ code: 'bad-document' });
    expect(office.state.wishes).toHaveLength(1);
  });

  test('prints nothing where somebody would be asked at the screen', async () => {
    const asks = QueueName.parse('Microsoft-Print-to-PDF');
    await expect(backend.submit(asks, documentOf(subject), signal)).rejects.toMatchObject({
      code: 'not-supported',
      message: expect.stringContaining('asks at the screen') as string,
    });
  });

  test('says that a job was cancelled when somebody removes it in the queue of Windows', async () => {
    office.set({ endless: true });
    const job = await backend.submit(laser, documentOf(subject), signal);
    const states = follow(job);
    await until(() => office.state.jobs[0]?.JobStatus === 0x10, { what: 'it to print', withinMs: 20_000 });
    office.set({ jobs: office.state.jobs.map((each) => ({ ...each, JobStatus: 0x14 })) });
    expect((await states).at(-1)).toMatchObject({ state: 'canceled' });
  });

  test('never takes a job for another that got its number after the spooler was restarted', async () => {
    office.set({ endless: true });
    const job = await backend.submit(laser, documentOf(subject), signal);
    const stranger = {
      ...office.state.jobs[0],
      DocumentName: `Salaries [nethood ${newUuid().slice(9)}]`,
      JobStatus: 0x10,
    };
    office.set({ jobs: [stranger as (typeof office.state.jobs)[number]] });
    await backend.cancel(laser, job.reference, signal);
    expect(office.state.jobs).toMatchObject([{ JobStatus: 0x10 }]);
    expect((await follow(job)).at(-1)?.state).toBe('completed');
  });

  describe('when PowerShell dies', () => {
    test('before a document was handed over whole, cannot tell what became of it', async () => {
      office.set({ dies: 'while-printing' });
      const document = documentOf(subject);
      await expect(backend.submit(laser, document, signal)).rejects.toMatchObject({ code: 'unreachable' });
      await using again = await office.backend();
      await expect(again.find(laser, document.uuid, signal)).rejects.toMatchObject({ code: 'unsupported' });
    });

    test('after it, finds the job and follows it to its end', async () => {
      office.set({ dies: 'after-printing' });
      const document = documentOf(subject);
      await expect(backend.submit(laser, document, signal)).rejects.toMatchObject({ code: 'unreachable' });
      await using again = await office.backend();
      const found = await again.find(laser, document.uuid, signal);
      expect((await follow(found ?? { reference: '' }, again)).at(-1)?.state).toBe('completed');
      expect(await again.find(laser, document.uuid, signal)).toMatchObject({ state: 'completed' });
      expect(office.state.printed).toHaveLength(1);
    });
  });

  test.each([
    ['in the middle of a document', 'while-printing', 'held', 0],
    ['when Windows had it whole', 'after-printing', 'ended', 1],
  ] as const)(
    '%s, the spool prints nothing twice',
    async (_, dies, phase, printed) => {
      office.set({ dies });
      const folder = await mkdtemp(join(tmpdir(), 'nh-windows-spool-'));
      const spool = await openSpool({
        folder,
        backendFor: () => ({ backend, queue: laser }),
        clock: systemClock,
        random: Math.random,
        log: silentLog,
        limits: () => ({ largestDocument: 1 << 20, reserve: 0, jobs: 10, jobsPerSender: 10 }),
      });
      const order = {
        destination: { device: null, queue: laser },
        label: 'laser',
        owner: { kind: 'self', user: 'anna' },
        name: 'Report',
        template: new Map(),
      } as const;
      const stream = Readable.from([subject.document.bytes]);
      const { id } = await spool.accept(order, { stream, check: () => 'application/pdf' }, signal);
      await until(() => office.state.starts > 0 && spool.get(id)?.phase === 'waiting', {
        what: 'a failed try',
        withinMs: 20_000,
      });
      office.set({ dies: 'never' });
      await until(() => spool.get(id)?.phase === phase, {
        what: () => JSON.stringify(spool.get(id)),
        withinMs: 30_000,
      });
      if (phase === 'held') expect(spool.get(id)?.reasons).toEqual(['nethood-may-have-printed']);
      expect(office.state.printed).toHaveLength(printed);
      expect(office.state.wishes).toHaveLength(printed);
      await spool[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
    60_000,
  );

  test('sends again only what Windows refused before its first page', async () => {
    const fault = { stage: 'printing', category: 'NotSpecified', fault: 'x', hresult: -2_147_467_259, native: 1722 };
    const [none, some] = [documentOf(subject), documentOf(subject)];
    office.set({ faults: { print: { ...fault, pages: 0 } } });
    await expect(backend.submit(laser, none, signal)).rejects.toMatchObject({ code: 'unreachable' });
    expect(await backend.find(laser, none.uuid, signal)).toBeUndefined();
    office.set({ faults: { print: { ...fault, pages: 2 } } });
    await expect(backend.submit(laser, some, signal)).rejects.toMatchObject({ code: 'unreachable' });
    await expect(backend.find(laser, some.uuid, signal)).rejects.toMatchObject({ code: 'unsupported' });
  });

  test('stops a print that hangs when its user cancels it', async () => {
    office.set({ silent: ['print'] });
    const controller = new AbortController();
    const submitted = backend.submit(laser, documentOf(subject), controller.signal);
    setImmediate(() => controller.abort(new NethoodError('cancelled', 'Enough.')));
    await expect(submitted).rejects.toMatchObject({ code: 'cancelled' });
  });

  test('keeps nothing of a document that the disk or its sender cuts off', async () => {
    const failing = {
      ...documentOf(subject),
      open: () => Readable.from([Buffer.from('%PDF-1.7')]).map(() => Promise.reject(new Error('cut'))),
    };
    await expect(backend.submit(laser, failing as ReturnType<typeof documentOf>, signal)).rejects.toThrow('cut');
    expect(office.state.wishes).toEqual([]);
  });
});

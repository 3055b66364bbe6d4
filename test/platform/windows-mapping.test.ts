/** What Windows says in bits and hundredths of an inch, in the words of IPP. */
import { describe, expect, test } from 'vitest';
import { windowsAttributes } from '../../agent/platform/windows-attributes.ts';
import { faultError } from '../../agent/platform/windows-faults.ts';
import { documentName, markOf, windowsJobReport } from '../../agent/platform/windows-job.ts';
import { answers, type WindowsPrinter, WindowsFault } from '../../agent/platform/windows-protocol.ts';
import { queueNames, windowsQueue } from '../../agent/platform/windows-queue.ts';
import { accepts, jobStateFrom, printerStateFrom } from '../../agent/platform/windows-status.ts';
import { printSettings } from '../../agent/platform/windows-ticket.ts';
import {
  attributes,
  collection,
  enumeration,
  integer,
  keyword,
  range,
  stringsOf,
} from '../../agent/printing/ipp-attributes.ts';
import { completed } from '../../agent/printing/printer-minimum.ts';
import type { AttributeGroup } from '../../agent/printing/ipp-values.ts';
import type { NethoodError } from '../../protocol/errors.ts';
import { JobUuid, QueueName } from '../../protocol/ids.ts';
import { recorded } from './windows-recorded.ts';

const { printers } = answers.printers.parse(recorded('printers'));
const { abilities } = answers.abilities.parse(recorded('abilities'));
const [laser] = printers as [WindowsPrinter];
if (abilities === null) throw new Error('The recorded abilities are none.');
const nobody: ReadonlySet<string> = new Set();

const named = (...names: string[]): string[] => [...queueNames(names).keys()];
const why = (change: Partial<WindowsPrinter>, instances = nobody): string | undefined =>
  windowsQueue(QueueName.parse('x'), { ...laser, ...change }, instances).unshareable;
const size = (x: number, y: number): AttributeGroup => {
  const dimensions = { 'x-dimension': integer(x), 'y-dimension': integer(y) };
  return attributes({ 'media-col': collection({ 'media-size': collection(dimensions) }) });
};
const fault = (given: object): NethoodError => faultError(WindowsFault.parse(given));
/** HRESULT_FROM_WIN32 */
const hresult = (code: number): number => 0x8007_0000 | code | 0;

describe('The status of a printer', () => {
  test.each([
    [0, false, 'idle', []],
    [0x400, false, 'processing', []],
    [0x4000, false, 'processing', []],
    [0x1, false, 'stopped', ['paused']],
    [0x0, true, 'stopped', ['offline-report']],
    [0x80, true, 'stopped', ['offline-report']],
    [0x10, false, 'stopped', ['media-empty-error']],
    [0x8 | 0x400, false, 'stopped', ['media-jam-error']],
    [0x400000 | 0x10, false, 'stopped', ['media-empty-error', 'door-open-error']],
    [0x20000, false, 'idle', ['toner-low-warning']],
    [0x40000, false, 'stopped', ['toner-empty-error']],
    [0x1000000, false, 'idle', []],
    [0xf8000000, false, 'idle', []],
  ])('%i is said in words', (PrinterStatus, WorkOffline, state, stateReasons) => {
    expect(printerStateFrom({ PrinterStatus, WorkOffline })).toEqual({ state, stateReasons });
  });

  test('lets no job in while the queue is being deleted', () => {
    expect(accepts({ PrinterStatus: 0x4, WorkOffline: false })).toBe(false);
    expect(accepts({ PrinterStatus: 0x1, WorkOffline: false })).toBe(true);
  });
});

describe('The status of a job', () => {
  test.each([
    [0, 'pending', 'job-queued'],
    [0x8, 'pending', 'job-incoming'],
    [0x10, 'processing', 'job-printing'],
    [0x2010, 'processing', 'job-printing'],
    [0x4000, 'processing', 'job-transforming'],
    [0x1, 'pending-held', 'job-hold-until-specified'],
    [0x11, 'processing-stopped', 'job-stopped'],
    [0x50, 'processing-stopped', 'media-empty-error'],
    [0x12, 'processing-stopped', 'other-error'],
    [0x20, 'pending', 'offline-report'],
    [0x4, 'pending', 'processing-to-stop-point'],
    [0x14, 'processing', 'processing-to-stop-point'],
    [0x80, 'completed', 'job-completed-successfully'],
    [0x84, 'completed', 'job-completed-successfully'],
    [0x1000, 'completed', 'job-completed-successfully'],
  ])('%i is said in words', (bits, state, reason) => {
    const told = jobStateFrom(bits);
    expect(told.state).toBe(state);
    expect(told.stateReasons).toContain(reason);
  });

  test('tells with the printer why it waits, and how far it is', () => {
    const uuid = JobUuid.parse('urn:uuid:8f2c3a5e-1111-4222-8333-944455556666');
    const [printing] = answers.jobs.parse(recorded('jobs')).printers;
    const [job] = printing?.jobs ?? [];
    if (printing === undefined || job === undefined) throw new Error('No job is recorded.');
    expect(job.DocumentName).toBe(documentName('Angebot Müller.pdf', uuid));
    expect(windowsJobReport(job, printing, uuid)).toMatchObject({
      state: 'processing',
      pagesCompleted: 2,
      pagesTotal: 5,
    });
    const jammed = { ...printing, PrinterStatus: 0x8 };
    expect(windowsJobReport(job, jammed, uuid)).toMatchObject({
      state: 'processing-stopped',
      stateReasons: ['printer-stopped', 'job-printing', 'media-jam-error'],
    });
    expect(windowsJobReport({ ...job, JobStatus: 0 }, jammed, uuid).state).toBe('pending');
    expect(windowsJobReport({ ...job, JobStatus: 1 }, jammed, uuid).state).toBe('pending-held');
  });

  test('leaves a mark at the end of its name, however long that is', () => {
    const uuid = JobUuid.parse('urn:uuid:8f2c3a5e-1111-4222-8333-944455556666');
    const name = documentName(`${'ü'.repeat(500)}\n\u001b]0;x`, uuid);
    expect(name.endsWith(markOf(uuid))).toBe(true);
    expect(Buffer.byteLength(name)).toBeLessThan(160);
    expect(documentName('\n', uuid)).toBe(`document ${markOf(uuid)}`);
  });
});

describe('The name of a queue', () => {
  test.each([
    ['Laser', 'Laser'],
    ['HP LaserJet (Kopie 1)', 'HP-LaserJet-(Kopie-1)'],
    ['\\\\SRV\\Etage 2', 'SRV-Etage-2'],
    ['Büro 100% #1?', 'Büro-100-1'],
    ['打印机', '打印机'],
    ['///', 'printer'],
    ["x'; calc #", 'x-;-calc'],
  ])('%s can stand in an address as %s', (name, id) => {
    expect(named(name)).toEqual([id]);
  });

  test('is another for each printer, and stays what it is when one more comes', () => {
    const both = named('Laser 1', 'Laser#1');
    expect(new Set(both).size).toBe(2);
    expect(both.every((each) => /^Laser-1-[0-9a-f]{6}$/.test(each))).toBe(true);
    expect(named('Laser#1', 'Laser 1', 'Laser-1')).toEqual([both[1], both[0], 'Laser-1']);
  });

  test('is none that an address cannot have, whatever the printer is called', () => {
    for (const name of [' ', '.', 'x'.repeat(1_000), 'a\u0000b', '\ud800'])
      expect(QueueName.safeParse(named(name)[0]).success).toBe(true);
  });
});

describe('A queue is not shared again', () => {
  test.each([
    ['that is a connection to another PC', { Type: 1 }],
    ["that has another PC's name", { Name: '\\\\SRV\\Laser' }],
    ['that we made for a neighbour', { Comment: 'nethood' }],
    ['whose port is the address of an agent', { PortName: 'http://127.0.0.1:6630/ipp/print/abc/laser' }],
    ['that asks at the screen', { PortName: 'PORTPROMPT:' }],
    ['that writes a file', { PortName: 'FILE:' }],
    ['of OneNote', { DriverName: 'Send to Microsoft OneNote 16 Driver', PortName: 'nul:' }],
    ['of the fax', { PortName: 'SHRFAX:' }],
    ['that prints things', { DeviceType: 1 }],
  ])('%s', (_, change) => {
    expect(why(change)).toBeTypeOf('string');
  });

  test('that Windows found as a printer of an agent by itself', () => {
    expect(why({ Name: 'Laser (Anna on pc1)' }, new Set(['Laser (Anna on pc1)']))).toMatch(/PC that it belongs to/);
  });

  test.each([{}, { PortName: 'USB001' }, { PortName: 'WSD-1', Comment: 'in the corner' }])('but %o is', (change) => {
    expect(why(change)).toBeUndefined();
  });
});

describe('A printer of Windows describes itself', () => {
  const described = windowsAttributes(windowsQueue(QueueName.parse('x'), laser, nobody), abilities);

  test('by what its driver can', () => {
    expect(stringsOf(described, 'sides-supported')).toEqual([
      'one-sided',
      'two-sided-long-edge',
      'two-sided-short-edge',
    ]);
    expect(stringsOf(described, 'sides-default')).toEqual(['two-sided-long-edge']);
    expect(stringsOf(described, 'print-color-mode-supported')).toEqual(['auto', 'monochrome']);
    expect(described.get('copies-supported')).toEqual(range(1, 999));
    expect(stringsOf(described, 'media-default')).toEqual(['iso_a4_210x297mm']);
    expect(stringsOf(described, 'media-supported')).toEqual([
      'na_letter_8.5x11in',
      'iso_a4_210x297mm',
      'iso_a5_148x210mm',
      'iso_dl_110x220mm',
      'custom_216x330mm_216x330mm',
    ]);
  });

  test('with words only, so that Windows itself finds a driver for it at a neighbour', () => {
    const all = completed(described, stringsOf(described, 'document-format-supported'));
    for (const [attribute, values] of all)
      for (const value of values) if (value.tag === 'keyword') expect(value.value, attribute).toMatch(/^[\w.-]+$/);
  });

  test('on A4 where its driver tells no paper', () => {
    const none = windowsAttributes(windowsQueue(QueueName.parse('x'), laser, nobody), { ...abilities, papers: [] });
    expect(stringsOf(none, 'media-supported')).toEqual(['iso_a4_210x297mm']);
  });
});

describe('The ticket', () => {
  test('without a wish leaves all to the printer', () => {
    expect(printSettings(new Map(), abilities)).toEqual({
      copies: 1,
      collate: true,
      duplex: null,
      color: null,
      paper: null,
      landscape: null,
      scaling: 'auto',
      dpi: 300,
      pages: [],
    });
  });

  test('becomes the numbers of .NET', () => {
    const template = attributes({
      copies: integer(2),
      sides: keyword('two-sided-short-edge'),
      'print-color-mode': keyword('monochrome'),
      media: keyword('custom_216x330mm_216x330mm'),
      'orientation-requested': enumeration(4),
      'print-scaling': keyword('auto-fit'),
      'print-quality': enumeration(5),
      'multiple-document-handling': keyword('separate-documents-uncollated-copies'),
      'page-ranges': [...range(1, 2), ...range(5, 5)],
    });
    expect(printSettings(template, abilities)).toEqual({
      copies: 2,
      collate: false,
      duplex: 3,
      color: false,
      paper: 271,
      landscape: true,
      scaling: 'auto',
      dpi: 600,
      pages: [
        { from: 1, to: 2 },
        { from: 5, to: 5 },
      ],
    });
  });

  test('finds paper by its size in media-col, as near as dialogs round', () => {
    expect(printSettings(size(21_000, 29_700), abilities).paper).toBe(9);
    expect(printSettings(size(14_810, 21_000), abilities).paper).toBe(11);
    expect(printSettings(size(10_000, 10_000), abilities).paper).toBeNull();
  });

  test('knows no word that Object has', () => {
    expect(
      printSettings(attributes({ sides: keyword('constructor'), 'print-scaling': keyword('__proto__') }), abilities),
    ).toMatchObject({
      duplex: null,
      scaling: 'auto',
    });
  });
});

describe('A fault of Windows', () => {
  test.each([
    [{ stage: 'printer', native: 1801 }, 'not-found'],
    [{ stage: 'printing', native: 5 }, 'not-permitted'],
    [{ stage: 'printing', native: 1722 }, 'unreachable'],
    [{ stage: 'printing', native: 112, pages: 3 }, 'no-space'],
    [
      { stage: 'request', category: 'ObjectNotFound', fault: 'CmdletizationQuery_NotFound_PrinterName,Get-PrintJob' },
      'not-found',
    ],
    [{ stage: 'request', category: 'PermissionDenied', fault: 'x' }, 'not-permitted'],
    [{ stage: 'request', fault: 'HRESULT 0x80070709,Suspend-PrintJob' }, 'not-found'],
    [{ stage: 'request', fault: 'HRESULT 0x800706ba,Get-Printer' }, 'unreachable'],
    [{ stage: 'document', hresult: hresult(1323) }, 'bad-document'],
    [{ stage: 'document', hresult: -2_147_467_259 }, 'bad-document'],
    [{ stage: 'document', hresult: hresult(112) }, 'no-space'],
    [{ stage: 'pages' }, 'bad-document'],
    [{ stage: 'other' }, 'unreachable'],
  ])('%o is %s', (given, code) => {
    expect(fault(given).code).toBe(code);
  });

  test('names a password, and nothing that could move a cursor', () => {
    expect(fault({ stage: 'document', hresult: hresult(1323) }).message).toContain('password');
    expect(fault({ stage: 'request', fault: 'x\u001b[2J\nNativeCommandError' }).message).toBe(
      'The print system of Windows failed (x 2J NativeCommandError).',
    );
  });
});

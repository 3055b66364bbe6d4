import { describe, expect, test } from 'vitest';
import { readReference, referenceOf, templateFor } from '../../agent/platform/cups-job.ts';
import { backendJobOf } from '../../agent/platform/cups-report.ts';
import { oneLine } from '../../agent/platform/one-line.ts';
import { leadsToNethood, queueOf } from '../../agent/platform/cups-queue.ts';
import { cupsTarget } from '../../agent/platform/cups-server.ts';
import {
  attributes,
  boolean,
  collection,
  enumeration,
  integer,
  jobState,
  keyword,
  name,
  noValue,
  octetString,
  printerState,
  text,
  uri,
} from '../../agent/printing/ipp-attributes.ts';
import type { JobState } from '../../protocol/resources.ts';
import { newUuid } from '../conformance/print-backend.ts';

const nobody: ReadonlySet<string> = new Set();

describe('CUPS is found', () => {
  test.each([
    ['/run/own/cups.sock', { socketPath: '/run/own/cups.sock' }],
    ['printserver', { host: 'printserver', port: 631 }],
    ['printserver:8631', { host: 'printserver', port: 8631 }],
    ['10.0.0.7:8631/version=1.1', { host: '10.0.0.7', port: 8631 }],
    ['[fe80::7]:8631', { host: 'fe80::7', port: 8631 }],
    ['[::1]', { host: '::1', port: 631 }],
  ])('at CUPS_SERVER=%s', async (server, transport) => {
    expect((await cupsTarget(server)).transport).toEqual(transport);
  });
});

describe('A queue leads to nethood', () => {
  test.each([
    'ipp://nethood:8d9f@127.0.0.1:6630/ipp/print/abc/laser',
    'ipp://nethood@localhost:7000/ipp/print/abc/laser',
    'ipp://nh-k3q7x2mf.local:6632/ipp/print/laser',
    'IPPS://NH-K3Q7X2MF.LOCAL./ipp/print/laser',
    'ipps://nh-k3q7x2mf-2.local/ipp/print/laser',
    'ipps://user:word@nh-k3q7x2mf.local:6632/ipp/print/laser',
    'ipp://10.20.0.7:6632/ipp/print/laser',
    'ipp://[fe80::7%25eth0]:6642/ipp/print/laser',
    'http://127.0.0.1:6630/ipp/print/abc/laser',
    'dnssd://Lab%20PDF%20(Anna%20on%20pc1)._ipps._tcp.local/?uuid=d67fdd61-343c-3903-74f9-3c64e5f593e8',
    'dnssd://Lab%20PDF%20(Anna%20on%20pc1)._ipp._tcp.local./',
  ])('by %s', (place) => {
    expect(leadsToNethood(place, new Set(['Lab PDF (Anna on pc1)']))).toBe(true);
  });

  test.each([
    'ipp://10.20.0.9:631/ipp/print',
    'ipp://localhost:60000/ipp/print',
    'ipp://localhost:8000/ipp/print/laser',
    'ipp://printer.local:6632/ipp/printer',
    'ipp://nh-printer.local/ipp/print',
    'ipp://nethood.example/printers/laser',
    'ipps://someone:nethood@printer.local/ipp/print/laser',
    'dnssd://HP%20LaserJet._ipp._tcp.local/?uuid=1',
    'dnssd://%E0%A4%A._ipp._tcp.local/',
    'socket://10.20.0.7:6631',
    'usb://HP/LaserJet%201?serial=1',
    'implicitclass://laser/',
    'file:///dev/null',
    'nonsense',
    '',
  ])('not by %s', (place) => {
    expect(leadsToNethood(place, new Set(['Lab PDF (Anna on pc1)']))).toBe(false);
  });
});

describe('A queue of CUPS', () => {
  const laser = {
    'printer-name': name('laser'),
    'printer-info': text('Lab PDF'),
    'printer-location': text('room 1'),
    'printer-make-and-model': text('Lab PDF printer'),
    'printer-state': printerState('processing'),
    'printer-state-reasons': keyword('media-low-report', 'Not A Keyword'),
    'printer-is-accepting-jobs': boolean(true),
    'printer-is-temporary': boolean(false),
    'printer-type': enumeration(2_101_276),
    'device-uri': uri('usb://HP/LaserJet'),
  };

  test('is read from its attributes', () => {
    expect(queueOf(attributes(laser), nobody)).toEqual({
      id: 'laser',
      info: 'Lab PDF',
      location: 'room 1',
      makeAndModel: 'Lab PDF printer',
      state: 'processing',
      stateReasons: ['media-low-report'],
      accepting: true,
      unshareable: undefined,
    });
  });

  test('that prints is offline where CUPS says so in words alone, and an idle one keeps no old words', () => {
    const away = {
      ...laser,
      'printer-state-message': text('The printer may not exist or is unavailable at this time.'),
    };
    expect(queueOf(attributes(away), nobody)?.stateReasons).toEqual(['media-low-report', 'offline-report']);
    const idle = queueOf(attributes({ ...away, 'printer-state': printerState('idle') }), nobody);
    expect(idle?.stateReasons).toEqual(['media-low-report']);
  });

  test('tells how full it is, by its markers and by its other supplies', () => {
    const supplies = {
      'marker-names': name('Black', 'Waste'),
      'marker-levels': integer(70, -1),
      'marker-types': keyword('toner', 'waste-toner'),
      'printer-supply-description': text('Black', 'Tray 1', ''),
      'printer-supply': octetString(
        'index=1;class=supplyThatIsConsumed;type=toner;maxcapacity=100;level=70;',
        'index=2;class=supplyThatIsConsumed;type=paper;maxcapacity=250;level=50;',
        'index=3;type=staples;level=-3',
      ),
    };
    expect(queueOf(attributes({ ...laser, ...supplies }), nobody)?.supplies).toEqual([
      { name: 'Black', level: 70 },
      { name: 'Waste', level: null },
      { name: 'Tray 1', level: 20 },
      { name: 'staples', level: null },
    ]);
  });

  test('takes its name where it says no more, and counts as stopped where it does not say', () => {
    const bare = queueOf(attributes({ 'printer-name': name('laser'), 'printer-info': text('') }), nobody);
    expect(bare).toMatchObject({ info: 'laser', state: 'stopped', accepting: false, stateReasons: [] });
  });

  test.each([
    ['a space', 'las er'],
    ['a slash', '../etc'],
    ['nothing', ''],
  ])('is left out when its name has %s', (_, odd) => {
    expect(queueOf(attributes({ ...laser, 'printer-name': name(odd) }), nobody)).toBeUndefined();
  });

  test('is not shared again when the print system found it on the network', () => {
    const temporary = queueOf(attributes({ ...laser, 'printer-is-temporary': boolean(true) }), nobody);
    const discovered = queueOf(attributes({ ...laser, 'printer-type': enumeration(0x0100_0006) }), nobody);
    expect(temporary?.unshareable).toMatch(/by itself/);
    expect(discovered?.unshareable).toMatch(/by itself/);
  });
});

const jobIn = (state: JobState, reason: string) =>
  attributes({
    'job-state': jobState(state),
    'job-state-reasons': keyword(reason),
    'job-printer-state-reasons': keyword('media-empty-error'),
    'job-printer-state-message': text('no\npaper'),
    'job-impressions-completed': integer(3),
  });

describe('A job of CUPS', () => {
  const job = { id: 12, uuid: newUuid(), user: 'anna "the boss" müller' };

  test('is named by its number, its uuid and its user', () => {
    expect(readReference(referenceOf(job))).toEqual(job);
  });

  test.each(['', '12', '[0,"x",""]', '{"id":1}', 'null'])('is not named by %s', (reference) => {
    expect(() => readReference(reference)).toThrow(expect.objectContaining({ code: 'not-found' }));
  });

  test.each<[JobState, string, string[]]>([
    ['pending', 'none', ['media-empty-error']],
    ['pending-held', 'job-hold-until-specified', ['job-hold-until-specified', 'media-empty-error']],
    ['processing', 'job-printing', ['job-printing', 'media-empty-error']],
  ])('that is %s says why, the device included', (state, reason, stateReasons) => {
    expect(backendJobOf(jobIn(state, reason), job)).toEqual({
      reference: referenceOf(job),
      state,
      stateReasons,
      message: 'no paper',
      pagesCompleted: 3,
    });
  });

  test.each<[what: string, JobState, reason: string, ending: object]>([
    ['was printed', 'completed', 'processing-to-stop-point', { stateReasons: ['job-completed-successfully'] }],
    ['was cancelled', 'canceled', 'job-canceled-by-user', { stateReasons: ['job-canceled-by-user'] }],
    ['is no document', 'aborted', 'document-format-error', { message: 'no paper' }],
    ['could not be tried any more', 'aborted', 'aborted-by-system', { gaveUp: true }],
  ])('that %s ends so', (_, state, reason, ending) => {
    expect(backendJobOf(jobIn(state, reason), job)).toMatchObject({ state, ...ending });
  });

  test('that a filter could not convert is over, though CUPS calls it stopped', () => {
    expect(backendJobOf(jobIn('processing-stopped', 'job-stopped'), job)).toMatchObject({
      state: 'aborted',
      stateReasons: ['aborted-by-system', 'document-unprintable-error'],
      message: 'The print system could not convert the document: no paper',
    });
  });

  test.each<[JobState, string]>([
    ['pending', 'none'],
    ['pending-held', 'resources-are-not-ready'],
  ])('that CUPS puts back to %s after it began has stopped', (state, reason) => {
    const begun = new Map([...jobIn(state, reason), ['time-at-processing', integer(1_760_000_000)]]);
    expect(backendJobOf(begun, job).state).toBe('processing-stopped');
  });

  test('that was stuck for too long was given up by CUPS, whose attributes call it a wish of the user', () => {
    const end = { id: 12, state: 'canceled', reasons: [], text: 'Canceling stuck job after 86400 seconds.' } as const;
    const report = backendJobOf(jobIn('canceled', 'job-canceled-by-user'), job, end);
    expect(report).toMatchObject({ state: 'aborted', gaveUp: true });
  });

  test.each([
    'The printer may not exist or is unavailable at this time.',
    'Unable to locate printer "laser.local".',
    'The printer is not responding.',
  ])('whose device is away says so, where CUPS has it only in words: %s', (words) => {
    const group = attributes({
      'job-state': jobState('processing'),
      'job-printer-state-reasons': keyword('none'),
      'job-printer-state-message': text(words),
    });
    expect(backendJobOf(group, job).stateReasons).toEqual(['offline-report']);
  });

  test('tells of how many pages, once CUPS knows', () => {
    const group = attributes({ 'job-state': jobState('processing'), 'job-impressions': integer(12) });
    expect(backendJobOf(group, job).pagesTotal).toBe(12);
  });

  test('says nothing of pages that the device does not count', () => {
    const group = attributes({ 'job-state': jobState('processing'), 'job-impressions-completed': noValue });
    expect(backendJobOf(group, job)).toMatchObject({ message: undefined, pagesCompleted: undefined });
  });
});

test('Only job template attributes of the standards, in their syntax, go to filters', () => {
  const kept = {
    copies: integer(2),
    sides: keyword('two-sided-long-edge'),
    media: name('Custom.100x200mm'),
    'media-col': collection({ 'media-type': keyword('stationery') }),
    'print-scaling': keyword('fit'),
    'print-quality': enumeration(5),
  };
  const dropped = {
    'job-hold-until': keyword('indefinite'),
    'number-up': keyword('2'),
    'output-bin': keyword('face-up\nFoomaticRIPCommandLine: reboot'),
    ColorModel: keyword('Gray'),
    'document-format': keyword('text/plain'),
    raw: boolean(true),
    copies2: integer(1),
  };
  expect(templateFor(attributes({ ...kept, ...dropped }))).toEqual(attributes(kept));
});

test('Names are cut between characters', () => {
  expect(oneLine('  two\r\nlines\u0000 ', 255)).toBe('two lines');
  expect(oneLine('é'.repeat(300), 255)).toBe('é'.repeat(127));
  expect(oneLine('👍'.repeat(100), 255)).toBe('👍'.repeat(63));
});

import { describe, expect, test } from 'vitest';
import { backendJobOf, oneLine, readReference, referenceOf, templateFor } from '../../agent/platform/cups-job.ts';
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
    ['processing-stopped', 'job-stopped', ['job-stopped', 'media-empty-error']],
    ['canceled', 'job-canceled-by-user', ['job-canceled-by-user', 'media-empty-error']],
    ['aborted', 'aborted-by-system', ['aborted-by-system', 'media-empty-error']],
    ['completed', 'processing-to-stop-point', ['job-completed-successfully']],
  ])('that is %s says why, the device included', (state, reason, stateReasons) => {
    const group = attributes({
      'job-state': jobState(state),
      'job-state-reasons': keyword(reason),
      'job-printer-state-reasons': keyword('media-empty-error'),
      'job-printer-state-message': text('no\npaper'),
      'job-impressions-completed': integer(3),
    });
    expect(backendJobOf(group, job)).toEqual({
      reference: referenceOf(job),
      state,
      stateReasons,
      message: 'no paper',
      pagesCompleted: 3,
    });
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

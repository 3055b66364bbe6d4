import tags from 'ipp/lib/tags.js';
import { expect, test } from 'vitest';
import { errorCodes } from '../../protocol/errors.ts';
import {
  attributeNames,
  attributeSyntax,
  jobStates,
  operationName,
  operations,
  printerStates,
  statusCodes,
  statusName,
} from '../../agent/printing/ipp-tables.ts';
import { errorOfStatus, ippStatusOf, isSuccessful } from '../../agent/printing/ipp-status.ts';
import { valueTags } from '../../agent/printing/ipp-tags.ts';

test('Operations have the numbers of RFC 8011 and of CUPS', () => {
  expect(operations).toMatchObject({
    'Print-Job': 2,
    'Create-Job': 5,
    'Send-Document': 6,
    'Get-Jobs': 0x0a,
    'Get-Printer-Attributes': 0x0b,
    'Cancel-My-Jobs': 0x39,
    'Close-Job': 0x3b,
    'Identify-Printer': 0x3c,
    'CUPS-Get-Printers': 0x4002,
  });
  expect(operationName(0x4002)).toBe('CUPS-Get-Printers');
  expect(operationName(0x1234)).toBe('0x1234');
});

test('States have the numbers of RFC 8011', () => {
  expect(jobStates).toEqual({
    pending: 3,
    'pending-held': 4,
    processing: 5,
    'processing-stopped': 6,
    canceled: 7,
    aborted: 8,
    completed: 9,
  });
  expect(printerStates).toEqual({ idle: 3, processing: 4, stopped: 5 });
});

test('The tags of the codec are those of the package', () => {
  const theirNames: Readonly<Record<string, string>> = {
    collection: 'begCollection',
    text: 'textWithoutLanguage',
    name: 'nameWithoutLanguage',
  };
  for (const [name, tag] of Object.entries(valueTags)) expect(tags[theirNames[name] ?? name], name).toBe(tag);
});

test.each([
  ['printer-input-tray', ['octetString'], true],
  ['urf-supported', ['keyword'], true],
  ['printer-dns-sd-name', ['name', 'nameWithLanguage'], false],
  ['jpeg-k-octets-supported', ['rangeOfInteger'], false],
  ['mopria-certified', ['text', 'textWithLanguage'], false],
  ['print-scaling-supported', ['keyword'], true],
  ['printer-state', ['enum'], false],
  ['media-supported', ['keyword', 'name', 'nameWithLanguage'], true],
  ['printer-info', ['text', 'textWithLanguage'], false],
  ['document-format-supported', ['mimeMediaType'], true],
  ['media-col-database', ['collection'], true],
] as const)('The printer attribute %s has its syntax', (name, syntaxes, set) => {
  expect(attributeSyntax('printer-description', name)).toEqual({ tags: syntaxes, set });
});

test('Names of attributes are looked up as names, whatever an object has', () => {
  expect(attributeSyntax('job-template', '__proto__')).toBeUndefined();
  expect(attributeSyntax('job-template', 'constructor')).toBeUndefined();
  expect(Array.from(attributeNames('job-template'))).toEqual(
    expect.arrayContaining(['copies', 'sides', 'media', 'media-col', 'print-scaling']),
  );
  expect(Array.from(attributeNames('job-description'))).toEqual(expect.arrayContaining(['job-uuid', 'job-state']));
});

test('Every error of nethood has a status of IPP that is a failure', () => {
  for (const code of errorCodes) expect(isSuccessful(ippStatusOf(code)), code).toBe(false);
  expect(ippStatusOf('bad-message')).toBe(0x0400);
  expect(ippStatusOf('too-large')).toBe(0x0408);
  expect(ippStatusOf('not-found')).toBe(0x0406);
});

test('Every failure of IPP is an error of nethood, also one that nobody has heard of', () => {
  const failures = Object.values(statusCodes).filter((status) => !isSuccessful(status));
  for (const status of [...failures, 0x04ff, 0x05ff, 0x0300, 0xffff]) {
    expect(errorCodes).toContain(errorOfStatus(status, 'The printer').code);
  }
  expect(errorOfStatus(0x0406, 'The printer').code).toBe('not-found');
  expect(errorOfStatus(0x04ff, 'The printer').code).toBe('bad-request');
  expect(errorOfStatus(0x05ff, 'The printer').code).toBe('unavailable');
  expect(statusName(0x0503)).toBe('server-error-version-not-supported');
});

test('The words of another print system cannot move a cursor', () => {
  const { message } = errorOfStatus(0x0400, 'The printer', 'bad \u001b[31m\nname');
  expect(message).toBe('The printer answered client-error-bad-request (bad  [31m name).');
});

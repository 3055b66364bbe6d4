/** Our tables of IPP are the package's and these differences, no others: a new version of it cannot change them unseen. */
import packageAttributes from 'ipp/lib/attributes.js';
import packageEnums from 'ipp/lib/enums.js';
import packageStatusCodes from 'ipp/lib/status-codes.js';
import { expect, test } from 'vitest';
import {
  attributeNames,
  attributeSyntax,
  operations,
  statusCodes,
  statusName,
  type AttributeKind,
} from '../../agent/printing/ipp-tables.ts';

const groups: Readonly<Record<AttributeKind, string>> = {
  operation: 'Operation',
  'job-template': 'Job Template',
  'job-description': 'Job Description',
  'printer-description': 'Printer Description',
};
const kinds = Object.keys(groups) as AttributeKind[];
const theirNames = (kind: AttributeKind): string[] => Object.keys(packageAttributes[groups[kind]] ?? {});

const differences = (ours: Readonly<Record<string, number>>, theirs: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(ours).flatMap(([name, code]) => {
    const told = theirs[name];
    return told === code ? [] : [`${name} ${hex(code)}, theirs ${typeof told === 'number' ? hex(told) : 'none'}`];
  });
const hex = (code: number): string => `0x${code.toString(16).padStart(4, '0')}`;

test('of operations it lacks those of CUPS', () => {
  expect(differences(operations, packageEnums['operations-supported'] ?? {})).toEqual([
    'CUPS-Get-Default 0x4001, theirs none',
    'CUPS-Get-Printers 0x4002, theirs none',
    'CUPS-Add-Modify-Printer 0x4003, theirs none',
    'CUPS-Delete-Printer 0x4004, theirs none',
  ]);
});

test('of status codes it lacks those of accounts and of documents that cannot be fetched', () => {
  expect(differences(statusCodes, packageStatusCodes)).toEqual([]);
  const named = Array.from({ length: 0x600 }, (_, code) => [statusName(code), code] as const);
  const known = named.filter(([name]) => !name.startsWith('0x'));
  expect(differences(Object.fromEntries(known), packageStatusCodes)).toEqual([
    'client-error-account-info-needed 0x041c, theirs none',
    'client-error-account-closed 0x041d, theirs none',
    'client-error-account-limit-reached 0x041e, theirs none',
    'client-error-account-authorization-failed 0x041f, theirs none',
    'client-error-not-fetchable 0x0420, theirs none',
  ]);
});

test('of attributes it lacks these, and we lack none of its', () => {
  const lacks = kinds.map((kind) =>
    Array.from(attributeNames(kind)).filter((name) => !theirNames(kind).includes(name)),
  );
  expect(Object.fromEntries(kinds.map((kind, at) => [kind, lacks[at]]))).toEqual({
    operation: ['job-name-supplied'],
    'job-template': ['print-scaling', 'media-overprint'],
    'job-description': [
      'job-impressions-col',
      'job-media-progress',
      'job-preserved',
      'job-printer-state-message',
      'job-printer-state-reasons',
    ],
    'printer-description': [
      'compression-default',
      'device-uri',
      'document-format-preferred',
      'jpeg-features-supported',
      'jpeg-k-octets-supported',
      'jpeg-x-dimension-supported',
      'jpeg-y-dimension-supported',
      'landscape-orientation-requested-preferred',
      'mopria-certified',
      'multiple-operation-time-out-action',
      'pdf-k-octets-supported',
      'pdf-versions-supported',
      'print-scaling-default',
      'print-scaling-supported',
      'printer-config-change-date-time',
      'printer-config-change-time',
      'printer-dns-sd-name',
      'printer-input-tray',
      'printer-is-shared',
      'printer-is-temporary',
      'printer-kind',
      'printer-output-tray',
      'printer-type',
      'urf-supported',
    ],
  });
  for (const kind of kinds)
    expect(theirNames(kind).filter((name) => attributeSyntax(kind, name) === undefined)).toEqual([]);
  expect(theirNames('printer-description')).toHaveLength(267);
});

test('what both know has the same syntax: text and names may say their language, and no-value is no syntax', () => {
  const words: Readonly<Record<string, readonly string[]>> = {
    text: ['text', 'textWithLanguage'],
    name: ['name', 'nameWithLanguage'],
    enumeration: ['enum'],
    novalue: [],
  };
  for (const kind of kinds)
    for (const [name, attribute] of Object.entries(packageAttributes[groups[kind]] ?? {})) {
      const theirs = [attribute].flat().flatMap(({ type }) => words[type] ?? [type]);
      expect([name, attributeSyntax(kind, name)?.tags]).toEqual([name, theirs]);
    }
});

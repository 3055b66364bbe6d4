/**
 * What IPP's numbers and names mean: the tables of the package `ipp` (its only importer; no byte from a wire ever gets
 * near its code), and what they lack: CUPS' operations, status codes of PWG 5100.x, attributes that dialogs look for.
 */
import packageAttributes from 'ipp/lib/attributes.js';
import packageEnums from 'ipp/lib/enums.js';
import packageStatusCodes from 'ipp/lib/status-codes.js';
import { JobState, PrinterState } from '../../protocol/resources.ts';
import type { IppValue } from './ipp-values.ts';

/** Those that nethood sends or answers. RFC 8011 5.4.15; 0x4001 and up: CUPS' implementation of IPP. */
const operationNames = [
  'Print-Job',
  'Validate-Job',
  'Create-Job',
  'Send-Document',
  'Cancel-Job',
  'Get-Job-Attributes',
  'Get-Jobs',
  'Get-Printer-Attributes',
  'Hold-Job',
  'Release-Job',
  'Create-Printer-Subscriptions',
  'Renew-Subscription',
  'Cancel-Subscription',
  'Get-Notifications',
  'Cancel-My-Jobs',
  'Close-Job',
  'Identify-Printer',
  'CUPS-Get-Default',
  'CUPS-Get-Printers',
  'CUPS-Add-Modify-Printer',
  'CUPS-Delete-Printer',
] as const;
export type OperationName = (typeof operationNames)[number];

const cupsOperations: Readonly<Record<string, number>> = {
  'CUPS-Get-Default': 0x4001,
  'CUPS-Get-Printers': 0x4002,
  'CUPS-Add-Modify-Printer': 0x4003,
  'CUPS-Delete-Printer': 0x4004,
};

const allOperations = new Map([
  ...Object.entries(packageEnums['operations-supported'] ?? {}).filter(isNumbered),
  ...Object.entries(cupsOperations),
]);

export const operations = numbersOf(operationNames, allOperations);

/** For messages and logs: the name, or the number in hex. */
export function operationName(code: number): string {
  return nameIn(allOperations, code);
}

/** RFC 8011 appendix B; 0x0418 and up, 0x050D: PWG 5100.13 and 5100.18, under their registered names. */
const laterStatusCodes: Readonly<Record<string, number>> = {
  'client-error-document-password-error': 0x0418,
  'client-error-document-permission-error': 0x0419,
  'client-error-document-security-error': 0x041a,
  'client-error-document-unprintable-error': 0x041b,
  'client-error-account-info-needed': 0x041c,
  'client-error-account-closed': 0x041d,
  'client-error-account-limit-reached': 0x041e,
  'client-error-account-authorization-failed': 0x041f,
  'client-error-not-fetchable': 0x0420,
  'server-error-too-many-documents': 0x050c,
};

const statusNames = [
  'successful-ok',
  'successful-ok-ignored-or-substituted-attributes',
  'successful-ok-conflicting-attributes',
  'client-error-bad-request',
  'client-error-forbidden',
  'client-error-not-authenticated',
  'client-error-not-authorized',
  'client-error-not-possible',
  'client-error-timeout',
  'client-error-not-found',
  'client-error-gone',
  'client-error-request-entity-too-large',
  'client-error-request-value-too-long',
  'client-error-document-format-not-supported',
  'client-error-attributes-or-values-not-supported',
  'client-error-uri-scheme-not-supported',
  'client-error-charset-not-supported',
  'client-error-conflicting-attributes',
  'client-error-compression-not-supported',
  'client-error-compression-error',
  'client-error-document-format-error',
  'client-error-document-access-error',
  'client-error-document-password-error',
  'client-error-document-permission-error',
  'client-error-document-security-error',
  'client-error-document-unprintable-error',
  'server-error-internal-error',
  'server-error-operation-not-supported',
  'server-error-service-unavailable',
  'server-error-version-not-supported',
  'server-error-device-error',
  'server-error-temporary-error',
  'server-error-not-accepting-jobs',
  'server-error-busy',
  'server-error-job-canceled',
  'server-error-multiple-document-jobs-not-supported',
  'server-error-printer-is-deactivated',
  'server-error-too-many-jobs',
] as const;
export type StatusName = (typeof statusNames)[number];

const allStatusCodes = new Map([
  ...Object.entries(packageStatusCodes).filter(isNumbered),
  ...Object.entries(laterStatusCodes),
]);

export const statusCodes = numbersOf(statusNames, allStatusCodes);

export function statusName(code: number): string {
  return nameIn(allStatusCodes, code);
}

/** RFC 8011 5.3.7 and 5.4.11. */
export const jobStates = numbersOf(JobState.options, enumOf('job-state'));
export const printerStates = numbersOf(PrinterState.options, enumOf('printer-state'));
/** RFC 8011 5.2.10 and 5.2.13. */
export const orientations = numbersOf(
  ['portrait', 'landscape', 'reverse-landscape', 'reverse-portrait', 'none'],
  enumOf('orientation-requested'),
);
export const printQualities = numbersOf(['draft', 'normal', 'high'], enumOf('print-quality'));

export type AttributeKind = 'operation' | 'job-template' | 'job-description' | 'printer-description';

export interface AttributeSyntax {
  /** Any one of them. `no-value` is allowed everywhere and not listed. */
  readonly tags: readonly IppValue['tag'][];
  readonly set: boolean;
}

const keywords: AttributeSyntax = { tags: ['keyword'], set: true };
const one = (...tags: IppValue['tag'][]): AttributeSyntax => ({ tags, set: false });

/** What the package lacks. PWG 5100.7, 5100.13, 5100.14; AirPrint's urf-supported; Mopria's certificate; CUPS' own. */
const additions: Readonly<Record<AttributeKind, Readonly<Record<string, AttributeSyntax>>>> = {
  operation: { 'job-name-supplied': one('name', 'nameWithLanguage') },
  'job-template': { 'print-scaling': one('keyword'), 'media-overprint': one('collection') },
  'job-description': {
    'job-impressions-col': one('collection'),
    'job-media-progress': one('integer'),
    'job-preserved': one('boolean'),
    'job-printer-state-message': one('text', 'textWithLanguage'),
    'job-printer-state-reasons': keywords,
  },
  'printer-description': {
    'compression-default': one('keyword'),
    'device-uri': one('uri'),
    'document-format-preferred': one('mimeMediaType'),
    'jpeg-features-supported': keywords,
    'jpeg-k-octets-supported': one('rangeOfInteger'),
    'jpeg-x-dimension-supported': one('rangeOfInteger'),
    'jpeg-y-dimension-supported': one('rangeOfInteger'),
    'landscape-orientation-requested-preferred': one('enum'),
    'mopria-certified': one('text', 'textWithLanguage'),
    'multiple-operation-time-out-action': one('keyword'),
    'pdf-k-octets-supported': one('rangeOfInteger'),
    'pdf-versions-supported': keywords,
    'print-scaling-default': one('keyword'),
    'print-scaling-supported': keywords,
    'printer-config-change-date-time': one('dateTime'),
    'printer-config-change-time': one('integer'),
    'printer-dns-sd-name': one('name', 'nameWithLanguage'),
    'printer-input-tray': { tags: ['octetString'], set: true },
    'printer-is-shared': one('boolean'),
    'printer-is-temporary': one('boolean'),
    'printer-kind': keywords,
    'printer-output-tray': { tags: ['octetString'], set: true },
    'printer-type': one('enum'),
    'urf-supported': keywords,
  },
};

const packageGroups: Readonly<Record<AttributeKind, string>> = {
  operation: 'Operation',
  'job-template': 'Job Template',
  'job-description': 'Job Description',
  'printer-description': 'Printer Description',
};

const syntaxes: Readonly<Record<AttributeKind, ReadonlyMap<string, AttributeSyntax>>> = {
  operation: syntaxesOf('operation'),
  'job-template': syntaxesOf('job-template'),
  'job-description': syntaxesOf('job-description'),
  'printer-description': syntaxesOf('printer-description'),
};

/** Undefined for names that no table knows: vendors' own, and those of later standards. */
export function attributeSyntax(kind: AttributeKind, name: string): AttributeSyntax | undefined {
  return syntaxes[kind].get(name);
}

/** All that such a name in `requested-attributes` stands for (RFC 8011 4.2.5.1). */
export function attributeNames(kind: AttributeKind): Iterable<string> {
  return syntaxes[kind].keys();
}

function syntaxesOf(kind: AttributeKind): ReadonlyMap<string, AttributeSyntax> {
  const known = Object.entries(packageAttributes[packageGroups[kind]] ?? {}).map(
    ([name, attribute]): [string, AttributeSyntax] => {
      const alternatives = [attribute].flat();
      const set = attribute.setof === true || alternatives.some((syntax) => 'setof' in syntax);
      return [name, { tags: alternatives.flatMap(({ type }) => tagsOf(type)), set }];
    },
  );
  return new Map([...known, ...Object.entries(additions[kind])]);
}

/** The package's words for syntaxes; text and name may always come with their language. */
function tagsOf(type: string): IppValue['tag'][] {
  switch (type) {
    case 'text':
      return ['text', 'textWithLanguage'];
    case 'name':
      return ['name', 'nameWithLanguage'];
    case 'enumeration':
      return ['enum'];
    case 'novalue':
      return [];
    default:
      return [type as IppValue['tag']];
  }
}

function enumOf(attribute: string): ReadonlyMap<string, number> {
  return new Map(Object.entries(packageEnums[attribute] ?? {}).filter(isNumbered));
}

/** Without the package's reverse table, which hangs on the same object. */
function isNumbered(entry: [string, unknown]): entry is [string, number] {
  return typeof entry[1] === 'number';
}

/** @throws at the start, should the package not know a name that we live by */
function numbersOf<Name extends string>(
  names: readonly Name[],
  table: ReadonlyMap<string, number>,
): Readonly<Record<Name, number>> {
  const entries = names.map((name): [Name, number] => {
    const number = table.get(name);
    if (number === undefined) throw new TypeError(`No table of IPP has ${name}.`);
    return [name, number];
  });
  return Object.fromEntries(entries) as Record<Name, number>;
}

function nameIn(table: ReadonlyMap<string, number>, code: number): string {
  for (const [name, number] of table) if (number === code) return name;
  return `0x${code.toString(16).padStart(4, '0')}`;
}
